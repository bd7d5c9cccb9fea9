import { allocateBytes, viewOf } from '../../wire/bytes.js';

/** Small requests share buffers of this size, so that replies that leave together lie side by side. */
export const SLAB_BYTES = 256 * 1024;
/** Replies without data share buffers of this size. */
export const SCRATCH_BYTES = 16 * 1024;
/** What a buffer has beyond its nominal size: the header of the reply in front of its data. */
export const HEAD_BYTES = 64;

/** A piece of memory that goes out to a client, or that a payload comes into. */
export class PooledBuffer {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Nominal size, a power of two: what it counts as, and what it can be used for again. */
  readonly sizeBytes: number;
  /** Bytes handed out so far. */
  usedBytes = 0;
  /** Parts handed out and not given back. */
  parts = 0;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
    this.bytes = allocateBytes(sizeBytes + HEAD_BYTES);
    this.view = viewOf(this.bytes);
  }
}

/** A part of a buffer, from byte `at` on. */
export interface Part {
  readonly buffer: PooledBuffer;
  readonly at: number;
}

/**
 * Buffers that are not in use, by size, kept for the next request. Fresh memory is dear: the system zeroes every page of it, and
 * the collector learns late of what was dropped.
 */
export class BufferPool {
  readonly #idleBytesMax: number;
  readonly #idle = new Map<number, PooledBuffer[]>();
  #idleBytes = 0;
  #madeCount = 0;

  constructor(idleBytesMax: number) {
    this.#idleBytesMax = idleBytesMax;
  }

  /** Bytes kept for later. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** Buffers ever made. */
  get madeCount(): number {
    return this.#madeCount;
  }

  /** A buffer of at least `sizeBytes`, a power of two. Its contents are anything. */
  take(sizeBytes: number): PooledBuffer {
    const buffer = this.#idle.get(sizeBytes)?.pop();
    if (buffer === undefined) {
      this.#madeCount++;
      return new PooledBuffer(sizeBytes);
    }
    this.#idleBytes -= sizeBytes;
    return buffer;
  }

  give(buffer: PooledBuffer): void {
    if (this.#idleBytes + buffer.sizeBytes > this.#idleBytesMax) return;
    buffer.usedBytes = 0;
    this.#idleBytes += buffer.sizeBytes;
    const list = this.#idle.get(buffer.sizeBytes);
    if (list === undefined) this.#idle.set(buffer.sizeBytes, [buffer]);
    else list.push(buffer);
  }

  /** Forgets all that is kept. */
  clear(): void {
    this.#idle.clear();
    this.#idleBytes = 0;
  }
}
