import { BlockError } from '@blockyard/block';
import { BufferCursor } from '@blockyard/block/async';
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
  const cursor = await transfer((batch, at) => io.readv(batch, at), position, buffers, throwIfStopped);
  if (cursor.leftBytes === 0) return;
  const end = position + cursor.doneBytes;
  if (end !== paddedFrom) {
    throw new BlockError('CORRUPT', `the file ends at byte ${end}: it was truncated after it was opened`);
  }
  cursor.fillRestWithZeroes();
}

/** Writes all buffers from `position` on, in as many calls as it takes. */
export async function writeFully(
  call: Call,
  position: number,
  buffers: readonly Uint8Array[],
  throwIfStopped: ThrowIfStopped,
): Promise<void> {
  const cursor = await transfer(call, position, buffers, throwIfStopped);
  if (cursor.leftBytes === 0) return;
  throw new BlockError('IO', `the file takes nothing at byte ${position + cursor.doneBytes}`);
}

/** A system call that transfers some of the buffers, and says how many bytes that was. */
export type Call = (buffers: readonly Uint8Array[], position: number) => Promise<number>;

/** Calls until everything is transferred, or a call transfers nothing. Returns the cursor where the transfer ended. */
async function transfer(
  call: Call,
  position: number,
  buffers: readonly Uint8Array[],
  throwIfStopped: ThrowIfStopped,
): Promise<BufferCursor> {
  const cursor = new BufferCursor(buffers);
  while (cursor.leftBytes > 0) {
    const batch = cursor.peek(BYTES_PER_CALL_MAX, BUFFERS_PER_CALL_MAX);
    const length = await uninterrupted(() => {
      throwIfStopped();
      return call(batch, position + cursor.doneBytes);
    });
    if (length === 0) break;
    cursor.advance(length);
  }
  return cursor;
}
