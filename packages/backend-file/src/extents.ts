import { BlockError, type Extent } from '@blockyard/block';
import type { Holes } from './file-io.js';
import type { Proceed } from './transfer.js';

/**
 * Seeks for one answer; what lies behind is data. Enough for a quarter of a gibibyte in which every other block of 4 KiB is a hole. Callers with
 * a larger range ask in pieces that become smaller where there are many extents.
 */
export const SEEKS_MAX = 65_536;

/** Sectors of a file, and where the file ends within its last sector, if it does. */
export interface SectorsOfFile {
  readonly sectorSize: number;
  readonly paddedFrom: number | undefined;
}

/** The extents of a range: `zero` are sectors that lie in a hole as a whole, or behind the file's end where zeroes follow it. */
export async function extentsOfFile(
  holes: Holes,
  { sectorSize, paddedFrom = Number.POSITIVE_INFINITY }: SectorsOfFile,
  start: number,
  count: number,
  proceed: Proceed,
): Promise<Extent[]> {
  const end = start + count;
  const extents: Extent[] = [];
  let at = start;
  const add = (sector: number, type: Extent['type']) => {
    const to = Math.min(sector, end);
    if (to > at) extents.push({ start: at, count: to - at, type });
    at = Math.max(at, to);
  };
  for (let seeks = 0; at < end && seeks < SEEKS_MAX; seeks += 2) {
    proceed();
    const position = at * sectorSize;
    const data = await holes.nextData(position);
    if (data === undefined) await checkLength(holes, Math.min(end * sectorSize, paddedFrom));
    add(Math.floor((data ?? Number.POSITIVE_INFINITY) / sectorSize), 'zero');
    if (data === undefined || at === end) break;
    proceed();
    const hole = (await holes.nextHole(Math.max(data, position))) ?? Number.POSITIVE_INFINITY;
    // At least one sector: someone else may have punched a hole between the two questions.
    add(Math.max(Math.ceil(hole / sectorSize), at + 1), 'data');
  }
  add(end, 'data');
  return extents;
}

/** No data follow where a file was cut short, either, but to read there fails. */
async function checkLength(holes: Holes, neededBytes: number): Promise<void> {
  const lengthBytes = await holes.length();
  if (lengthBytes >= neededBytes) return;
  throw new BlockError('CORRUPT', `the file ends at byte ${lengthBytes}: it was cut short after it was opened`);
}
