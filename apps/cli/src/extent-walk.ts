import type { BlockDevice, Extent, SectorRange } from '@blockyard/block';

/** Extents are asked for in windows of this size, so that no device's map must fit into memory. */
const WINDOW_BYTES = 64 * 2 ** 30;

/** The extents of a range, ascending, neighbours of different types. */
export async function* walkExtents(
  device: BlockDevice,
  range: SectorRange,
  signal: AbortSignal,
): AsyncGenerator<Extent> {
  const windowSectors = WINDOW_BYTES / device.info.sectorSize;
  const end = range.start + range.count;
  let last: Extent | undefined;
  for (let at = range.start; at < end; at += windowSectors) {
    signal.throwIfAborted();
    for (const extent of await device.extents(at, Math.min(windowSectors, end - at))) {
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
