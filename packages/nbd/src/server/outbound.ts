import type { Clock } from '@blockyard/block';
import type { Wire } from '../wire/wire.js';
import type { Arena } from './arena.js';
import { type Chunk, type ChunkPool, type Part, SCRATCH_BYTES } from './chunks.js';

/** Bytes of a chunk that leave together: one reply, or several that lie side by side. */
interface Span {
  readonly chunk: Chunk;
  from: number;
  to: number;
  replies: number;
}

/**
 * Replies on their way out. All that become ready in one turn of the event loop leave in one write, header and data of each in
 * one piece; a chunk is given back when the system has taken its bytes.
 */
export class Outbound {
  /** Bytes that the system has not taken yet. */
  pendingBytes = 0;
  /** When the client last took something, or had nothing to take. */
  progressAtMs: number;

  readonly #wire: Wire;
  readonly #arena: Arena;
  readonly #pool: ChunkPool;
  readonly #clock: Clock;
  readonly #onSent: (replies: number) => void;
  #queue: Span[] = [];
  #inFlight: Span[] | undefined;
  #scheduled = false;
  #closed = false;
  #scratch: Chunk | undefined;

  /** `onSent` is called with the number of replies that were sent, or that nobody is there to send any more. */
  constructor(wire: Wire, arena: Arena, pool: ChunkPool, clock: Clock, onSent: (replies: number) => void) {
    this.#wire = wire;
    this.#arena = arena;
    this.#pool = pool;
    this.#clock = clock;
    this.#onSent = onSent;
    this.progressAtMs = clock.now();
  }

  /**
   * Room for a reply without data, always to be had: there are no more of them than requests in flight. It need not be filled:
   * the next one begins where what is pushed ends, so that replies without data leave as one piece.
   */
  scratch(lengthBytes: number): Part {
    let chunk = this.#scratch;
    if (chunk === undefined || chunk.usedBytes + lengthBytes > SCRATCH_BYTES) {
      chunk = this.#pool.take(SCRATCH_BYTES);
      this.#scratch = chunk;
    }
    const at = chunk.usedBytes;
    chunk.usedBytes += lengthBytes;
    chunk.parts++;
    return { chunk, at };
  }

  /**
   * Bytes [`from`, `to`) of `chunk`. A reply may come in several of them; with the `last` its part of the chunk is given back once
   * they are sent.
   */
  push(chunk: Chunk, from: number, to: number, last = true): void {
    const replies = last ? 1 : 0;
    if (this.#closed) {
      this.#release([{ chunk, from, to, replies }]);
      return;
    }
    if (chunk === this.#scratch && last) chunk.usedBytes = to;
    if (this.pendingBytes === 0) this.progressAtMs = this.#clock.now();
    this.pendingBytes += to - from;
    const before = this.#queue.at(-1);
    if (before !== undefined && before.chunk === chunk && before.to === from) {
      before.to = to;
      before.replies += replies;
    } else {
      this.#queue.push({ chunk, from, to, replies });
    }
    this.#schedule();
  }

  /** The connection is gone. */
  close(): void {
    this.#closed = true;
    const queue = this.#queue;
    this.#queue = [];
    if (this.#inFlight !== undefined) this.#sent(this.#inFlight);
    this.#release(queue);
    this.pendingBytes = 0;
  }

  /** After everything that becomes ready in this turn, microtasks included. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== undefined) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#closed || this.#inFlight !== undefined || this.#queue.length === 0) return;
    const buffers: Buffer[] = [];
    const batch: Span[] = [];
    let roomBytes = this.#wire.batchBytesMax;
    let taken = 0;
    for (const span of this.#queue) {
      if (roomBytes === 0) break;
      const to = Math.min(span.to, span.from + roomBytes);
      buffers.push(span.chunk.bytes.subarray(span.from, to));
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
      if (this.#queue.length > 0) this.#flush();
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
      if (span.replies > 0) this.#give(span.chunk, span.replies);
      replies += span.replies;
    }
    if (replies > 0) this.#onSent(replies);
  }

  #give(chunk: Chunk, parts: number): void {
    if (chunk.sizeBytes !== SCRATCH_BYTES) {
      this.#arena.give(chunk, parts);
      return;
    }
    chunk.parts -= parts;
    if (chunk.parts > 0) return;
    if (chunk === this.#scratch) this.#scratch = undefined;
    this.#pool.give(chunk);
  }
}
