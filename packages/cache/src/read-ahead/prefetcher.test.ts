import { connectMemory } from '@blockyard/backend-memory';
import { macrotasks } from '@blockyard/block/testing';
import { ControlledBase } from '@blockyard/conformance/testing';
import { describe, expect, test } from 'vitest';
import { connectCache } from '../connect.js';
import { bytesAt, filled, openCache } from '../testing/fixture.js';

/** Groups of 256 lines: the base of the fixture prefers transfers of a mebibyte. */
const LINE = { lineSize: 4096, maxSizeBytes: 4 << 20 };
const LINE_SECTORS = 8;

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

test('a range that another request is reading is there when that has it', async () => {
  const { cache, base, reads } = await openCache(8000, LINE);
  base.hold('read');
  const read = bytesAt(cache, 0, LINE_SECTORS);
  await base.called('read');
  let isThere = false;
  const prefetched = cache.prefetch(0, LINE_SECTORS).then(() => {
    isThere = true;
  });
  await macrotasks();
  expect(isThere).toBe(false);
  base.release();
  await Promise.all([read, prefetched]);
  expect(reads).toHaveLength(1);
});

test('what is brought in over a base that prefers short transfers comes by long reads', async () => {
  const { cache, reads } = await openCache(16 << 10, { lineSize: 65_536, maxSizeBytes: 32 << 20 }, 65_536);
  await cache.prefetch(0, 8192);
  expect(reads).toEqual([0, 2048, 4096, 6144].map((start) => ({ start, count: 2048 })));
});

test('no more than a quarter of the lines are on their way at once, and the rest follow', async () => {
  const { cache, base } = await openCache(8000, { ...LINE, maxSizeBytes: 1 << 20 });
  const { linesMax } = cache.snapshot();
  base.hold('read');
  const prefetched = cache.prefetch(0, 100 * LINE_SECTORS);
  await base.called('read');
  await macrotasks();
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

test('a line that is there in part is read for the rest, and one that has no more to bring is left', async () => {
  const { cache, base } = await openCache(800, LINE);
  await cache.write(1, [filled(1, 1)]);
  await cache.write(8, [filled(1, 2)]);
  await cache.discard(9, 7);
  await cache.prefetch(0, 16);
  expect(base.calls('read')).toBe(1);
  expect(await bytesAt(cache, 0, 16)).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
  expect(base.calls('read')).toBe(1);
});

test('nothing is read ahead while a request waits for memory', async () => {
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
    while (cache.snapshot().linesAhead > 0) await macrotasks();
  }
  expect(Math.max(...reads.map(({ start, count }) => start + count))).toBe(20 * LINE_SECTORS + 3);
  expect(reads.reduce((sum, { count }) => sum + count, 0)).toBe(20 * LINE_SECTORS + 3);
  const calls = base.calls('read');
  expect(calls).toBeLessThan(10);
  await bytesAt(cache, 20 * LINE_SECTORS, 3);
  expect(base.calls('read')).toBe(calls);
});

test('no reader is read ahead of unless asked to', async () => {
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
    while (cache.snapshot().linesAhead > 0) await macrotasks();
  }
  // The first three lines are asked for; the rest is there in time.
  expect(cache.snapshot().lookups - cache.snapshot().hits).toBeLessThan(5);
  expect(base.calls('read')).toBeLessThan(16);
});

test.each(['wtinylfu', 'clock2qplus', 'lru'] as const)(
  'a full cache keeps what is read ahead until its reader comes, so that long reads stay long (%s)',
  async (policy) => {
    const HOT = 20_000;
    const { cache, reads } = await openCache(30_000 * LINE_SECTORS, { ...LINE, readAhead: true, policy });
    const { linesMax } = cache.snapshot();
    for (let round = 0; round < 4; round++) {
      for (let line = 0; line < linesMax; line += 2) await bytesAt(cache, (HOT + 5 * line) * LINE_SECTORS, 1);
    }
    for (let line = 0; line < 2 * linesMax; line++)
      await bytesAt(cache, (HOT - 2 * line - 10) * LINE_SECTORS, LINE_SECTORS);
    reads.length = 0;
    for (let line = 0; line < 4 * linesMax; line += 16) await bytesAt(cache, line * LINE_SECTORS, 16 * LINE_SECTORS);
    const count = reads.reduce((sum, read) => sum + read.count, 0) / LINE_SECTORS;
    expect(count).toBeLessThanOrEqual(4.5 * linesMax);
    expect(reads.length).toBeLessThan(count / 32);
  },
);

