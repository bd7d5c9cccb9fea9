import type { Clock } from '@blockyard/block';
import type { Wire } from '../../wire/wire.js';
import type { Pace } from '../fairness/pace.js';
import { Trial } from '../fairness/trial.js';
import type { Arena } from '../memory/arena.js';
import { type BufferPool, type Part, type PooledBuffer, SCRATCH_BYTES } from '../memory/buffer-pool.js';

/** Bytes that lie side by side and leave together: one reply, several, or a piece of one. */
interface Span {
  readonly bytes: Uint8Array;
  from: number;
  to: number;
  /** Replies that end here. */
  replies: number;
  /** Whose bytes they are, and how many parts of it are given back once they are sent. Undefined where they are lent. */
  readonly buffer: PooledBuffer | undefined;
  parts: number;
  readonly release: (() => void) | undefined;
}

export interface OutboundHost {
  /** All replies that become ready in one callback of the event loop, microtasks included, are ready, at `nowMs`. */
  onReady(nowMs: number): void;
  /** Requests read whose reply was not sent. */
  readonly outstanding: number;
  /** So many replies were sent, or can no longer be sent. */
  onSent(replies: number): void;
}

/**
 * Replies on their way out. All that become ready in one iteration of the event loop leave in one write, header and data of each in
 * one piece; a buffer is given back when the system has taken its bytes.
 */
export class Outbound {
  /** Bytes that the system has not taken yet. */
  pendingBytes = 0;
  /** Replies that are among them, whole. */
  pendingReplies = 0;
  /** When the client last took something, or had nothing to take; infinite where that ended in this callback. */
  progressAtMs: number;
  /** Hears of each reply that becomes ready. */
  onReply: (() => void) | undefined;

  readonly #wire: Wire;
  readonly #arena: Arena;
  readonly #pool: BufferPool;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #host: OutboundHost;
  #queue: Span[] = [];
  /** What became ready while a reply leaves in pieces. */
  #aside: Span[] | undefined;
  #inFlight: Span[] | undefined;
  #scheduled = false;
  readonly #gathering = new Trial();
  /** Runs when this iteration is over: until then replies wait for others. */
  #immediate: NodeJS.Immediate | undefined;
  /** Whether others have come. */
  #gathered = false;
  #closed = false;
  #scratch: PooledBuffer | undefined;

  constructor(wire: Wire, arena: Arena, pool: BufferPool, clock: Clock, pace: Pace, host: OutboundHost) {
    this.#wire = wire;
    this.#arena = arena;
    this.#pool = pool;
    this.#clock = clock;
    this.#pace = pace;
    this.#host = host;
    this.progressAtMs = clock.now();
  }

  /**
   * Room for a reply without data, always to be had: there are no more of them than requests in flight. It need not be filled:
   * the next one begins where what is pushed ends, so that replies without data leave as one piece.
   */
  scratch(lengthBytes: number): Part {
    let buffer = this.#scratch;
    if (buffer === undefined || buffer.usedBytes + lengthBytes > SCRATCH_BYTES) {
      buffer = this.#pool.take(SCRATCH_BYTES);
      this.#scratch = buffer;
    }
    const at = buffer.usedBytes;
    buffer.usedBytes += lengthBytes;
    buffer.parts++;
    return { buffer, at };
  }

