import { ByteWriter, decodeText } from '../../wire/bytes.js';
import type { Inbound, Parser } from '../../wire/inbound.js';
import {
  CLIENT_FLAGS_BYTES,
  EXPORT_NAME_PADDING_BYTES,
  GREETING_BYTES,
  HandshakeFlag,
  IHAVEOPT,
  NBDMAGIC,
  OPTION_HEADER_BYTES,
  OPTION_REPLY_HEADER_BYTES,
  OPTION_REPLY_MAGIC,
  Option,
  OptionReply,
} from '../../wire/protocol.js';
import type { Export } from '../exports/exports.js';
import { exportFacts, type Negotiation, type Outcome, refusal } from './negotiation.js';

const OFFERED_FLAGS = HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES;

export interface HandshakeHost {
  /** Sends a message of the handshake. No further option is taken before it is sent. */
  send(message: Uint8Array, sent: () => void): void;
  hold(): void;
  resume(): void;
  startTls(): void;
  transmit(entry: Export): void;
  /** The end, after what was sent: the client's wish, or all that is left to do. */
  onClose(reason: string): void;
  /** What the client sends cannot be followed. */
  onViolation(message: string): void;
}

/** The first words of a server. */
export function greeting(): Uint8Array {
  const message = new ByteWriter().magic(NBDMAGIC).magic(IHAVEOPT).u16(OFFERED_FLAGS).finish();
  if (message.byteLength !== GREETING_BYTES) throw new Error('the greeting has a fixed length');
  return message;
}

/** The first phase of a connection: takes options one by one, answers each before it looks at the next. */
export class Handshake implements Parser {
  readonly #inbound: Inbound;
  readonly #negotiation: Negotiation;
  readonly #maxOptionBytes: number;
  readonly #host: HandshakeHost;
  #clientFlags: number | undefined;
  /** The option whose data are on the way. */
  #option = 0;
  #data: Uint8Array | undefined;

  constructor(inbound: Inbound, negotiation: Negotiation, maxOptionBytes: number, host: HandshakeHost) {
    this.#inbound = inbound;
    this.#negotiation = negotiation;
    this.#maxOptionBytes = maxOptionBytes;
    this.#host = host;
  }

  /** What the client said of itself, once it did. */
  get clientFlags(): number | undefined {
    return this.#clientFlags;
  }

  /** Goes on where another one was. */
  continueFrom(clientFlags: number | undefined): void {
    this.#clientFlags = clientFlags;
  }

  /** While it is paused: what has come of an option, and what came behind it. */
  unread(): Uint8Array {
    const writer = new ByteWriter();
    if (this.#data !== undefined) writer.magic(IHAVEOPT).u32(this.#option).u32(this.#data.byteLength);
    return writer.bytes(this.#inbound.unread()).finish();
  }

  parse(inbound: Inbound): boolean {
    return this.#clientFlags === undefined ? this.#parseFlags(inbound) : this.#parseOption(inbound);
  }

  filled(): void {
    const data = this.#data;
    this.#data = undefined;
    if (data !== undefined) this.#take(this.#option, data);
  }

  #parseFlags(inbound: Inbound): boolean {
    if (inbound.availableBytes < CLIENT_FLAGS_BYTES) return false;
    const flags = inbound.view.getUint32(inbound.at);
    if ((flags & ~OFFERED_FLAGS) !== 0) {
      this.#host.onViolation('unknown client flags');
      return false;
    }
    inbound.at += CLIENT_FLAGS_BYTES;
    this.#clientFlags = flags;
    return true;
  }

  #parseOption(inbound: Inbound): boolean {
    if (inbound.availableBytes < OPTION_HEADER_BYTES) return false;
    const { view, at } = inbound;
    if (view.getUint32(at) !== IHAVEOPT[0] || view.getUint32(at + 4) !== IHAVEOPT[1]) {
      this.#host.onViolation('an option begins with the wrong magic');
      return false;
    }
    this.#option = view.getUint32(at + 8);
    const lengthBytes = view.getUint32(at + 12);
    inbound.at += OPTION_HEADER_BYTES;
    if (lengthBytes > this.#maxOptionBytes) {
      this.#tooLong(lengthBytes);
    } else if (lengthBytes === 0) {
      this.#take(this.#option, new Uint8Array(0));
    } else {
      this.#data = new Uint8Array(lengthBytes);
      inbound.readInto(this.#data);
    }
    return true;
  }

  /** Skipped whole, so that the client stays in step. */
  #tooLong(lengthBytes: number): void {
    if (this.#option === Option.EXPORT_NAME) {
      this.#host.onViolation('an export name that is too long');
      return;
    }
    this.#inbound.skip(lengthBytes);
    this.#reply(this.#option, refusal(OptionReply.ERR_TOO_BIG, 'too long'));
  }

  #take(option: number, data: Uint8Array): void {
    if (option === Option.EXPORT_NAME) this.#exportName(data);
    else this.#reply(option, this.#negotiation.answer(option, data));
  }

  #reply(option: number, { replies, next }: Outcome): void {
    const message = new ByteWriter();
    for (const { type, data = new Uint8Array(0) } of replies) {
      message.magic(OPTION_REPLY_MAGIC).u32(option).u32(type).u32(data.byteLength).bytes(data);
    }
    const bytes = message.finish();
    if (bytes.byteLength < OPTION_REPLY_HEADER_BYTES) throw new Error('every option has a reply');
    this.#host.hold();
    if (next === 'tls') {
      // What arrived in plaintext behind the option must never be read as if it had come encrypted.
      this.#inbound.drop();
      this.#host.send(bytes, () => this.#host.startTls());
    } else if (next === 'close') {
      this.#host.send(bytes, () => this.#host.onClose('the client left the handshake'));
    } else if (next === undefined) {
      this.#host.send(bytes, () => this.#host.resume());
    } else {
      this.#transmit(bytes, next.transmit);
    }
  }

  #exportName(data: Uint8Array): void {
    const entry = this.#negotiation.exportNamed(decodeText(data));
    if (entry === undefined) {
      this.#host.onViolation('an export name that cannot be served');
      return;
    }
    const message = new ByteWriter().bytes(exportFacts(entry, this.#negotiation.mode));
    const padded = ((this.#clientFlags ?? 0) & HandshakeFlag.NO_ZEROES) === 0;
    if (padded) message.bytes(new Uint8Array(EXPORT_NAME_PADDING_BYTES));
    this.#host.hold();
    this.#transmit(message.finish(), entry);
  }

  #transmit(message: Uint8Array, entry: Export): void {
    this.#host.send(message, () => {
      this.#host.transmit(entry);
      this.#host.resume();
    });
  }
}
