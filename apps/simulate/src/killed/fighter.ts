/**
 * A process that takes a volume from whatever process has it, writes and flushes as fast as it can until it is fenced, and takes it
 * again, until it is killed: `node dist/killed/fighter.js PLACE FIRST_REIGN STEP`. PLACE is JSON; its reigns are numbered from the
 * first in steps. It prints `REIGN found STAMP...` of every sector as it was opened, `REIGN flushed WRITES`, `REIGN ended CODE`, and
 * `REIGN refused CODE` if it could not open the volume.
 */
import { writeSync } from 'node:fs';
import { type BlockDevice, BlockError } from '@blockyard/block';
import { stamped, writersOf } from '@blockyard/conformance/testing';
import { connectPlace, type OpenVolume } from './place.js';
import { SHAPE, writesOf } from './reign.js';

const WRITES_PER_FLUSH = 5;
const FLUSHES_IN_FLIGHT_MAX = 4;
/** Flushes from one cleaning to the next. */
const FLUSHES_PER_CLEANING = 10;

const [, , place = '', firstReign = '1', step = '1'] = process.argv;
for (let reign = Number(firstReign); ; reign += Number(step)) await rule(reign);

async function rule(reign: number): Promise<void> {
  let device: OpenVolume;
  try {
    device = await connectPlace(JSON.parse(place));
  } catch (error) {
    return tell(reign, 'refused', codeOf(error));
  }
  try {
    tell(reign, 'found', (await contentsOf(device)).join(' '));
    await work(device, reign);
    tell(reign, 'ended', 'without a fence');
  } catch (error) {
    tell(reign, 'ended', codeOf(error));
  }
  await device.disconnect({ force: true });
}

/** Writes one after another, while flushes go on. Rejects once anything fails. */
async function work(device: OpenVolume, reign: number): Promise<void> {
  const flushes: Promise<void>[] = [];
  let written = 0;
  for (const { sector, stamp } of writesOf(reign)) {
    await device.write(sector, [stamped(stamp, sector, 1, SHAPE.sectorSize)]);
    written++;
    if (written % WRITES_PER_FLUSH > 0) continue;
    flushes.push(flush(device, reign, written));
    if (written % (WRITES_PER_FLUSH * FLUSHES_PER_CLEANING) === 0)
      flushes.push(device.compact?.() ?? Promise.resolve());
    if (flushes.length >= FLUSHES_IN_FLIGHT_MAX) await Promise.all(flushes.splice(0));
  }
}

async function flush(device: BlockDevice, reign: number, written: number): Promise<void> {
  await device.flush();
  tell(reign, 'flushed', String(written));
}

async function contentsOf(device: BlockDevice): Promise<number[]> {
  const bytes = new Uint8Array(SHAPE.sizeSectors * SHAPE.sectorSize);
  await device.read(0, [bytes]);
  return writersOf(bytes, 0, SHAPE.sectorSize);
}

function tell(reign: number, kind: string, what: string): void {
  writeSync(1, `${reign} ${kind} ${what}\n`);
}

function codeOf(error: unknown): string {
  if (error instanceof BlockError) return error.code;
  throw error;
}