  /**
   * Bytes [`from`, `to`) of `buffer`. A reply may come in several of them; with the `last` its part of the buffer is given back once
   * they are sent.
   */
  push(buffer: PooledBuffer, from: number, to: number, last = true): void {
    const replies = last ? 1 : 0;
    if (this.#extend(buffer, from, to, replies)) return;
    this.#add({ bytes: buffer.bytes, from, to, replies, buffer, parts: replies, release: undefined });
  }

  /** A reply whose header is in `buffer` and whose data are lent, until `release` is called. */
  pushLent(buffer: PooledBuffer, from: number, to: number, views: readonly Uint8Array[], release: () => void): void {
    this.#add({ bytes: buffer.bytes, from, to, replies: 0, buffer, parts: 1, release: undefined });
    for (const [index, bytes] of views.entries()) {
      const last = index === views.length - 1;
      const ending = last ? { replies: 1, release } : { replies: 0, release: undefined };
      this.#add({ bytes, from: 0, to: bytes.byteLength, buffer: undefined, parts: 0, ...ending });
    }
  }

  /** From now on only pieces leave, until `endPieces`: they are one reply. */
  beginPieces(): void {
    this.#aside = [];
  }

  /** The next bytes of the reply that leaves in pieces, with how many replies end there. `gone` is called when they are the caller's again. */
  pushPiece(bytes: Uint8Array, from: number, to: number, replies: number, gone: () => void): void {
    this.#add({ bytes, from, to, replies, buffer: undefined, parts: 0, release: gone }, true);
  }

  /** The rest of the replies may leave. */
  endPieces(): void {
    const aside = this.#aside ?? [];
    this.#aside = undefined;
    for (const span of aside) this.#queue.push(span);
    if (aside.length > 0) this.#schedule();
  }

  /** The connection is gone. */
  close(): void {
    this.#closed = true;
    const queue = [...this.#queue, ...(this.#aside ?? [])];
    this.#queue = [];
    this.#aside = undefined;
    if (this.#inFlight !== undefined) this.#sent(this.#inFlight);
    this.#release(queue);
    this.pendingBytes = 0;
  }

  /** Has bytes that lie behind the last ones leave with those: most replies do, and need no span of their own. */
  #extend(buffer: PooledBuffer, from: number, to: number, replies: number): boolean {
    const queue = this.#aside ?? this.#queue;
    const before = queue[queue.length - 1];
    if (before === undefined || before.buffer !== buffer || before.to !== from) return false;
    before.to = to;
    before.replies += replies;
    before.parts += replies;
    this.#added(buffer, replies, from, to, replies);
    return true;
  }

  #add(span: Span, isPiece = false): void {
    if (this.#closed) {
      this.pendingReplies += span.replies;
      this.#schedule();
      this.#release([span]);
      return;
    }
    const queue = isPiece ? this.#queue : (this.#aside ?? this.#queue);
    queue.push(span);
    this.#added(span.buffer, span.parts, span.from, span.to, span.replies);
  }

  #added(buffer: PooledBuffer | undefined, parts: number, from: number, to: number, replies: number): void {
    // What a reply left of its scratch is the next one's.
    if (buffer !== undefined && buffer === this.#scratch && parts > 0) buffer.usedBytes = to;
    if (this.pendingBytes === 0) this.progressAtMs = Number.POSITIVE_INFINITY;
    this.pendingBytes += to - from;
    this.pendingReplies += replies;
    this.#schedule();
    if (replies > 0) this.onReply?.();
  }

  /** After everything that becomes ready in this callback of the event loop, microtasks included. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#ready);
  }

  readonly #ready = (): void => {
    this.#scheduled = false;
    const nowMs = this.#clock.now();
    if (this.progressAtMs > nowMs) this.progressAtMs = nowMs;
    this.#host.onReady(nowMs);
    if (this.#inFlight === undefined) this.#leave();
  };

  /**
   * What more becomes ready in this iteration leaves with it: a device that answers from many sockets does so in as many callbacks,
   * and a write for each would be a system call here and a wake-up there.
   */
  #leave(): void {
    const isWaiting = this.#immediate !== undefined;
    if (isWaiting) this.#gathered = true;
    if (this.#host.outstanding <= this.pendingReplies) {
      this.#flush();
    } else if (!isWaiting && this.#gathering.isDue()) {
      this.#gathered = false;
      this.#immediate = setImmediate(this.#iterationOver);
    } else if (!isWaiting) {
      this.#flush();
    }
  }

  readonly #iterationOver = (): void => {
    this.#immediate = undefined;
    this.#gathering.learn(this.#gathered);
    this.#flush();
  };

  #flush(): void {
    if (this.#closed || this.#inFlight !== undefined || this.#queue.length === 0) return;
    const buffers: Uint8Array[] = [];
    const batch: Span[] = [];
    let roomBytes = this.#wire.batchBytesMax;
    let taken = 0;
    for (const span of this.#queue) {
      if (roomBytes === 0) break;
      const to = Math.min(span.to, span.from + roomBytes);
      buffers.push(span.bytes.subarray(span.from, to));
      roomBytes -= to - span.from;
      if (to < span.to) {
        span.from = to;
        break;
      }
      batch.push(span);
      taken++;
    }
    if (taken === this.#queue.length) this.#queue = [];
    else this.#queue.splice(0, taken);
    const sentBytes = this.#wire.batchBytesMax - roomBytes;
    this.#inFlight = batch;
    this.#wire.write(buffers, () => {
      if (this.#inFlight !== batch) return;
      this.pendingBytes -= sentBytes;
      this.#sent(batch);
      if (this.#queue.length === 0) return;
      // A long queue leaves over several iterations of the event loop, however fast it is taken.
      if (sentBytes < this.#wire.batchBytesMax) this.#flush();
      else this.#pace.later(() => this.#flush());
    });
  }

  #sent(batch: Span[]): void {
    this.#inFlight = undefined;
    this.progressAtMs = this.#clock.now();
    this.#release(batch);
  }

  #release(spans: Span[]): void {
    let replies = 0;
    for (const span of spans) {
      if (span.buffer !== undefined && span.parts > 0) this.#give(span.buffer, span.parts);
      span.release?.();
      replies += span.replies;
    }
    this.pendingReplies -= replies;
    if (replies > 0) this.#host.onSent(replies);
  }

  #give(buffer: PooledBuffer, parts: number): void {
    if (buffer.sizeBytes !== SCRATCH_BYTES) {
      this.#arena.give(buffer, parts);
      return;
    }
    buffer.parts -= parts;
    if (buffer.parts > 0) return;
    if (buffer === this.#scratch) this.#scratch = undefined;
    this.#pool.give(buffer);
  }
}
