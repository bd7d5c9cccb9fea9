import { BlockError, byteLengthOf, sliceBuffers } from '@blockyard/block';
import type { FileIo } from './file-io.js';
import { uninterrupted } from './interrupts.js';

/** Buffers in one system call. What Linux and macOS take (`IOV_MAX`). */
export const BUFFERS_PER_CALL_MAX = 1024;

/** Bytes in one system call. Operating systems stop a little below 2 GiB, some with an error. */
export const BYTES_PER_CALL_MAX = 1 << 30;

/** How a transfer is told to end early: throws. */
export type ThrowIfStopped = () => void;

/**
 * Fills all buffers from `position` on, in as many calls as it takes. Where the file is known to end within its last sector, at byte
 * `paddedFrom`, zeroes follow.
 */
export async function readFully(
  io: FileIo,
  position: number,
  buffers: readonly Uint8Array[],
  throwIfStopped: ThrowIfStopped,
  paddedFrom?: number,
): Promise<void> {
  const doneBytes = await transfer((batch, at) => io.readv(batch, at), position, buffers, throwIfStopped);
  const byteLength = byteLengthOf(buffers);
  if (doneBytes === byteLength) return;
  if (position + doneBytes === paddedFrom) {
    for (const rest of sliceBuffers(buffers, doneBytes, byteLength - doneBytes)) rest.fill(0);
    return;
  }
  throw new BlockError(
    'CORRUPT',
    `the file ends at byte ${position + doneBytes}: it was cut short after it was opened`,
  );
}

/** Writes all buffers from `position` on, in as many calls as it takes. */
export async function writeFully(
  io: FileIo,
  position: number,
  buffers: readonly Uint8Array[],
  throwIfStopped: ThrowIfStopped,
): Promise<void> {
  const doneBytes = await transfer((batch, at) => io.writev(batch, at), position, buffers, throwIfStopped);
  if (doneBytes === byteLengthOf(buffers)) return;
  throw new BlockError('IO', `the file takes nothing at byte ${position + doneBytes}`);
}

type Call = (buffers: readonly Uint8Array[], position: number) => Promise<number>;

/** Calls until everything is transferred, or a call transfers nothing. Returns how many bytes were. */
async function transfer(
  call: Call,
  position: number,
  buffers: readonly Uint8Array[],
  throwIfStopped: ThrowIfStopped,
): Promise<number> {
  const cursor = new Cursor(buffers);
  for (let batch = cursor.next(); batch.length > 0; batch = cursor.next()) {
    const length = await uninterrupted(() => {
      throwIfStopped();
      return call(batch, position + cursor.doneBytes);
    });
    if (length === 0) break;
    cursor.advance(length);
  }
  return cursor.doneBytes;
}

/** How far a transfer through a list of buffers has come. */
class Cursor {
  readonly #buffers: readonly Uint8Array[];
  /** The first buffer that is not done, and how much of it is. */
  #index = 0;
  #offset = 0;
  #doneBytes = 0;

  constructor(buffers: readonly Uint8Array[]) {
    this.#buffers = buffers;
  }

  get doneBytes(): number {
    return this.#doneBytes;
  }

  /** As much of what is left as one call may take. Empty at the end. */
  next(): Uint8Array[] {
    const batch: Uint8Array[] = [];
    let roomBytes = BYTES_PER_CALL_MAX;
    let offset = this.#offset;
    for (let i = this.#index; roomBytes > 0 && batch.length < BUFFERS_PER_CALL_MAX; i++) {
      const buffer = this.#buffers[i];
      if (buffer === undefined) break;
      const length = Math.min(buffer.byteLength - offset, roomBytes);
      batch.push(length === buffer.byteLength ? buffer : buffer.subarray(offset, offset + length));
      roomBytes -= length;
      offset = 0;
    }
    return batch;
  }

  advance(length: number): void {
    this.#doneBytes += length;
    this.#offset += length;
    for (let buffer = this.#buffers[this.#index]; buffer !== undefined; buffer = this.#buffers[this.#index]) {
      if (this.#offset < buffer.byteLength) return;
      this.#offset -= buffer.byteLength;
      this.#index++;
    }
    if (this.#offset > 0) throw new Error('a call transferred more than it was given');
  }
}