describe('the memory there is', () => {
  test.each(['wtinylfu', 'clock2qplus', 'lru'] as const)(
    'ends a prefetch of more, before it reads it all for nothing (%s)',
    async (policy) => {
      const { cache, reads } = await openCache(4_000_000, { lineSize: 4096, maxSizeBytes: 300_000, policy });
      await cache.prefetch(0, 4_000_000);
      const { linesMax } = cache.snapshot();
      const linesRead = reads.reduce((sum, { count }) => sum + count, 0) / LINE_SECTORS;
      expect(linesRead).toBeGreaterThan(linesMax / 2);
      expect(linesRead).toBeLessThanOrEqual(linesMax);
    },
  );

  test('is more where what was brought in is used meanwhile', async () => {
    const { cache, reads } = await openCache(8000, { lineSize: 4096, maxSizeBytes: 300_000 });
    const { linesMax } = cache.snapshot();
    for (let line = 0; line < 3 * linesMax; line += 10) {
      await cache.prefetch(line * LINE_SECTORS, 10 * LINE_SECTORS);
      for (let at = line; at < line + 10; at++) await bytesAt(cache, at * LINE_SECTORS, 1);
    }
    expect(reads.every(({ count }) => count <= 10 * LINE_SECTORS)).toBe(true);
    expect(cache.snapshot().hits).toBe(cache.snapshot().lookups);
  });

  test('is not used up by lines that failed or were zeroed', async () => {
    const { cache, base } = await openCache(800, LINE);
    base.hold('read');
    const prefetched = cache.prefetch(0, 80);
    await base.called('read');
    await cache.discard(16, 8);
    base.release();
    await prefetched;
    expect(cache.snapshot().lines).toBe(9);
    await cache.prefetch(80, 80);
    expect(cache.snapshot().lines).toBe(19);
  });

  test('is what a new budget gives, to prefetch and to the read-ahead', async () => {
    const MiB = 1 << 20;
    const aheadOf = async (first: number, then: number) => {
      const { cache } = await openCache(40_000 * LINE_SECTORS, { ...LINE, maxSizeBytes: first, readAhead: true });
      await cache.setMaxSizeBytes(then);
      let ahead = 0;
      for (let line = 0; line < 3000; line += 8) {
        await bytesAt(cache, line * LINE_SECTORS, 8 * LINE_SECTORS);
        ahead = Math.max(ahead, cache.snapshot().linesAhead);
        while (cache.snapshot().linesAhead > 0) await macrotasks();
      }
      const { linesMax } = cache.snapshot();
      await cache.disconnect({ force: true });
      return { ahead, share: ahead / linesMax };
    };
    const small = await aheadOf(MiB, MiB);
    const large = await aheadOf(16 * MiB, 16 * MiB);
    expect(large.ahead).toBeGreaterThan(4 * small.ahead);
    // As far as with a cache that was made so, but for what memory comes in: whole slabs.
    expect((await aheadOf(MiB, 16 * MiB)).share).toBeCloseTo(large.share, 2);
    expect((await aheadOf(16 * MiB, MiB)).ahead).toBeLessThan(2 * small.ahead);
  });
});

test('what is known to be zero is passed over at once, however long it is', async () => {
  const sizeSectors = 2 ** 44 - 1;
  const base = new ControlledBase(await connectMemory({ sizeSectors }));
  const cache = await connectCache(base, { ...LINE, readAhead: false });
  await cache.discard(16, sizeSectors - 32);
  await cache.prefetch(0, sizeSectors);
  expect(cache.snapshot()).toMatchObject({ baseReads: 2, lines: 5 });
  await cache.disconnect({ force: true });
});

test('a prefetch waits for a line that another request is fetching', async () => {
  const { cache, base } = await openCache(800, LINE);
  base.hold('read');
  const reading = bytesAt(cache, 0, 1);
  await base.called('read');
  let isThere = false;
  const prefetched = cache.prefetch(0, 8).then(() => {
    isThere = true;
  });
  await macrotasks();
  expect(isThere).toBe(false);
  base.release();
  await Promise.all([reading, prefetched]);
});

describe('the end', () => {
  test('settles a prefetch whose lines may never come, and later ones are refused', async () => {
    const { cache, base } = await openCache(8000, { ...LINE, maxSizeBytes: 1 << 20 });
    base.hold('read');
    const prefetched = cache.prefetch(0, 8000);
    await base.called('read');
    await cache.disconnect({ force: true });
    await prefetched;
    await expect(cache.prefetch(0, 8)).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await expect(cache.prefetch(-1, 8)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    base.release();
  });

  test.each(['resize', 'disconnect'] as const)(
    'by force during a %s lasts, also when that returns',
    async (operation) => {
      const { cache, base } = await openCache(8000, LINE);
      base.hold(operation);
      if (operation === 'disconnect') base.fail(operation, 'IO');
      const held = operation === 'resize' ? cache.resize(7000) : cache.disconnect();
      held.catch(() => {});
      await base.called(operation);
      await cache.disconnect({ force: true });
      base.release();
      await macrotasks();
      await cache.prefetch(0, 80).catch(() => {});
      expect(base.calls('read')).toBe(0);
    },
  );
});
