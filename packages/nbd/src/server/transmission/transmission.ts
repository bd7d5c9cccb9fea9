import { sliceOf } from '../../wire/bytes.js';
import type { Inbound, Parser } from '../../wire/inbound.js';
import { type Mode, requestHeaderBytes } from '../../wire/mode.js';
import { Command, U32_MAX } from '../../wire/protocol.js';
import type { Pace } from '../fairness/pace.js';
import type { Arena } from '../memory/arena.js';
import type { Account } from '../memory/budget.js';
import type { Part, PooledBuffer } from '../memory/buffer-pool.js';
import { check, type Terms } from './check.js';
import type { Executor } from './executor.js';
import { pieceLength } from './piecewise-read.js';
import { Request } from './request.js';

/** What a slice is measured in: a request counts for one, and one more for each so many bytes. At every few the clock is looked at. */
const COST_BYTES = 64 * 1024;
const COST_CHECKED = 16;

export interface TransmissionOptions {
  readonly mode: Mode;
  readonly terms: Terms;
  readonly inbound: Inbound;
  readonly arena: Arena;
  readonly account: Account;
  readonly executor: Executor;
  readonly pace: Pace;
  /** Requests read and not answered at most. */
  readonly maxRequests: number;
  readonly host: TransmissionHost;
}

export interface TransmissionHost {
  /** Take no further message until `resume`. */
  hold(): void;
  resume(): void;
  onRequest(request: Request): void;
  /** The client takes its leave: what is outstanding is to be finished. */
  onLeave(): void;
  /** The client broke the protocol. */
  onViolation(message: string): void;
  /** Nothing is outstanding. */
  onIdle(): void;
  /** While it is paused: the device has less to do. */
  onPauseChange(): void;
}

/** The second phase of a connection: takes requests, checks them, gives them memory and hands them to the executor. */
export class Transmission implements Parser {
  readonly #mode: Mode;
  readonly #headerBytes: number;
  readonly #terms: Terms;
  readonly #inbound: Inbound;
  readonly #arena: Arena;
  readonly #account: Account;
  #executor: Executor;
  readonly #pace: Pace;
  readonly #maxRequests: number;
  readonly #host: TransmissionHost;
  #outstanding = 0;
  /** As many are outstanding as may be. */
  #full = false;
  /** Waits for memory. */
  #waiting: Request | undefined;
  /** Its payload is on the way. */
  #receiving: Request | undefined;
  /** What was taken in this slice of the event loop's time, and when that ends once it was looked at. */
  #cost = 0;
  #sliceEnd: number | undefined;
  #stopped = false;
  #paused = false;
  /** Has its memory, and is not begun with because of the pause. */
  #parked: Request | undefined;

  constructor({ mode, terms, inbound, arena, account, executor, pace, maxRequests, host }: TransmissionOptions) {
    this.#mode = mode;
    this.#headerBytes = requestHeaderBytes(mode);
    this.#terms = terms;
    this.#inbound = inbound;
    this.#arena = arena;
    this.#account = account;
    this.#executor = executor;
    this.#pace = pace;
    this.#maxRequests = maxRequests;
    this.#host = host;
  }

  /** Requests read whose reply the system has not taken yet. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** The request whose payload is on the way, if any. */
  get receiving(): Request | undefined {
    return this.#receiving;
  }

