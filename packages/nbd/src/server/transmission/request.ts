import { readU64, viewOf, writeU64 } from '../../wire/bytes.js';
import { type Mode, requestHeaderBytes } from '../../wire/mode.js';
import { Command, CommandFlag, EXTENDED_REQUEST_MAGIC, REQUEST_MAGIC } from '../../wire/protocol.js';
import type { Change } from '../access/sector-order.js';
import type { PooledBuffer } from '../memory/buffer-pool.js';

/** What is told of a request, and what runs a function on its behalf. */
export interface ToldRequest {
  readonly message: object;
  readonly inside: <T>(work: () => T) => T;
}

/** One request of a client. */
export class Request {
  readonly flags: number;
  readonly command: number;
  /** The cookie is the client's affair; its halves go back as they came. */
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly offsetHigh: number;
  readonly offsetLow: number;
  /** `undefined` above 2^53 - 1. */
  readonly offsetBytes: number | undefined;
  /** Bytes that the request is about. `undefined` above 2^53 - 1. */
  readonly lengthBytes: number | undefined;
  /** Bytes that follow the header. `undefined` above 2^53 - 1. */
  readonly payloadBytes: number | undefined;
  /** Memory for its payload or reply, from byte `at` on. */
  buffer: PooledBuffer | undefined;
  at = 0;
  /** Whether that memory is less than it takes, so that its data pass through it in pieces. */
  inPieces = false;
  /** Bytes of its payload that passed already, in pieces. */
  doneBytes = 0;
  /** When it was begun with, by the server's clock; -1 before. */
  startedMs = -1;
  /** Its place among the changes of its sectors, while the device is at work on it. */
  place: Change | undefined;
  /** What is told of it, while someone listens. */
  told: ToldRequest | undefined;

  private constructor(view: DataView, at: number, extended: boolean) {
    this.flags = view.getUint16(at + 4);
    this.command = view.getUint16(at + 6);
    this.cookieHigh = view.getUint32(at + 8);
    this.cookieLow = view.getUint32(at + 12);
    this.offsetHigh = view.getUint32(at + 16);
    this.offsetLow = view.getUint32(at + 20);
    this.offsetBytes = readU64(view, at + 16);
    this.lengthBytes = extended ? readU64(view, at + 24) : view.getUint32(at + 24);
    const hasPayload = extended ? (this.flags & CommandFlag.PAYLOAD_LEN) !== 0 : this.command === Command.WRITE;
    this.payloadBytes = hasPayload ? this.lengthBytes : 0;
  }

  /** The request at byte `at`, or `undefined` if there is none: the client is out of step. */
  static decode(view: DataView, at: number, mode: Mode): Request | undefined {
    const extended = mode === 'extended';
    if (view.getUint32(at) !== (extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC)) return undefined;
    return new Request(view, at, extended);
  }

  /**
   * The header again, for what is left of the request: its place on the wire before what is left of its payload. What passed in
   * pieces is done.
   */
  encodeRest(mode: Mode): Uint8Array {
    const extended = mode === 'extended';
    const bytes = new Uint8Array(requestHeaderBytes(mode));
    const view = viewOf(bytes);
    view.setUint32(0, extended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC);
    view.setUint16(4, this.flags);
    view.setUint16(6, this.command);
    view.setUint32(8, this.cookieHigh);
    view.setUint32(12, this.cookieLow);
    const { offsetBytes, lengthBytes } = this;
    if (offsetBytes === undefined || lengthBytes === undefined) throw new Error('it was refused, and is done');
    writeU64(view, 16, offsetBytes + this.doneBytes);
    if (extended) writeU64(view, 24, lengthBytes - this.doneBytes);
    else view.setUint32(24, lengthBytes - this.doneBytes);
    return bytes;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}
