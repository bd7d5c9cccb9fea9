/** Sizes of the format. All positions on a medium are bytes. */

/** Each of the two superblocks has a place of this size, whatever the medium's sectors: at 0, and right behind that. */
export const SUPERBLOCK_SLOT_BYTES = 65_536;
/** What of it is used. The rest is zeroes. */
export const SUPERBLOCK_BYTES = 512;
/** Where the ring begins. */
export const RING_START_BYTES = 2 * SUPERBLOCK_SLOT_BYTES;
/** The least ring: four of the least records of the largest sectors, and as much again. */
const RING_BYTES_MIN = 1 << 20;
/** The smallest medium that can hold a log. */
export const MEDIUM_BYTES_MIN = RING_START_BYTES + RING_BYTES_MIN;

/** Data of one extent at most, so that a part of it can be checked without reading much more. The largest sector. */
export const EXTENT_BYTES_MAX = 65_536;
/** Extents of one record at most. */
export const RECORD_EXTENTS_MAX = 1024;
/** One record at most, and a quarter of the ring at most. */
const RECORD_BYTES_MAX = 4 << 20;
/** Zeroes of one change above this are *wide*: they share a record, and a batch that is drained, with other zeroes alone. */
export const WIDE_ZEROES_BYTES = 1 << 20;

/** Longest id of a base, in bytes of UTF-8. */
export const BASE_ID_BYTES_MAX = 256;

/** The largest record of a ring of that size, header included. */
export function maxRecordBytesOf(ringBytes: number): number {
  return Math.min(RECORD_BYTES_MAX, Math.floor(ringBytes / 4));
}

/** The next multiple of `unit`. */
export function roundUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}

/** The multiple of `unit` before or at it. */
export function roundDown(bytes: number, unit: number): number {
  return Math.floor(bytes / unit) * unit;
}

/** Where on the medium a position in the endless row of laps is. */
export function inRing({ ringStart, ringEnd }: { ringStart: number; ringEnd: number }, at: number): number {
  return ringStart + ((at - ringStart) % (ringEnd - ringStart));
}
