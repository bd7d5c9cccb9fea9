/**
 * A process that writes and flushes until it is killed: `node dist/killed/victim.js URI CACHE_BYTES FIRST_STAMP SEED`. Without
 * a cache where CACHE_BYTES is 0. For every flush that has resolved it prints a line: what each sector that was written since
 * the one before is stamped with, `sector:stamp`. A line that was printed outlives the process.
 */
import { writeSync } from 'node:fs';
import { connectCache } from '@blockyard/cache';
import { stamped } from '@blockyard/conformance/testing';
import { connectUri } from '@blockyard/uri';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

const WRITERS = 8;
const WRITES_PER_FLUSH_MAX = 12;
const WRITE_SECTORS_MAX = 4;

const [, , uri = '', cacheBytes = '0', firstStamp = '1', seed = '1'] = process.argv;
const random = xoroshiro128plus(Number(seed));
let stamp = Number(firstStamp);

const base = await connectUri(uri);
const device = Number(cacheBytes) === 0 ? base : await connectCache(base, { maxSizeBytes: Number(cacheBytes) });
writeSync(1, 'ready\n');
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(writer)));

/** Each writer has a part of the device of its own, so that the stamps of a sector ascend. */
async function work(writer: number): Promise<never> {
  const { info } = device;
  const share = Math.floor(info.sizeSectors / WRITERS);
  const first = writer * share;
  for (;;) {
    const written = new Map<number, number>();
    for (let left = uniformInt(random, 1, WRITES_PER_FLUSH_MAX); left > 0; left--) {
      const count = uniformInt(random, 1, WRITE_SECTORS_MAX);
      const start = first + uniformInt(random, 0, share - count);
      const mine = stamp++;
      for (let sector = start; sector < start + count; sector++) written.set(sector, mine);
      await device.write(start, [stamped(mine, start, count, info.sectorSize)]);
    }
    await device.flush();
    writeSync(1, `${[...written].map(([sector, mine]) => `${sector}:${mine}`).join(' ')}\n`);
  }
}
