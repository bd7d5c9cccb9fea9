import { expect, test } from 'vitest';
import { bytesAt, type Fixture, filled, openCache, SECTOR } from '../testing/fixture.js';
import { expectPlainArray } from '../testing/plain-array.js';

const LINE_SECTORS = 128;
const GRANULE = 8;
const LINES = 2048;
/** Room for some thirty lines of 64 KiB. */
const OPTIONS = { lineSize: LINE_SECTORS * SECTOR, maxSizeBytes: 2 << 20 };

/** Numbers below `max` that are the same in every run (the generator of Numerical Recipes). */
function chance(seed: number): (max: number) => number {
  let state = seed;
  return (max) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * max);
  };
}

type Cache = Fixture['cache'];

const opened = () => openCache(LINES * LINE_SECTORS, OPTIONS);

/** Reads of one granule anywhere. */
async function readAnywhere(cache: Cache, reads: number, pick = chance(1)): Promise<void> {
  const granules = (LINES * LINE_SECTORS) / GRANULE;
  for (let i = 0; i < reads; i++) await cache.read(pick(granules) * GRANULE, [filled(GRANULE, 0)]);
}

/** Reads of every granule of a line, in no order, line after line in no order. */
async function readLocally(cache: Cache, lines: number, pick = chance(2)): Promise<void> {
  const granules = LINE_SECTORS / GRANULE;
  for (let i = 0; i < lines; i++) {
    const start = pick(LINES) * LINE_SECTORS;
    const first = pick(granules);
    for (let at = 0; at < granules; at++)
      await cache.read(start + ((first + at * 5) % granules) * GRANULE, [filled(GRANULE, 0)]);
  }
}

/** A cache that has learnt to fetch narrowly, and a line of it that is absent. */
async function narrowed(): Promise<Fixture & { readonly start: number }> {
  const fixture = await opened();
  await readAnywhere(fixture.cache, 800);
  let start = LINE_SECTORS;
  const isAbsent = () => fixture.cache.states(start - 1, LINE_SECTORS + 1).every(({ state }) => state === 'absent');
  while (!isAbsent()) start += LINE_SECTORS;
  fixture.reads.length = 0;
  return { ...fixture, start };
}

test('until probes have told otherwise, lines are fetched whole', async () => {
  const { cache, reads } = await opened();
  await bytesAt(cache, GRANULE, GRANULE);
  expect(reads).toEqual([{ start: 0, count: LINE_SECTORS }]);
  expect(cache.snapshot()).toMatchObject({ narrowFetches: 0, wholeFetches: 1, probeReuse: 0 });
});

test('random reads soon cost little more of the base than they ask for', async () => {
  const { cache } = await opened();
  const pick = chance(1);
  await readAnywhere(cache, 800, pick);
  const before = cache.snapshot();
  await readAnywhere(cache, 3000, pick);
  const after = cache.snapshot();
  expect(after.baseReadBytes - before.baseReadBytes).toBeLessThanOrEqual(1.3 * 3000 * GRANULE * SECTOR);
  expect(after.narrowFetches - before.narrowFetches).toBeGreaterThan(2500);
  expect(after.probeReuse).toBeLessThan(1 / 12);
});

test('where the rest of lines is used, the hit ratio is that of whole lines, within half a percent', async () => {
  const { cache } = await opened();
  await readLocally(cache, 1000);
  const { hits, lookups, probeReuse } = cache.snapshot();
  const granules = LINE_SECTORS / GRANULE;
  expect(hits / lookups).toBeGreaterThan((granules - 1) / granules - 0.005);
  expect(probeReuse).toBeGreaterThan(0.9);
});

test('what is fetched follows the readers when they change, both ways', async () => {
  const { cache } = await opened();
  const narrowOf = async (work: () => Promise<void>) => {
    const before = cache.snapshot();
    await work();
    const after = cache.snapshot();
    const narrow = after.narrowFetches - before.narrowFetches;
    return narrow / (narrow + after.wholeFetches - before.wholeFetches);
  };
  await readAnywhere(cache, 800, chance(3));
  expect(await narrowOf(() => readAnywhere(cache, 500, chance(4)))).toBeGreaterThan(0.9);
  await readLocally(cache, 500, chance(5));
  expect(await narrowOf(() => readLocally(cache, 500, chance(6)))).toBeLessThan(0.1);
  await readAnywhere(cache, 8000, chance(7));
  expect(await narrowOf(() => readAnywhere(cache, 500, chance(8)))).toBeGreaterThan(0.9);
});

