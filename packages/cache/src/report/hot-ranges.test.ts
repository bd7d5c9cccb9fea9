import { expect, test } from 'vitest';
import type { CacheDevice } from '../connect.js';
import { bytesAt, filled, openCache } from '../testing/fixture.js';

const LINE = { lineSize: 4096, maxSizeBytes: 4 << 20 };
const LINE_SECTORS = 8;
const line = (number: number) => number * LINE_SECTORS;

/** Reads lines so that each use counts: what lies between moves the policy's time on. */
async function use(cache: CacheDevice, lines: readonly number[], times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    for (const number of lines) await bytesAt(cache, line(number), LINE_SECTORS);
    for (let other = 0; other < 60; other++) await bytesAt(cache, line(5000 + i * 60 + other), LINE_SECTORS);
  }
}

test('the hottest comes first, and lines side by side of one heat are one range', async () => {
  const { cache } = await openCache(line(10_000), LINE);
  await use(cache, [7, 5, 6, 900], 4);
  await use(cache, [300], 1);
  const ranges = await cache.hotRanges(1000);
  expect(ranges.slice(0, 2)).toEqual([
    { start: line(5), count: line(3), heat: 3 },
    { start: line(900), count: line(1), heat: 3 },
  ]);
  expect(ranges.map(({ heat }) => heat)).toEqual(ranges.map(({ heat }) => heat).sort((a, b) => b - a));
  expect(ranges.find(({ start, count }) => start <= line(300) && line(300) < start + count)?.heat).toBe(1);
});

test('only what a line holds is listed, and the coldest are left out where there are too many', async () => {
  const { cache } = await openCache(line(10_000), LINE);
  await cache.write(line(20) + 2, [filled(3, 1)]);
  await cache.write(line(20) + 6, [filled(1, 1)]);
  await cache.discard(line(30), LINE_SECTORS);
  await use(cache, [40], 4);
  const ranges = await cache.hotRanges(1000);
  expect(ranges).toContainEqual({ start: line(20) + 2, count: 3, heat: 1 });
  expect(ranges).toContainEqual({ start: line(20) + 6, count: 1, heat: 1 });
  expect(ranges.some(({ start }) => start === line(30))).toBe(false);
  expect(await cache.hotRanges(1)).toEqual([{ start: line(40), count: LINE_SECTORS, heat: 3 }]);
  expect(await cache.hotRanges(0)).toEqual([]);
});

test('what was brought in and never asked for is left out, unless it was hot before', async () => {
  const { cache } = await openCache(line(10_000), LINE);
  await cache.prefetch(line(10), LINE_SECTORS);
  await cache.warmUp([
    { start: line(20), count: LINE_SECTORS, heat: 0 },
    { start: line(30), count: LINE_SECTORS, heat: 2 },
  ]);
  expect(cache.snapshot().lines).toBe(3);
  expect(await cache.hotRanges(10)).toEqual([{ start: line(30), count: LINE_SECTORS, heat: 2 }]);
});

test('lines side by side that are not equally hot are ranges of their own', async () => {
  const { cache } = await openCache(line(10_000), LINE);
  const ranges = [2, 1].map((heat, i) => ({ start: line(10 + i), count: LINE_SECTORS, heat }));
  await cache.warmUp(ranges);
  expect(await cache.hotRanges(10)).toEqual(ranges);
});

test('each policy can be asked, and a list from one warms a cache with another', async () => {
  for (const policy of ['wtinylfu', 'clock2qplus', 'lru'] as const) {
    const { cache, base, memory } = await openCache(line(10_000), { ...LINE, policy });
    await bytesAt(cache, line(3), 30);
    const ranges = await cache.hotRanges(10);
    expect(ranges.reduce((sum, { count }) => sum + count, 0)).toBe(line(4));
    const other = await openCache(line(10_000), { ...LINE, policy: policy === 'lru' ? 'wtinylfu' : 'lru' });
    expect(await other.cache.warmUp(ranges)).toMatchObject({ outcome: 'complete', lines: 4 });
    expect([base.calls('read'), memory.bytes.length]).toEqual([1, line(10_000) * 512]);
  }
});

test('a wrong limit is refused, and so is any once the cache has ended', async () => {
  const { cache } = await openCache(800, LINE);
  await expect(cache.hotRanges(-1)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('maxRanges'),
  });
  await cache.disconnect();
  await expect(cache.hotRanges(10)).rejects.toMatchObject({ code: 'DISCONNECTED' });
});
