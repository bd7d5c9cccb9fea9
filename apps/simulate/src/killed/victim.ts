/**
 * A process that writes, zeroes and flushes until it is killed: `node dist/killed/victim.js PLACE CACHE_BYTES FIRST_STAMP SEED`.
 * PLACE is JSON; there is no cache where CACHE_BYTES is 0. Before every operation it prints a line, and another one once it has
 * succeeded. Lines outlive the process: `Account` tells what they say.
 */
import { writeSync } from 'node:fs';
import { connectCache } from '@blockyard/cache';
import { stamped } from '@blockyard/conformance/testing';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { connectPlace, type OpenVolume } from './place.js';

const WRITERS = 8;
const WRITES_PER_FLUSH_MAX = 12;
const WRITE_SECTORS_MAX = 4;
/** One in so many changes writes zeroes. */
const ZEROES_ONE_IN = 10;
/** Flushes of one writer from one cleaning of a log to the next. */
const FLUSHES_PER_CLEANING = 5;

const [, , place = '', cacheBytes = '0', firstStamp = '1', seed = '1'] = process.argv;
const random = xoroshiro128plus(Number(seed));
let nextStamp = Number(firstStamp);
let operations = 0;

const base = await connectPlace(JSON.parse(place));
const device = Number(cacheBytes) === 0 ? base : await connectCache(base, { maxSizeBytes: Number(cacheBytes) });
await Promise.all([...Array.from({ length: WRITERS }, () => work()), clean(base)]);

async function work(): Promise<never> {
  for (;;) {
    for (let left = uniformInt(random, 1, WRITES_PER_FLUSH_MAX); left > 0; left--) await change();
    await told('flush', () => device.flush());
  }
}

async function change(): Promise<void> {
  const { sizeSectors, sectorSize } = device.info;
  const count = uniformInt(random, 1, WRITE_SECTORS_MAX);
  const start = uniformInt(random, 0, sizeSectors - count);
  if (uniformInt(random, 1, ZEROES_ONE_IN) === 1) {
    return told(`zero ${start} ${count}`, () => device.writeZeroes(start, count));
  }
  const stamp = nextStamp++;
  return told(`write ${start} ${count} ${stamp}`, () =>
    device.write(start, [stamped(stamp, start, count, sectorSize)]),
  );
}

async function told(what: string, act: () => Promise<void>): Promise<void> {
  const operation = operations++;
  writeSync(1, `${operation} ${what}\n`);
  await act();
  writeSync(1, `${operation} done\n`);
}

/** Gives back the space of a log as soon as something was flushed, again and again. */
async function clean(log: OpenVolume): Promise<void> {
  if (log.compact === undefined) return;
  for (;;) {
    for (let flushes = 0; flushes < FLUSHES_PER_CLEANING; flushes++) await log.flush();
    await log.compact();
  }
}
