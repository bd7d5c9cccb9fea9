import { type BlockDevice, isBlockError } from '@blockyard/block';
import { Semaphore } from '@blockyard/block/async';
import { sliceOf } from '../../wire/bytes.js';
import type { Mode } from '../../wire/mode.js';
import { Command, CommandFlag, Errno } from '../../wire/protocol.js';
import { ByteAccess } from '../access/byte-access.js';
import { writeKeptZeroes } from '../access/kept-zeroes.js';
import type { Context } from '../exports/contexts.js';
import type { Export } from '../exports/exports.js';
import type { Pace } from '../fairness/pace.js';
import type { Arena } from '../memory/arena.js';
import type { PooledBuffer } from '../memory/buffer-pool.js';
import { BlockStatus } from './block-status.js';
import { errnoOf, messageFor } from './errno.js';
import { Lending } from './lending.js';
import type { Outbound } from './outbound.js';
import { BrokenReply, PiecewiseRead, type PiecewiseReadOptions } from './piecewise-read.js';
import { pushData } from './push-data.js';
import { dataHeaderBytes, errorBytes, putError, putReadDone, putSuccess, successBytes } from './replies.js';
import type { Request } from './request.js';
import type { Timing } from './timing.js';
import { isFollowed, onBehalfOf, tellEnd } from './tracing.js';

export interface ExecutorOptions {
  readonly entry: Export;
  readonly mode: Mode;
  readonly contexts: readonly Context[];
  readonly arena: Arena;
  readonly outbound: Outbound;
  readonly pace: Pace;
  readonly timing: Timing;
  /** The device failed a request. */
  readonly onFailure: (request: Request, error: unknown) => void;
  /** A reply cannot be gone on with: the connection has to end. */
  readonly onBroken: (reason: string) => void;
}

/** Carries out requests that were checked, and answers each of them once, in the order in which they finish. */
export class Executor {
  readonly #device: BlockDevice;
  readonly #entry: Export;
  readonly #mode: Mode;
  readonly #arena: Arena;
  readonly #outbound: Outbound;
  readonly #pace: Pace;
  readonly #timing: Timing;
  readonly #onFailure: ExecutorOptions['onFailure'];
  readonly #onBroken: ExecutorOptions['onBroken'];
  readonly #access: ByteAccess;
  readonly #dataHeaderBytes: number;
  readonly #lending: Lending;
  readonly #blockStatus: BlockStatus;
  readonly #isWanted = (): boolean => !this.#closed;
  // What takes long and is asked for in a few bytes is done one after the other.
  readonly #keptZeroes = new Semaphore(1);
  readonly #piecewiseReads = new Semaphore(1);
  #closed = false;