  /** Whether a request that was read is not begun with: it waits for memory, for the rest of its payload, or for the end of a pause. */
  get isHoldingRequest(): boolean {
    return (this.#waiting ?? this.#parked ?? this.#receiving) !== undefined;
  }

  /** Begins with nothing further until `unpause`. Its host takes no message meanwhile. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on, with an executor that may be another one. */
  unpause(executor: Executor): void {
    this.#paused = false;
    this.#executor = executor;
    const parked = this.#parked;
    if (parked === undefined) return;
    this.#parked = undefined;
    this.begin();
    this.#admit(parked);
    this.#host.resume();
  }

  /** While it is paused: the requests that were read and not begun with, as far as they have come, and what came behind them. */
  unread(): Uint8Array {
    const begun = this.#waiting ?? this.#parked ?? this.#receiving;
    const header = begun?.encodeRest(this.#mode) ?? new Uint8Array(0);
    return new Uint8Array(Buffer.concat([header, this.#inbound.unread()]));
  }

  begin(): void {
    this.#cost = 0;
    this.#sliceEnd = undefined;
    this.#executor.begin();
  }

  parse(inbound: Inbound): boolean {
    if (inbound.availableBytes < this.#headerBytes) return false;
    if (this.#outstanding >= this.#maxRequests) {
      this.#full = true;
      this.#host.hold();
      return false;
    }
    if (this.#cost >= COST_CHECKED && this.#isSliceOver()) {
      this.#host.hold();
      this.#resumeLater();
      return false;
    }
    const request = Request.decode(inbound.view, inbound.at, this.#mode);
    if (request === undefined) {
      this.#host.onViolation('a request begins with the wrong magic');
      return false;
    }
    inbound.at += this.#headerBytes;
    if (request.command === Command.DISC) {
      this.#host.onLeave();
      return false;
    }
    this.#outstanding++;
    this.#cost += 1 + (request.lengthBytes ?? 0) / COST_BYTES;
    this.#host.onRequest(request);
    this.#accept(request);
    return true;
  }

  filled(): void {
    const request = this.#receiving;
    // Stopped in the middle: it counts as never sent, and its memory is given back when nothing can come in.
    if (request === undefined || this.#stopped) return;
    this.#receiving = undefined;
    if (request.inPieces) this.#writePiece(request);
    else this.#executor.run(request);
  }

  /** That many replies were sent. */
  sent(replies: number): void {
    this.#outstanding -= replies;
    if (this.#full && !this.#stopped) {
      this.#full = false;
      this.#resumeLater();
    }
    if (this.#outstanding === 0) this.#host.onIdle();
  }

  /** Takes no further request. One that is not there in full counts as never sent. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#account.close();
    if (this.#waiting !== undefined || this.#receiving !== undefined) this.#outstanding--;
    this.#waiting = undefined;
    this.#dropParked();
    this.#host.hold();
  }

  /** The connection is gone, nothing more comes in. */
  close(): void {
    this.stop();
    this.#executor.close();
    const buffer = this.#receiving?.buffer;
    this.#receiving = undefined;
    if (buffer !== undefined) this.#arena.give(buffer);
  }

  #accept(request: Request): void {
    const errno = check(request, this.#terms);
    if (errno !== 0) {
      this.#refuse(request, errno);
      return;
    }
    if (this.#executor.tryLent(request)) return;
    const memoryBytes = this.#executor.memoryBytes(request);
    if (memoryBytes === 0) {
      this.#executor.run(request);
      return;
    }
    const part = this.#arena.tryTake(memoryBytes);
    if (part !== undefined) {
      this.#hold(request, part);
      this.#admit(request);
      return;
    }
    this.#waiting = request;
    this.#host.hold();
    this.#arena.wait(memoryBytes, (granted, isWhole) => {
      this.#waiting = undefined;
      request.inPieces = !isWhole;
      this.#hold(request, granted);
      this.#pace.later(() => {
        if (this.#stopped) {
          this.#forget(request);
          return;
        }
        if (this.#paused) {
          this.#parked = request;
          this.#host.onPauseChange();
          return;
        }
        this.begin();
        this.#admit(request);
        this.#host.resume();
      });
    });
  }

  #hold(request: Request, { buffer, at }: Part): void {
    request.buffer = buffer;
    request.at = at;
  }

  /** The request has its memory. */
  #admit(request: Request): void {
    if (request.payloadBytes === 0) this.#executor.run(request);
    else this.#receive(request);
  }

  /** The payload, or its next piece, belongs into the request's memory. */
  #receive(request: Request): void {
    const { buffer, at } = request;
    if (buffer === undefined) throw new Error('a payload has its memory before it is received');
    this.#receiving = request;
    const lengthBytes = this.#nextBytes(request, buffer);
    this.#inbound.readInto(sliceOf(buffer.bytes, at, at + lengthBytes));
  }

  #nextBytes({ inPieces, offsetBytes = 0, payloadBytes = 0, doneBytes }: Request, { sizeBytes }: PooledBuffer): number {
    return inPieces ? pieceLength(offsetBytes + doneBytes, payloadBytes - doneBytes, sizeBytes) : payloadBytes;
  }

  /** A piece of the payload is there. The next one is received when it is written: then its place is free. */
  #writePiece(request: Request): void {
    const { buffer, at } = request;
    if (buffer === undefined) throw new Error('a payload has its memory until it is written');
    const lengthBytes = this.#nextBytes(request, buffer);
    this.#host.hold();
    this.#executor.writePiece(request, buffer.bytes.subarray(at, at + lengthBytes)).then(
      () => this.#pace.later(() => this.#pieceWritten(request, lengthBytes)),
      (error: unknown) => this.#pieceFailed(request, lengthBytes, error),
    );
  }

  #pieceWritten(request: Request, lengthBytes: number): void {
    request.doneBytes += lengthBytes;
    if (request.doneBytes === request.payloadBytes) this.#executor.finishPieces(request);
    else if (this.#stopped) this.#forget(request);
    else this.#receive(request);
    if (this.#paused) this.#host.onPauseChange();
    this.#resume();
  }

  #pieceFailed(request: Request, lengthBytes: number, error: unknown): void {
    this.#inbound.skip((request.payloadBytes ?? 0) - request.doneBytes - lengthBytes);
    this.#executor.finishPieces(request, { error });
    this.#resume();
  }

  #dropParked(): void {
    const buffer = this.#parked?.buffer;
    if (this.#parked !== undefined) this.#outstanding--;
    this.#parked = undefined;
    if (buffer !== undefined) this.#arena.give(buffer);
  }

  /** Its payload will never be there in full. */
  #forget(request: Request): void {
    const { buffer } = request;
    request.buffer = undefined;
    if (buffer !== undefined) this.#arena.give(buffer);
    this.#outstanding--;
    if (this.#outstanding === 0) this.#host.onIdle();
  }

  #resume(): void {
    if (!this.#stopped) this.#host.resume();
  }

  /** Once the other connections have been served. */
  #resumeLater(): void {
    this.#pace.later(() => this.#resume());
  }

  #isSliceOver(): boolean {
    this.#cost = 0;
    if (this.#sliceEnd !== undefined) return this.#pace.isOver(this.#sliceEnd);
    this.#sliceEnd = this.#pace.sliceEnd();
    return this.#pace.isOver(this.#sliceEnd);
  }

  /** Its payload is on the wire all the same, and has to be got out of the way. */
  #refuse(request: Request, errno: number): void {
    const { payloadBytes } = request;
    if (payloadBytes === undefined || payloadBytes > U32_MAX) {
      // It is never answered, and must not keep the connection from being over.
      this.#outstanding--;
      this.#host.onViolation('a payload of more than 4 GiB');
      return;
    }
    if (payloadBytes > 0) this.#inbound.skip(payloadBytes);
    this.#executor.refuse(request, errno);
  }
}
