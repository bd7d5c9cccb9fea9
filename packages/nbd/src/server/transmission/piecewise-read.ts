import type { Mode } from '../../wire/mode.js';
import type { ByteAccess } from '../access/byte-access.js';
import type { Arena } from '../memory/arena.js';
import type { PooledBuffer } from '../memory/buffer-pool.js';
import type { Outbound } from './outbound.js';
import { dataHeaderBytes, putDataHeader } from './replies.js';
import type { Request } from './request.js';

/** Bytes of the next piece of a range: it ends where pieces of this size do, so that what a device keeps as one is not split. */
export function pieceLength(offsetBytes: number, leftBytes: number, pieceBytes: number): number {
  return Math.min(leftBytes, pieceBytes - (offsetBytes % pieceBytes));
}

export interface PiecewiseReadOptions {
  readonly mode: Mode;
  readonly access: ByteAccess;
  readonly arena: Arena;
  readonly outbound: Outbound;
  /** Whether the client is still there. */
  readonly isWanted: () => boolean;
  /** Yields to the event loop. */
  readonly yieldToEventLoop: () => Promise<void>;
}

/** What is left to do when the pieces are sent: `done`, nothing; `tail`, the end of the reply. */
export type PiecewiseOutcome = { readonly done: true } | { readonly done: false; readonly error?: unknown };

/** A READ whose data are more than the memory that there is for it: they leave through it piece by piece, as one run of data. */
export class PiecewiseRead {
  readonly #options: PiecewiseReadOptions;
  readonly #request: Request;
  readonly #buffer: PooledBuffer;
  readonly #headerBytes: number;

  constructor(options: PiecewiseReadOptions, request: Request, buffer: PooledBuffer) {
    this.#options = options;
    this.#request = request;
    this.#buffer = buffer;
    this.#headerBytes = dataHeaderBytes(options.mode);
  }

  /**
   * Rejects if nothing was sent yet. Later failures are an outcome with structured replies: the rest is sent as zeroes, and the end
   * of the reply is to tell. A simple reply has said already that all is well: it rejects with `BrokenReply`.
   */
  async run(): Promise<PiecewiseOutcome> {
    const { mode, access, outbound, isWanted, yieldToEventLoop } = this.#options;
    const { offsetBytes = 0, lengthBytes = 0 } = this.#request;
    const { bytes } = this.#buffer;
    let failed: { readonly error: unknown } | undefined;
    for (let at = 0; at < lengthBytes && isWanted(); ) {
      const take = pieceLength(offsetBytes + at, lengthBytes - at, this.#buffer.sizeBytes);
      const data = bytes.subarray(this.#headerBytes, this.#headerBytes + take);
      try {
        if (failed === undefined) await access.read(offsetBytes + at, data);
      } catch (error) {
        if (at === 0) throw error;
        if (mode === 'simple') throw new BrokenReply(error);
        failed = { error };
      }
      if (failed !== undefined) data.fill(0);
      if (at === 0) this.#begin(offsetBytes, lengthBytes);
      const from = at === 0 ? 0 : this.#headerBytes;
      at += take;
      if (mode === 'simple' && at === lengthBytes) {
        outbound.pushPiece(bytes, from, this.#headerBytes + take, 1, () => this.#giveMemory());
        outbound.endPieces();
        return { done: true };
      }
      await new Promise<void>((sent) => outbound.pushPiece(bytes, from, this.#headerBytes + take, 0, sent));
      await yieldToEventLoop();
    }
    this.#giveMemory();
    return { done: false, ...failed };
  }

  #begin(offsetBytes: number, lengthBytes: number): void {
    const { mode, outbound } = this.#options;
    outbound.beginPieces();
    putDataHeader(this.#buffer.view, 0, mode, this.#request, offsetBytes, lengthBytes, false);
  }

  #giveMemory(): void {
    this.#request.buffer = undefined;
    this.#options.arena.give(this.#buffer);
  }
}

/** A simple reply cannot be taken back. */
export class BrokenReply extends Error {
  constructor(cause: unknown) {
    super('a read failed after its reply had begun', { cause });
  }
}
