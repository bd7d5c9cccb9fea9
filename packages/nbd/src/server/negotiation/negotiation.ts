import { ByteWriter, encodeText } from '../../wire/bytes.js';
import type { Mode } from '../../wire/mode.js';
import { Info, Option, OptionReply } from '../../wire/protocol.js';
import { type Context, listContexts, selectContexts } from '../exports/contexts.js';
import { blockSizes, type Export, type Exports, sizeBytesOf, transmissionFlags } from '../exports/exports.js';
import { parseContextQuery, parseInfoQuery } from './option-data.js';

/** One reply to an option. */
export interface Reply {
  readonly type: number;
  readonly data?: Uint8Array;
}

/** What follows from an option: its replies, and what happens behind them. */
export interface Outcome {
  readonly replies: readonly Reply[];
  readonly next?: 'close' | 'tls' | { readonly transmit: Export };
}

/** How TLS is to be had on a connection. `on`: it has it. */
export type TlsState = 'none' | 'optional' | 'required' | 'on';

const ACK: Outcome = { replies: [{ type: OptionReply.ACK }] };

/** What was agreed on so far, in words that another process understands. */
export interface Agreement {
  readonly mode: Mode;
  readonly secure: boolean;
  readonly selection: { readonly export: string; readonly contexts: readonly string[] } | undefined;
}

/** What client and server agree on before the first request: a table of options and what follows from each. Does no I/O. */
export class Negotiation {
  readonly #exports: Exports;
  readonly #maxRequestBytes: number;
  #tls: TlsState;
  #mode: Mode = 'simple';
  #selection: { readonly entry: Export; readonly contexts: readonly Context[] } | undefined;

  constructor(exports: Exports, maxRequestBytes: number, tls: TlsState) {
    this.#exports = exports;
    this.#maxRequestBytes = maxRequestBytes;
    this.#tls = tls;
  }

  get mode(): Mode {
    return this.#mode;
  }

  get secure(): boolean {
    return this.#tls === 'on';
  }

  /** The contexts selected for this export. A selection counts only for the export that it named. */
  contextsFor(entry: Export): readonly Context[] {
    return this.#selection?.entry === entry ? this.#selection.contexts : [];
  }

  get agreement(): Agreement {
    const selection = this.#selection;
    const names = selection?.contexts.map(({ name }) => name) ?? [];
    const selected = selection === undefined ? undefined : { export: selection.entry.name, contexts: names };
    return { mode: this.#mode, secure: this.secure, selection: selected };
  }

  /** Goes on from what was agreed on with another server. False if this one cannot keep it. */
  continueFrom({ mode, secure, selection }: Agreement): boolean {
    this.#mode = mode;
    if (secure) this.#tls = 'on';
    this.#selection = undefined;
    if (selection === undefined) return true;
    const entry = this.#exports.find(selection.export);
    if (entry === undefined) return false;
    const contexts = selectContexts(entry, selection.contexts);
    this.#selection = { entry, contexts };
    return contexts.length === selection.contexts.length;
  }

  /** TLS is up: nothing of what was said before counts. */
  secured(): void {
    this.#tls = 'on';
    this.#mode = 'simple';
    this.#selection = undefined;
  }

  /** What follows from any option but EXPORT_NAME. */
  answer(option: number, data: Uint8Array): Outcome {
    if (option === Option.ABORT) return { ...ACK, next: 'close' };
    if (option === Option.STARTTLS) return this.#startTls(data);
    if (this.#tls === 'required') return refusal(OptionReply.ERR_TLS_REQD, 'this server speaks TLS only');
    switch (option) {
      case Option.LIST:
        return data.byteLength > 0 ? malformed() : this.#list();
      case Option.INFO:
      case Option.GO:
        return this.#info(option, data);
      case Option.STRUCTURED_REPLY:
        return this.#structuredReply(data);
      case Option.EXTENDED_HEADERS:
        return this.#extendedHeaders(data);
      case Option.LIST_META_CONTEXT:
      case Option.SET_META_CONTEXT:
        return this.#metaContext(option, data);
      default:
        return refusal(OptionReply.ERR_UNSUP, 'unknown option');
    }
  }

  /** The export for EXPORT_NAME, or `undefined`: the one option that cannot be told what is wrong. */
  exportNamed(name: string | undefined): Export | undefined {
    if (name === undefined || this.#tls === 'required' || this.#mode === 'extended') return undefined;
    return this.#exports.find(name);
  }

  #startTls(data: Uint8Array): Outcome {
    if (this.#tls === 'none') return refusal(OptionReply.ERR_POLICY, 'this server has no TLS');
    if (this.#tls === 'on' || data.byteLength > 0) return malformed();
    return { ...ACK, next: 'tls' };
  }

  #list(): Outcome {
    const replies = this.#exports.all().map(({ name, description }) => ({
      type: OptionReply.SERVER,
      data: new ByteWriter()
        .text(name)
        .bytes(encodeText(description ?? ''))
        .finish(),
    }));
    return { replies: [...replies, ...ACK.replies] };
  }

