import type { Extent, SectorRange } from './contract.js';

/**
 * Merges neighbours of one type. Throws unless the extents cover the range exactly and in order. The result shares no objects
 * with `extents`.
 */
export function mergeExtents(extents: readonly Extent[], start: number, count: number): Extent[] {
  const merged: Extent[] = [];
  let at = start;
  for (const extent of extents) {
    if (extent.start !== at || !Number.isSafeInteger(extent.count) || extent.count < 1) {
      throw new Error(
        `extents must go on at sector ${at} with at least one, not at ${extent.start} with ${extent.count}`,
      );
    }
    if (extent.type !== 'data' && extent.type !== 'zero') throw new Error(`${extent.type} is no type of extent`);
    at += extent.count;
    const last = merged.at(-1);
    if (last?.type === extent.type) {
      merged[merged.length - 1] = { ...last, count: last.count + extent.count };
    } else {
      merged.push({ start: extent.start, count: extent.count, type: extent.type });
    }
  }
  if (at !== start + count) throw new Error(`extents must end at sector ${start + count}, not at ${at}`);
  return merged;
}

/**
 * The extents of a range in which these runs are data and all else is zero. Throws unless the runs are in order, apart from
 * each other and within the range.
 */
export function extentsOfData(start: number, count: number, data: Iterable<SectorRange>): Extent[] {
  const extents: Extent[] = [];
  let at = start;
  const end = start + count;
  for (const run of data) {
    if (run.start < at || run.count < 1 || run.start + run.count > end) {
      throw new Error(`data of ${run.count} sectors from ${run.start} does not lie in ${at} to ${end}`);
    }
    if (run.start > at) extents.push({ start: at, count: run.start - at, type: 'zero' });
    extents.push({ start: run.start, count: run.count, type: 'data' });
    at = run.start + run.count;
  }
  if (at < end) extents.push({ start: at, count: end - at, type: 'zero' });
  return extents;
}
