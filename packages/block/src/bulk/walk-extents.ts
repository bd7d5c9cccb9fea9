import type { BlockDevice, Extent } from '../contract.js';
import { BlockError } from '../error.js';

/**
 * Bytes of the first question. Later ones are larger or smaller, by how many extents came, within bounds: a device may list
 * only so many extents in one answer, and call the rest data.
 */
const WINDOW_BYTES = 256 << 20;
const MAX_WINDOW_BYTES = 64 * 2 ** 30;

/** Extents in an answer above which the next question is smaller, so that no answer fills the memory. */
const MANY_EXTENTS = 1024;

/**
 * The extents of a range of any size, asked for piece by piece. They cover the range exactly, in order; neighbours may be of
 * one type.
 *
 * Rejects with what the device does, and with `IO` if its answer does not cover what was asked.
 */
export async function* walkExtents(device: BlockDevice, start: number, count: number): AsyncGenerator<Extent> {
  const { sectorSize } = device.info;
  const end = start + count;
  let windowBytes = WINDOW_BYTES;
  for (let at = start; at < end; ) {
    const windowEnd = Math.min(at + windowBytes / sectorSize, end);
    const extents = await device.extents(at, windowEnd - at);
    for (const extent of extents) {
      if (extent.start !== at) break;
      yield extent;
      at += extent.count;
    }
    if (at !== windowEnd) throw new BlockError('IO', `extents of ${device.info.name} do not cover the range`);
    windowBytes =
      extents.length > MANY_EXTENTS
        ? Math.max(Math.min(windowBytes / 2, WINDOW_BYTES), sectorSize)
        : Math.min(windowBytes * 2, MAX_WINDOW_BYTES);
  }
}
