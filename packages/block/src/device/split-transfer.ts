import { byteLengthOf, sliceBuffers } from '../buffers.js';
import type { MaybePromise } from '../maybe-promise.js';

/**
 * Bytes that a driver is asked to move in one call, at most. From 2^31 - 4096 on Linux moves fewer than it was asked to, and
 * Node takes no length beyond 2^31 - 1: a driver that looks at neither would leave the rest as it was.
 */
export const TRANSFER_BYTES_MAX = 2 ** 30;

/**
 * Moves a list piece by piece, in order. `throwIfStopped` is called before each piece but the first, and throws to end the work
 * early.
 */
export async function inPieces(
  start: number,
  list: readonly Uint8Array[],
  sectorSize: number,
  throwIfStopped: () => void,
  move: (start: number, list: readonly Uint8Array[]) => MaybePromise<void>,
): Promise<void> {
  const byteLength = byteLengthOf(list);
  for (let offset = 0; offset < byteLength; offset += TRANSFER_BYTES_MAX) {
    if (offset > 0) throwIfStopped();
    const piece = sliceBuffers(list, offset, Math.min(TRANSFER_BYTES_MAX, byteLength - offset));
    await move(start + offset / sectorSize, piece);
  }
}