  constructor({ entry, mode, contexts, arena, outbound, pace, timing, onFailure, onBroken }: ExecutorOptions) {
    this.#device = entry.device;
    this.#entry = entry;
    this.#mode = mode;
    this.#arena = arena;
    this.#outbound = outbound;
    this.#pace = pace;
    this.#timing = timing;
    this.#onFailure = onFailure;
    this.#onBroken = onBroken;
    this.#access = new ByteAccess(entry.device, { isWanted: this.#isWanted, pauses: () => pace.pauses() });
    this.#dataHeaderBytes = dataHeaderBytes(mode);
    this.#lending = new Lending(entry.device, mode, arena, outbound);
    this.#blockStatus = new BlockStatus({
      device: entry.device,
      mode,
      contexts,
      access: this.#access,
      pace,
      isWanted: this.#isWanted,
    });
  }

  /** A run of messages begins, or a request that waited goes on. */
  begin(): void {
    this.#timing.begin();
  }

  /** Answers a checked request for which no memory is needed because the device lends its own. False: it goes the usual way. */
  tryLent(request: Request): boolean {
    if (!this.#lending.isWorthwhile(request)) return false;
    const startedMs = this.#timing.start();
    if (!this.#lending.tryAnswer(request)) return false;
    this.#timing.end(request.command, startedMs);
    return true;
  }

  /** Bytes of memory that the request needs, for its payload or its reply. */
  memoryBytes({ command, lengthBytes = 0 }: Request): number {
    if (command === Command.WRITE) return lengthBytes;
    if (command === Command.READ) return lengthBytes === 0 ? 0 : this.#dataHeaderBytes + lengthBytes;
    if (command === Command.BLOCK_STATUS) return this.#blockStatus.replyBytes;
    return 0;
  }

  /** Carries out a request that has its memory and its payload. */
  run(request: Request): void {
    if (this.#closed) {
      this.#drop(request);
      return;
    }
    this.#begin(request);
    // A device promises not to throw; one that does must not end the server.
    try {
      if (isFollowed(request)) onBehalfOf(request, this.#entry, () => this.#dispatch(request));
      else this.#dispatch(request);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  /** Writes the next piece of a payload that comes in pieces. */
  async writePiece(request: Request, piece: Uint8Array): Promise<void> {
    this.#begin(request);
    try {
      const at = (request.offsetBytes ?? 0) + request.doneBytes;
      await onBehalfOf(request, this.#entry, () => this.#access.write(request, at, piece));
    } finally {
      this.#access.leave(request);
    }
  }

  /** All pieces of a payload are written; or, with an error, they are not going to be. */
  finishPieces(request: Request, failure?: { readonly error: unknown }): void {
    if (failure === undefined) this.#change(request, Promise.resolve());
    else this.#fail(request, failure.error);
  }

  /** The connection is gone: nothing further is begun. */
  close(): void {
    this.#closed = true;
  }

  /** Answers a request that was refused. */
  refuse(request: Request, errno: number): void {
    this.#answerError(request, errno, 'refused');
  }

  #begin(request: Request): void {
    if (request.startedMs < 0) request.startedMs = this.#timing.start();
  }

  /** Its reply is about to be ready. A request that was never begun with took no time that anyone asks for. */
  #ended(request: Request, failure?: { readonly error: unknown }): void {
    if (request.startedMs >= 0) this.#timing.end(request.command, request.startedMs);
    tellEnd(request, failure);
  }

  #dispatch(request: Request): void {
    const { command, offsetBytes = 0, lengthBytes = 0 } = request;
    switch (command) {
      case Command.READ:
        this.#read(request, offsetBytes, lengthBytes);
        break;
      case Command.WRITE:
        this.#write(request, offsetBytes, lengthBytes);
        break;
      case Command.FLUSH:
        this.#settle(request, this.#device.flush());
        break;
      case Command.TRIM:
        this.#change(request, this.#access.discard(request, offsetBytes, lengthBytes));
        break;
      case Command.WRITE_ZEROES:
        this.#writeZeroes(request, offsetBytes, lengthBytes);
        break;
      case Command.CACHE:
        this.#settle(request, this.#prefetch(offsetBytes, lengthBytes));
        break;
      case Command.BLOCK_STATUS:
        this.#tellStatus(request, lengthBytes);
        break;
      default:
        throw new Error(`command ${command} was let through`);
    }
  }

  #read(request: Request, offsetBytes: number, lengthBytes: number): void {
    const { buffer, at } = request;
    if (buffer === undefined) {
      this.#ended(request);
      this.#answer(request, putReadDone);
      return;
    }
    if (request.inPieces) {
      this.#piecewiseReads
        .run(() => this.#readInPieces(request, buffer))
        .catch((error: unknown) => {
          if (error instanceof BrokenReply) this.#break(request, error);
          else this.#fail(request, error);
        });
      return;
    }
    const from = at + this.#dataHeaderBytes;
    this.#access.read(offsetBytes, sliceOf(buffer.bytes, from, from + lengthBytes)).then(
      () => {
        this.#ended(request);
        pushData(this.#outbound, this.#mode, request, buffer, lengthBytes);
      },
      (error: unknown) => this.#fail(request, error),
    );
  }

  async #readInPieces(request: Request, buffer: PooledBuffer): Promise<void> {
    const options: PiecewiseReadOptions = {
      mode: this.#mode,
      access: this.#access,
      arena: this.#arena,
      outbound: this.#outbound,
      isWanted: this.#isWanted,
      yieldToEventLoop: () => this.#pace.yieldToEventLoop(),
    };
    const outcome = await new PiecewiseRead(options, request, buffer).run();
    if (outcome.done) {
      this.#ended(request);
      return;
    }
    if ('error' in outcome) {
      this.#fail(request, outcome.error);
    } else {
      this.#ended(request);
      this.#answer(request, putReadDone);
    }
    this.#outbound.endPieces();
  }

  #write(request: Request, offsetBytes: number, lengthBytes: number): void {
    const { buffer, at } = request;
    if (buffer === undefined) this.#change(request, Promise.resolve());
    else this.#change(request, this.#access.write(request, offsetBytes, sliceOf(buffer.bytes, at, at + lengthBytes)));
  }

  /**
   * Without NO_HOLE space may be given back, and reads as zeroes all the same [Z1]. With it, only data that are written are sure to
   * keep it where the device knows of holes. FAST_ZERO is for those who would rather not wait for that.
   */
  #writeZeroes(request: Request, offsetBytes: number, lengthBytes: number): void {
    const { native } = this.#device.info;
    const keeps = request.has(CommandFlag.NO_HOLE) && native.discard;
    if (request.has(CommandFlag.FAST_ZERO) && (keeps || !native.writeZeroes)) {
      this.#answerError(request, Errno.ENOTSUP, 'zeroes would be written');
      return;
    }
    const zero = keeps ? this.#writeKeptZeroes : this.#zero;
    this.#change(request, this.#access.writeZeroes(request, offsetBytes, lengthBytes, zero));
  }

  readonly #writeKeptZeroes = (start: number, count: number): Promise<void> => {
    return this.#keptZeroes.run(() =>
      writeKeptZeroes(this.#device, start, count, this.#isWanted, () => this.#pace.yieldToEventLoop()),
    );
  };

  readonly #zero = (start: number, count: number): Promise<void> => {
    const device = this.#device;
    return device.info.native.discard ? device.discard(start, count) : device.writeZeroes(start, count);
  };

  #prefetch(offsetBytes: number, lengthBytes: number): Promise<void> {
    const { start, count } = this.#access.sectorsOf(offsetBytes, lengthBytes);
    return this.#entry.prefetching?.prefetch(start, count) ?? Promise.resolve();
  }

  /** A change; with FUA it is answered once it is durable. */
  #change(request: Request, done: Promise<void>): void {
    if (!request.has(CommandFlag.FUA)) {
      this.#settle(request, done);
      return;
    }
    const { offsetBytes = 0, lengthBytes = 0 } = request;
    const range = this.#access.sectorsOf(offsetBytes, lengthBytes);
    this.#settle(
      request,
      done.then(() => this.#device.flush(range)),
    );
  }

  #settle(request: Request, done: Promise<void>): void {
    done.then(
      () => {
        this.#release(request);
        this.#ended(request);
        this.#answer(request, putSuccess);
      },
      (error: unknown) => this.#fail(request, error),
    );
  }

  #tellStatus(request: Request, lengthBytes: number): void {
    const { buffer, at } = request;
    if (buffer === undefined || lengthBytes === 0) {
      this.#release(request);
      this.#answerError(request, Errno.EINVAL, 'no range');
      return;
    }
    const push = (end: number): void => {
      this.#ended(request);
      this.#outbound.push(buffer, at, end);
    };
    this.#blockStatus.answer(request, buffer, push).catch((error: unknown) => this.#fail(request, error));
  }

  #fail(request: Request, error: unknown): void {
    this.#release(request);
    this.#ended(request, { error });
    this.#answerError(request, errnoOf(error, request.command), messageFor(error));
    // Work that was not begun because the client is gone is nothing that a device failed at.
    if (!this.#closed || !isBlockError(error, 'ABORTED')) this.#onFailure(request, error);
  }

  #break(request: Request, error: BrokenReply): void {
    this.#onFailure(request, error.cause);
    this.#onBroken(error.message);
    this.#drop(request);
  }

  /** For a client that is gone: only what the request holds is given back. */
  #drop(request: Request): void {
    this.#release(request);
    this.#answerError(request, Errno.ESHUTDOWN, 'gone');
  }

  #answer(request: Request, put: typeof putSuccess): void {
    const { buffer, at } = this.#outbound.scratch(successBytes(this.#mode));
    this.#outbound.push(buffer, at, put(buffer.view, at, this.#mode, request));
  }

  #answerError(request: Request, errno: number, message: string): void {
    tellEnd(request);
    const { buffer, at } = this.#outbound.scratch(errorBytes(this.#mode, message));
    this.#outbound.push(buffer, at, putError(buffer.view, at, this.#mode, request, errno, message));
  }

  /** Gives back what the request holds: its place among the changes of its sectors, and its memory. */
  #release(request: Request): void {
    this.#access.leave(request);
    const { buffer } = request;
    request.buffer = undefined;
    if (buffer !== undefined) this.#arena.give(buffer);
  }
}
