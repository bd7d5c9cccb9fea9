import type { Account } from './budget.js';
import { type Chunk, type ChunkPool, HEAD_BYTES, type Part, SLAB_BYTES } from './chunks.js';

/** Requests of more bytes than this have a chunk of their own. */
const SHARED_BYTES_MAX = 64 * 1024;

/** The memory of one connection's requests: taken when a request is read, given back when its reply is sent. */
export class Arena {
  readonly #pool: ChunkPool;
  readonly #account: Account;
  /** Where small requests get theirs now, one behind the other. */
  #slab: Chunk | undefined;

  constructor(pool: ChunkPool, account: Account) {
    this.#pool = pool;
    this.#account = account;
  }

  /** Room for a header and `lengthBytes` of data, if that can be had now. */
  tryTake(lengthBytes: number): Part | undefined {
    if (lengthBytes <= SHARED_BYTES_MAX) {
      const slab = this.#slab;
      if (slab !== undefined && slab.usedBytes + lengthBytes <= SLAB_BYTES) return cut(slab, lengthBytes);
    }
    const sizeBytes = chunkBytesFor(lengthBytes);
    return this.#account.tryTake(sizeBytes) ? this.#open(sizeBytes, lengthBytes) : undefined;
  }

  /**
   * The same, as soon as it can be had; or, where others hold too much, a piece: a part of `lengthBytes` or less, whose size is that of
   * its chunk. One wait at a time.
   */
  wait(lengthBytes: number, granted: (part: Part, isWhole: boolean) => void): void {
    const sizeBytes = chunkBytesFor(lengthBytes);
    this.#account.wait(sizeBytes, (grantedBytes) => {
      const isWhole = grantedBytes === sizeBytes;
      granted(this.#open(grantedBytes, isWhole ? lengthBytes : grantedBytes), isWhole);
    });
  }

  /** Counts bytes that are pinned for this connection without being the arena's, if there is room for them now. */
  tryPin(lengthBytes: number): boolean {
    return this.#account.tryTake(lengthBytes);
  }

  unpin(lengthBytes: number): void {
    this.#account.give(lengthBytes);
  }

  /** Gives back `parts` parts of a chunk. */
  give(chunk: Chunk, parts = 1): void {
    chunk.parts -= parts;
    if (chunk.parts > 0) return;
    if (chunk === this.#slab) this.#slab = undefined;
    this.#pool.give(chunk);
    this.#account.give(chunk.sizeBytes);
  }

  #open(sizeBytes: number, lengthBytes: number): Part {
    const chunk = this.#pool.take(sizeBytes);
    // The slab before it ends when its last part is given back.
    if (lengthBytes <= SHARED_BYTES_MAX) this.#slab = chunk;
    return cut(chunk, lengthBytes);
  }
}

function cut(chunk: Chunk, lengthBytes: number): Part {
  const at = chunk.usedBytes;
  chunk.usedBytes += lengthBytes;
  chunk.parts++;
  return { chunk, at };
}

/** Nominal size of the chunk for a request: a slab, or the next power of two. The header is not counted. */
function chunkBytesFor(lengthBytes: number): number {
  if (lengthBytes <= SHARED_BYTES_MAX) return SLAB_BYTES;
  let sizeBytes = SHARED_BYTES_MAX;
  while (sizeBytes + HEAD_BYTES < lengthBytes) sizeBytes *= 2;
  return sizeBytes;
}
