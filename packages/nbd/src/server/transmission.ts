import type { Inbound, Parser } from '../wire/inbound.js';
import { Command, U32_MAX } from '../wire/protocol.js';
import type { Arena } from './arena.js';
import type { Account } from './budget.js';
import { check, type Terms } from './check.js';
import type { Part } from './chunks.js';
import type { Executor } from './executor.js';
import { type Mode, requestHeaderBytes } from './replies.js';
import { Request } from './request.js';

export interface TransmissionOptions {
  readonly mode: Mode;
  readonly terms: Terms;
  readonly inbound: Inbound;
  readonly arena: Arena;
  readonly account: Account;
  readonly executor: Executor;
  /** Requests read and not answered at most. */
  readonly requestsMax: number;
  readonly host: TransmissionHost;
}

export interface TransmissionHost {
  /** Take no further message until `resume`. */
  hold(): void;
  resume(): void;
  onRequest(request: Request): void;
  /** The client takes its leave: what is outstanding is to be finished. */
  onLeave(): void;
  /** What the client sends cannot be followed any more. */
  onViolation(message: string): void;
  /** Nothing is outstanding any more. */
  onIdle(): void;
}

/** The second phase of a connection: takes requests, checks them, gives them memory and hands them to the executor. */
export class Transmission implements Parser {
  readonly #mode: Mode;
  readonly #headerBytes: number;
  readonly #terms: Terms;
  readonly #inbound: Inbound;
  readonly #arena: Arena;
  readonly #account: Account;
  readonly #executor: Executor;
  readonly #requestsMax: number;
  readonly #host: TransmissionHost;
  #outstanding = 0;
  /** As many are outstanding as may be. */
  #full = false;
  /** Waits for memory. */
  #waiting: Request | undefined;
  /** Its payload is on the way. */
  #receiving: Request | undefined;
  #stopped = false;

  constructor({ mode, terms, inbound, arena, account, executor, requestsMax, host }: TransmissionOptions) {
    this.#mode = mode;
    this.#headerBytes = requestHeaderBytes(mode);
    this.#terms = terms;
    this.#inbound = inbound;
    this.#arena = arena;
    this.#account = account;
    this.#executor = executor;
    this.#requestsMax = requestsMax;
    this.#host = host;
  }

  /** Requests read whose reply the system has not taken yet. */
  get outstanding(): number {
    return this.#outstanding;
  }

  parse(inbound: Inbound): boolean {
    if (inbound.availableBytes < this.#headerBytes) return false;
    if (this.#outstanding >= this.#requestsMax) {
      this.#full = true;
      this.#host.hold();
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
    this.#host.onRequest(request);
    this.#accept(request);
    return true;
  }

  filled(): void {
    const request = this.#receiving;
    // Stopped in the middle: it counts as never sent, and its memory is given back when nothing can come in any more.
    if (request === undefined || this.#stopped) return;
    this.#receiving = undefined;
    this.#executor.run(request);
  }

  /** That many replies were sent. */
  sent(replies: number): void {
    this.#outstanding -= replies;
    if (this.#full && !this.#stopped) {
      this.#full = false;
      this.#host.resume();
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
    this.#host.hold();
  }

  /** The connection is gone, nothing more comes in. */
  close(): void {
    this.stop();
    this.#executor.close();
    const chunk = this.#receiving?.chunk;
    this.#receiving = undefined;
    if (chunk !== undefined) this.#arena.give(chunk);
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
      this.#admit(request, part);
      return;
    }
    this.#waiting = request;
    this.#host.hold();
    this.#arena.wait(memoryBytes, (granted) => {
      this.#waiting = undefined;
      this.#admit(request, granted);
      this.#host.resume();
    });
  }

  /** The request has its memory. */
  #admit(request: Request, { chunk, at }: Part): void {
    request.chunk = chunk;
    request.at = at;
    const { payloadBytes = 0 } = request;
    if (payloadBytes === 0) {
      this.#executor.run(request);
      return;
    }
    this.#receiving = request;
    this.#inbound.readInto(chunk.bytes.subarray(at, at + payloadBytes));
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
