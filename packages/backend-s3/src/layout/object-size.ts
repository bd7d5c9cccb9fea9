import { BlockError, checkIntegerBetween } from '@blockyard/block';

/** A merge holds one object in memory for each request in flight. */
export const OBJECT_SIZE_BYTES_MAX = 64 << 20;

/** Whole sectors, and small enough to be held in memory. */
export function checkObjectSize(objectSizeBytes: unknown, sectorSize: number): asserts objectSizeBytes is number {
  checkIntegerBetween(objectSizeBytes, 'objectSizeBytes', 1, OBJECT_SIZE_BYTES_MAX);
  if (objectSizeBytes % sectorSize !== 0) {
    throw new BlockError('UNALIGNED', `objectSizeBytes ${objectSizeBytes} is not a multiple of ${sectorSize}`);
  }
}
