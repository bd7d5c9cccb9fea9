import { type BlockDevice, BlockError } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import { versionIn } from './pattern.js';
import type { AfterCrash, Range, VolumeModel } from './volume-model.js';

/** What a look at every sector after a crash found, in sectors. */
export type CrashReport = Readonly<Record<AfterCrash, number>>;

/** Sectors of one read, and reads at once. */
const READ_SECTORS = 64;
const READS_MAX = 8;

/**
 * Reads every sector of a volume whose server crashed, and takes what it finds as what the volume holds. Nothing else may be under way.
 * Contents that no one ever wrote there count as `invented`.
 */
export async function checkAfterCrash(device: BlockDevice, model: VolumeModel): Promise<CrashReport> {
  const report = { flushed: 0, kept: 0, forgotten: 0, lost: 0, invented: 0 };
  await eachSector(device, model, (sector, bytes) => {
    const version = versionIn(bytes, sector);
    report[version === undefined ? 'invented' : model.adopt(sector, version)]++;
  });
  return report;
}

/** Reads every sector, and counts those that are not what the model says. Nothing else may be under way. */
export async function countWrong(device: BlockDevice, model: VolumeModel): Promise<number> {
  let wrong = 0;
  const all = model.beginRead({ start: 0, count: model.sizeSectors });
  await eachSector(device, model, (sector, bytes) => {
    const version = versionIn(bytes, sector);
    if (version === undefined || !model.mayRead(all, sector, version)) wrong++;
  });
  return wrong;
}

async function eachSector(
  device: BlockDevice,
  { sizeSectors }: VolumeModel,
  visit: (sector: number, bytes: Uint8Array) => void,
): Promise<void> {
  const { sectorSize } = device.info;
  if (device.info.sizeSectors !== sizeSectors) {
    throw new BlockError('CORRUPT', `the volume has ${device.info.sizeSectors} sectors, not ${sizeSectors}`);
  }
  await forEachParallel(rangesOf(sizeSectors), { maxConcurrency: READS_MAX }, async ({ start, count }: Range) => {
    const bytes = new Uint8Array(count * sectorSize);
    await device.read(start, [bytes]);
    for (let index = 0; index < count; index++) {
      visit(start + index, bytes.subarray(index * sectorSize, (index + 1) * sectorSize));
    }
  });
}

function* rangesOf(sizeSectors: number): Iterable<Range> {
  for (let start = 0; start < sizeSectors; start += READ_SECTORS) {
    yield { start, count: Math.min(READ_SECTORS, sizeSectors - start) };
  }
}
