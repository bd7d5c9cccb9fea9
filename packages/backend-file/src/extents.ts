import { BlockError, type Extent, errnoOf } from '@blockyard/block';
import type { Holes } from './file-io.js';
import type { ThrowIfStopped } from './transfer.js';

/**
 * Seeks for one answer; what lies behind is data. Enough for 128 MiB in which every other block of 4 KiB is a hole. Callers
 * with a larger range ask in pieces that become smaller where there are many extents.
 */
export const SEEKS_MAX = 65_536;

/** Errors that say that the file system tells no holes. A remote one may say so long after the file was opened. */
const REFUSED: readonly (string | undefined)[] = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** Sectors of a file, and where the file ends within its last sector, if it does. */
export interface SectorsOfFile {
  readonly sectorSize: number;
  readonly paddedFrom: number | undefined;
}

/**
 * The extents of a range: `zero` are sectors that lie in a hole as a whole, or behind the file's end where zeroes follow it. Where the file
 * system does not tell, and where it was asked often enough, all is `data`.
 */
export async function extentsOfFile(
  holes: Holes,
  sectors: SectorsOfFile,
  start: number,
  count: number,
  throwIfStopped: ThrowIfStopped,
): Promise<Extent[]> {
  const list = new ExtentList(start, start + count);
  try {
    await findHoles(holes, sectors, list, throwIfStopped);
  } catch (error) {
    if (!REFUSED.includes(errnoOf(error))) throw error;
  }
  list.addTo(list.end, 'data');
  return list.extents;
}

async function findHoles(
  holes: Holes,
  { sectorSize, paddedFrom = Number.POSITIVE_INFINITY }: SectorsOfFile,
  list: ExtentList,
  throwIfStopped: ThrowIfStopped,
): Promise<void> {
  for (let seeks = 0; list.at < list.end && seeks < SEEKS_MAX; seeks += 2) {
    throwIfStopped();
    const position = list.at * sectorSize;
    const data = await holes.nextData(position);
    if (data === undefined) await checkLength(holes, Math.min(list.end * sectorSize, paddedFrom));
    list.addTo(Math.floor((data ?? Number.POSITIVE_INFINITY) / sectorSize), 'zero');
    if (data === undefined || list.at === list.end) return;
    throwIfStopped();
    const hole = (await holes.nextHole(Math.max(data, position))) ?? Number.POSITIVE_INFINITY;
    // At least one sector: someone else may have punched a hole between the two questions.
    list.addTo(Math.max(Math.ceil(hole / sectorSize), list.at + 1), 'data');
  }
}

/** The extents of a range, as far as they are known. */
class ExtentList {
  readonly extents: Extent[] = [];
  readonly end: number;
  /** First sector of which nothing is known yet. */
  at: number;

  constructor(start: number, end: number) {
    this.at = start;
    this.end = end;
  }

  /** What follows is of this type, up to a sector. */
  addTo(sector: number, type: Extent['type']): void {
    const to = Math.min(sector, this.end);
    if (to <= this.at) return;
    this.extents.push({ start: this.at, count: to - this.at, type });
    this.at = to;
  }
}

/** No data follow where a file was truncated, either, but to read there fails. */
async function checkLength(holes: Holes, neededBytes: number): Promise<void> {
  const lengthBytes = await holes.length();
  if (lengthBytes >= neededBytes) return;
  throw new BlockError('CORRUPT', `the file ends at byte ${lengthBytes}: it was truncated after it was opened`);
}
