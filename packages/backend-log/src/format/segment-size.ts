import { BlockError, checkIntegerBetween } from '@blockyard/block';
import { HEAD_BYTES, slotBytesOf } from './segment.js';

/** Bytes of a segment that are kept for its index and foot: what needs more makes the object larger. */
export const TAIL_BYTES = 48 << 10;
export const SEGMENT_SIZE_BYTES_DEFAULT = 8 << 20;
export const SEGMENT_SIZE_BYTES_MAX = 64 << 20;

/** Slots of a full segment. */
export function maxSlotsOf(segmentSizeBytes: number, sectorSize: number): number {
  return Math.floor((segmentSizeBytes - HEAD_BYTES - TAIL_BYTES) / slotBytesOf(sectorSize));
}

/** At least 16 sectors, at most 64 MiB. */
export function checkSegmentSize(segmentSizeBytes: unknown, sectorSize: number): asserts segmentSizeBytes is number {
  checkIntegerBetween(segmentSizeBytes, 'segmentSizeBytes', 1, SEGMENT_SIZE_BYTES_MAX);
  if (maxSlotsOf(segmentSizeBytes, sectorSize) >= SLOTS_MIN) return;
  throw new BlockError(
    'INVALID_ARGUMENT',
    `segmentSizeBytes ${segmentSizeBytes} is too small for ${SLOTS_MIN} sectors of ${sectorSize} bytes`,
  );
}

const SLOTS_MIN = 16;
