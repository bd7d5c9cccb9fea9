import type { Account } from './budget.js';
import { type BufferPool, HEAD_BYTES, type Part, type PooledBuffer, SLAB_BYTES } from './buffer-pool.js';

/** Requests of more bytes than this have a buffer of their own. */
const SHARED_BYTES_MAX = 64 * 1024;

/** The memory of one connection's requests: taken when a request is read, given back when its reply is sent. */
export class Arena {
  readonly #pool: BufferPool;
  readonly #account: Account;
  /** Where small requests get theirs now, one behind the other. */
  #slab: PooledBuffer | undefined;

  constructor(pool: BufferPool, account: Account) {
    this.#pool = pool;
    this.#account = account;
  }

  /** Room for a header and `lengthBytes` of data, if that can be had now. */
  tryTake(lengthBytes: number): Part | undefined {
    if (lengthBytes <= SHARED_BYTES_MAX) {
      const slab = this.#slab;
      if (slab !== undefined && slab.usedBytes + lengthBytes <= SLAB_BYTES) return takePart(slab, lengthBytes);
    }
    const sizeBytes = bufferBytesFor(lengthBytes);
    return this.#account.tryTake(sizeBytes) ? this.#open(sizeBytes, lengthBytes) : undefined;
  }

  /**
   * The same, as soon as it can be had; or, where others hold too much, a piece: a part of `lengthBytes` or less, whose size is that of
   * its buffer. One wait at a time.
   */
  wait(lengthBytes: number, granted: (part: Part, isWhole: boolean) => void): void {
    const sizeBytes = bufferBytesFor(lengthBytes);
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

  /** Gives back `parts` parts of a buffer. */
  give(buffer: PooledBuffer, parts = 1): void {
    buffer.parts -= parts;
    if (buffer.parts > 0) return;
    if (buffer === this.#slab) this.#slab = undefined;
    this.#pool.give(buffer);
    this.#account.give(buffer.sizeBytes);
  }

  #open(sizeBytes: number, lengthBytes: number): Part {
    const buffer = this.#pool.take(sizeBytes);
    // The slab before it ends when its last part is given back.
    if (lengthBytes <= SHARED_BYTES_MAX) this.#slab = buffer;
    return takePart(buffer, lengthBytes);
  }
}

function takePart(buffer: PooledBuffer, lengthBytes: number): Part {
  const at = buffer.usedBytes;
  buffer.usedBytes += lengthBytes;
  buffer.parts++;
  return { buffer, at };
}

/** Nominal size of the buffer for a request: a slab, or the next power of two. The header is not counted. */
function bufferBytesFor(lengthBytes: number): number {
  if (lengthBytes <= SHARED_BYTES_MAX) return SLAB_BYTES;
  let sizeBytes = SHARED_BYTES_MAX;
  while (sizeBytes + HEAD_BYTES < lengthBytes) sizeBytes *= 2;
  return sizeBytes;
}
