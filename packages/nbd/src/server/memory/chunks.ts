import { allocateBytes, viewOf } from '../../wire/bytes.js';

/** Small requests share chunks of this size, so that replies that leave together lie side by side. */
export const SLAB_BYTES = 256 * 1024;
/** Replies without data share chunks of this size. */
export const SCRATCH_BYTES = 16 * 1024;
/** What a chunk has beyond its nominal size: the header of the reply in front of its data. */
export const HEAD_BYTES = 64;

/** A piece of memory that goes out to a client, or that a payload comes into. */
export class Chunk {
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

/** A part of a chunk, from byte `at` on. */
export interface Part {
  readonly chunk: Chunk;
  readonly at: number;
}

/**
 * Chunks that are not in use, by size, for whoever needs one next. Fresh memory is dear: the system zeroes every page of it, and
 * the collector learns late of what was dropped.
 */
export class ChunkPool {
  readonly #idleBytesMax: number;
  readonly #idle = new Map<number, Chunk[]>();
  #idleBytes = 0;
  #madeCount = 0;

  constructor(idleBytesMax: number) {
    this.#idleBytesMax = idleBytesMax;
  }

  /** Bytes kept for later. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** Chunks ever made. */
  get madeCount(): number {
    return this.#madeCount;
  }

  /** A chunk of at least `sizeBytes`, a power of two. Its contents are anything. */
  take(sizeBytes: number): Chunk {
    const chunk = this.#idle.get(sizeBytes)?.pop();
    if (chunk === undefined) {
      this.#madeCount++;
      return new Chunk(sizeBytes);
    }
    this.#idleBytes -= sizeBytes;
    return chunk;
  }

  give(chunk: Chunk): void {
    if (this.#idleBytes + chunk.sizeBytes > this.#idleBytesMax) return;
    chunk.usedBytes = 0;
    this.#idleBytes += chunk.sizeBytes;
    const list = this.#idle.get(chunk.sizeBytes);
    if (list === undefined) this.#idle.set(chunk.sizeBytes, [chunk]);
    else list.push(chunk);
  }

  /** Forgets all that is kept. */
  clear(): void {
    this.#idle.clear();
    this.#idleBytes = 0;
  }
}