  #info(option: number, data: Uint8Array): Outcome {
    const query = parseInfoQuery(data);
    if (query === undefined) return malformed();
    const entry = this.#exports.find(query.name);
    if (entry === undefined) return refusal(OptionReply.ERR_UNKNOWN, 'no such export');
    const replies = [this.#exportInfo(entry), this.#blockSizeInfo(entry)];
    if (query.types.includes(Info.NAME)) replies.push(info(Info.NAME, encodeText(entry.name)));
    if (query.types.includes(Info.DESCRIPTION) && entry.description !== undefined) {
      replies.push(info(Info.DESCRIPTION, encodeText(entry.description)));
    }
    replies.push(...ACK.replies);
    return option === Option.GO ? { replies, next: { transmit: entry } } : { replies };
  }

  #exportInfo(entry: Export): Reply {
    return info(Info.EXPORT, exportFacts(entry, this.#mode));
  }

  #blockSizeInfo(entry: Export): Reply {
    const [minimum, preferred, maximum] = blockSizes(entry, this.#maxRequestBytes);
    return info(Info.BLOCK_SIZE, new ByteWriter().u32(minimum).u32(preferred).u32(maximum).finish());
  }

  #structuredReply(data: Uint8Array): Outcome {
    if (data.byteLength > 0) return malformed();
    if (this.#mode === 'extended') return refusal(OptionReply.ERR_EXT_HEADER_REQD, 'extended headers are in force');
    this.#mode = 'structured';
    return ACK;
  }

  #extendedHeaders(data: Uint8Array): Outcome {
    if (data.byteLength > 0 || this.#mode === 'extended') return malformed();
    this.#mode = 'extended';
    return ACK;
  }

  #metaContext(option: number, data: Uint8Array): Outcome {
    const sets = option === Option.SET_META_CONTEXT;
    // Also a selection that fails takes the place of the one before.
    if (sets) this.#selection = undefined;
    const query = parseContextQuery(data);
    if (query === undefined || this.#mode === 'simple') return malformed();
    const entry = this.#exports.find(query.name);
    if (entry === undefined) return refusal(OptionReply.ERR_UNKNOWN, 'no such export');
    if (!sets) {
      const names = listContexts(entry, query.queries);
      return { replies: [...names.map((name) => contextReply(0, name)), ...ACK.replies] };
    }
    const contexts = selectContexts(entry, query.queries);
    this.#selection = { entry, contexts };
    return { replies: [...contexts.map(({ id, name }) => contextReply(id, name)), ...ACK.replies] };
  }
}

/** Size and flags of an export, as EXPORT_NAME and INFO give them. */
export function exportFacts(entry: Export, mode: Mode): Uint8Array {
  return new ByteWriter().u64(sizeBytesOf(entry)).u16(transmissionFlags(entry, mode)).finish();
}

export function refusal(type: number, message: string): Outcome {
  return { replies: [{ type, data: encodeText(message) }] };
}

function malformed(): Outcome {
  return refusal(OptionReply.ERR_INVALID, 'malformed or out of place');
}

function info(type: number, payload: Uint8Array): Reply {
  return { type: OptionReply.INFO, data: new ByteWriter().u16(type).bytes(payload).finish() };
}

function contextReply(id: number, name: string): Reply {
  return { type: OptionReply.META_CONTEXT, data: new ByteWriter().u32(id).bytes(encodeText(name)).finish() };
}
