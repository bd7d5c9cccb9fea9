import { expect, test } from 'vitest';
import { bytesAt, filled, openCache } from './fixture.fake.js';

/** Groups of 256 lines: the base of the fixture prefers transfers of a mebibyte. */
const LINE = { lineSize: 4096, maxSizeBytes: 4 << 20 };
const LINE_SECTORS = 8;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a range is brought in by reads of a group each, without what is there, on its way, or known to be zero', async () => {
  const { cache, base, reads } = await openCache(8000, LINE);
  await bytesAt(cache, 10 * LINE_SECTORS, 1);
  await cache.discard(20 * LINE_SECTORS, LINE_SECTORS);
  reads.length = 0;
  base.hold('read');
  const underWay = bytesAt(cache, 30 * LINE_SECTORS, 1);
  await base.called('read', 2);
  const prefetched = cache.prefetch(0, 40 * LINE_SECTORS);
  base.release();
  await Promise.all([underWay, prefetched]);
  expect(
    reads
      .map(({ start, count }) => [start / LINE_SECTORS, count / LINE_SECTORS])
      .sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
  ).toEqual([
    [0, 10],
    [11, 9],
    [21, 9],
    [30, 1],
    [31, 9],
  ]);
  expect(cache.snapshot().linesAhead).toBe(0);
});

test('no more than a quarter of the lines are on their way at once, and the rest follow', async () => {
  const { cache, base } = await openCache(8000, { ...LINE, maxSizeBytes: 1 << 20 });
  const { linesMax } = cache.snapshot();
  base.hold('read');
  const prefetched = cache.prefetch(0, 100 * LINE_SECTORS);
  await base.called('read');
  await turn();
  expect(cache.snapshot().linesAhead).toBe(Math.floor(linesMax / 4));
  base.release();
  await prefetched;
  expect(cache.snapshot()).toMatchObject({ linesAhead: 0, lines: 100 });
});

test('nothing is read for no sectors, and nothing past the end', async () => {
  const { cache, base, reads } = await openCache(21, LINE);
  await cache.prefetch(0, 0);
  await cache.prefetch(21, 0);
  expect(base.calls('read')).toBe(0);
  await cache.prefetch(17, 4);
  expect(reads).toEqual([{ start: 16, count: 5 }]);
  await expect(cache.prefetch(17, 5)).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS' });
});

test('a prefetch takes the lines that the range touches, and no other', async () => {
  const { cache, reads } = await openCache(800, LINE);
  await cache.prefetch(15, 2);
  await cache.prefetch(32, 8);
  expect(reads).toEqual([
    { start: 8, count: 16 },
    { start: 32, count: 8 },
  ]);
});

test('a failure is silent, and the line can be asked for', async () => {
  const { cache, base } = await openCache(800, LINE);
  base.fail('read', 'IO');
  await cache.prefetch(0, 8);
  expect(cache.snapshot()).toMatchObject({ lines: 0, linesAhead: 0, baseErrors: 1 });
  base.heal();
  expect(await bytesAt(cache, 0, 1)).toEqual([0]);
});

test('a line that is there in part is left as it is', async () => {
  const { cache, base } = await openCache(800, LINE);
  await cache.write(1, [filled(1, 1)]);
  await cache.prefetch(0, 8);
  expect(base.calls('read')).toBe(0);
});

test('nothing is read ahead while somebody waits for memory', async () => {
  const { cache, base } = await openCache(8 * 400, { maxSizeBytes: 100_000, lineSize: 4096 });
  base.hold('read');
  const reads = Array.from({ length: 40 }, (_, line) => bytesAt(cache, line * 8, 8));
  await base.called('read');
  expect(cache.snapshot().waitingRequests).toBeGreaterThan(0);
  const calls = base.calls('read');
  await cache.prefetch(8 * 300, 8);
  expect(base.calls('read')).toBe(calls);
  base.release();
  await Promise.all(reads);
});

test('a sequential reader is read ahead of, up to the end of the device, and asks the base no more', async () => {
  const { cache, base, reads } = await openCache(20 * LINE_SECTORS + 3, { ...LINE, readAhead: true });
  for (let line = 0; line < 20; line++) {
    await bytesAt(cache, line * LINE_SECTORS, LINE_SECTORS);
    while (cache.snapshot().linesAhead > 0) await turn();
  }
  expect(Math.max(...reads.map(({ start, count }) => start + count))).toBe(20 * LINE_SECTORS + 3);
  expect(reads.reduce((sum, { count }) => sum + count, 0)).toBe(20 * LINE_SECTORS + 3);
  const calls = base.calls('read');
  expect(calls).toBeLessThan(10);
  await bytesAt(cache, 20 * LINE_SECTORS, 3);
  expect(base.calls('read')).toBe(calls);
});

test('nobody is read ahead of unless asked to', async () => {
  const { cache, reads } = await openCache(8000, { ...LINE, readAhead: false });
  for (let line = 0; line < 20; line++) await bytesAt(cache, line * LINE_SECTORS, LINE_SECTORS);
  expect(reads).toHaveLength(20);
});

test('nothing is read ahead while a resize holds all traffic up', async () => {
  const { cache, base } = await openCache(8000, LINE);
  base.hold('resize');
  const resized = cache.resize(7000);
  await base.called('resize');
  await cache.prefetch(0, 80);
  expect(base.calls('read')).toBe(0);
  base.release();
  await resized;
  await cache.prefetch(0, 80);
  expect(base.calls('read')).toBe(1);
});

test('a reader of small requests is read ahead of as long as it reads on, though most of them are hits', async () => {
  const { cache, base } = await openCache(400 * LINE_SECTORS, { ...LINE, readAhead: true });
  for (let sector = 0; sector < 200 * LINE_SECTORS; sector += 2) {
    await bytesAt(cache, sector, 2);
    while (cache.snapshot().linesAhead > 0) await turn();
  }
  // The first three lines are asked for; the rest is there in time.
  expect(cache.snapshot().lookups - cache.snapshot().hits).toBeLessThan(5);
  expect(base.calls('read')).toBeLessThan(16);
});
