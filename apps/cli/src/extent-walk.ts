import type { BlockDevice, Extent, SectorRange } from '@blockyard/block';

/**
 * Extents are asked for in windows, so that no device's map must fit into memory: of this size at first, then larger or smaller, by how
 * many extents came. A file tells no more of a window than what so small a one has.
 */
const WINDOW_BYTES_MIN = 128 * 2 ** 20;
const WINDOW_BYTES_MAX = 64 * 2 ** 30;

/** Extents in an answer up to which the next window is larger. */
const EXTENTS_FEW = 128;

/** The extents of a range, ascending, neighbours of different types. */
export async function* walkExtents(
  device: BlockDevice,
  range: SectorRange,
  signal: AbortSignal,
): AsyncGenerator<Extent> {
  const { sectorSize } = device.info;
  let windowBytes = WINDOW_BYTES_MIN;
  const end = range.start + range.count;
  let last: Extent | undefined;
  for (let at = range.start; at < end; ) {
    signal.throwIfAborted();
    const count = Math.min(windowBytes / sectorSize, end - at);
    const extents = await device.extents(at, count);
    at += count;
    const isFew = extents.length <= EXTENTS_FEW;
    windowBytes = isFew ? Math.min(windowBytes * 4, WINDOW_BYTES_MAX) : WINDOW_BYTES_MIN;
    for (const extent of extents) {
      if (last?.type === extent.type) {
        last = { ...last, count: last.count + extent.count };
        continue;
      }
      if (last !== undefined) yield last;
      signal.throwIfAborted();
      last = extent;
    }
  }
  if (last !== undefined) yield last;
}