test('readers that go where nothing is used again are followed within some hundred reads, whatever probes have told before', async () => {
  const { cache } = await opened();
  await readLocally(cache, 500);
  expect(cache.snapshot().probeReuse).toBeGreaterThan(0.9);
  await readAnywhere(cache, 512);
  const before = cache.snapshot();
  await readAnywhere(cache, 1500, chance(9));
  expect(cache.snapshot().wholeFetches - before.wholeFetches).toBeLessThan(30);
});

test('long reads, each of which is served by a fetch, say nothing of short ones', async () => {
  const { cache, reads } = await opened();
  await readLocally(cache, 500);
  const lines = chance(3);
  for (let i = 0; i < 1000; i++) await bytesAt(cache, lines(LINES - 1) * LINE_SECTORS, 2 * LINE_SECTORS);
  reads.length = 0;
  await readAnywhere(cache, 100, chance(9));
  expect(reads.filter(({ count }) => count === LINE_SECTORS).length).toBeGreaterThan(90);
});

test('a narrow fetch is of whole granules, and each further one in its line of as much as doubles what is there', async () => {
  const { cache, reads, start } = await narrowed();
  await bytesAt(cache, start + 41, 1);
  await bytesAt(cache, start + 63, 2);
  await bytesAt(cache, start + 20, 1);
  await bytesAt(cache, start + 127, 1);
  expect(reads.map((read) => [read.start - start, read.count])).toEqual([
    [40, 8],
    [48, 32],
    [0, 40],
    [80, 48],
  ]);
  expect(await bytesAt(cache, start, LINE_SECTORS)).toEqual(Array(LINE_SECTORS).fill(0));
  expect(reads).toHaveLength(4);
});

test('sequential readers, and reads of more than a line, fetch whole lines all the same', async () => {
  const { cache, reads, start } = await narrowed();
  for (let at = 0; at < 2 * LINE_SECTORS; at += GRANULE) await bytesAt(cache, start + at, GRANULE);
  expect(reads.slice(0, 2).map((read) => [read.start - start, read.count])).toEqual([
    [0, GRANULE],
    [GRANULE, LINE_SECTORS - GRANULE],
  ]);
  expect(reads.length).toBeLessThanOrEqual(4);
  const far = 1000 * LINE_SECTORS;
  await bytesAt(cache, far - 1, 2);
  expect(cache.states(far - LINE_SECTORS, 2 * LINE_SECTORS)).toEqual([
    { start: far - LINE_SECTORS, count: 2 * LINE_SECTORS, state: 'clean' },
  ]);
});

test('readers of other sectors of a line do not wait for a narrow fetch, those of the same share it', async () => {
  const { cache, base, memory, start } = await narrowed();
  memory.bytes.fill(7);
  const calls = base.calls('read');
  base.hold('read');
  const all = [40, 80, 40, 120, 80].map((at) => bytesAt(cache, start + at, 2));
  await base.called('read', calls + 3);
  expect(base.calls('read')).toBe(calls + 3);
  base.release();
  expect(await Promise.all(all)).toEqual(Array(5).fill([7, 7]));
});

test('a line with as many fetches as it may have serves all that ask for more', async () => {
  const { cache, base, memory, start } = await narrowed();
  memory.bytes.fill(7);
  base.hold('read');
  const all = Array.from({ length: LINE_SECTORS }, (_, i) => bytesAt(cache, start + LINE_SECTORS - 1 - i, 1));
  base.release();
  expect(await Promise.all(all)).toEqual(Array(LINE_SECTORS).fill([7]));
});

test('the contents are those of a plain array, whatever is fetched, written and zeroed at once', async () => {
  const { start, ...fixture } = await narrowed();
  await expectPlainArray(fixture, { start, sectors: 4 * LINE_SECTORS }, (round) =>
    readAnywhere(fixture.cache, 40, chance(round)),
  );
});
