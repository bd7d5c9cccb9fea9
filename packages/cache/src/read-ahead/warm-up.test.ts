import { ManualClock, settled } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import type { CacheOptions } from '../options.js';
import { bytesAt, filled, openCache, SECTOR } from '../testing/fixture.js';
import type { HotRange } from './read-plan.js';
import type { WarmUpResult } from './warm-up.js';
import type { WarmUpOptions } from './warm-up-options.js';

/** Groups of 256 lines: the base of the fixture prefers transfers of a mebibyte. */
const LINE: CacheOptions = { lineSize: 4096, maxSizeBytes: 4 << 20 };
const LINE_SECTORS = 8;
const line = (number: number) => number * LINE_SECTORS;
const lines = (first: number, count: number, heat = 1): HotRange => ({ start: line(first), count: line(count), heat });

/** So many lines of which no two belong together. */
const scattered = (count: number, heat = 1) => Array.from({ length: count }, (_, i) => lines(100 + 20 * i, 1, heat));

/** A cache whose time a test moves, over a base that it can hold up. Its numbers of lines are true of the base's bytes. */
async function open(options: CacheOptions = {}, sizeLines = 10_000) {
  const clock = new ManualClock({ strict: true });
  const fixture = await openCache(line(sizeLines), { ...LINE, clock, ...options });
  for (let number = 0; number < sizeLines; number++) {
    const at = line(number) * SECTOR;
    fixture.memory.bytes.fill(1 + (number % 250), at, at + line(1) * SECTOR);
  }
  const { cache } = fixture;
  const isRight = async (number: number) => expect(await bytesAt(cache, line(number), 1)).toEqual([1 + (number % 250)]);
  /** Begins one, and notes how it ends. */
  const begin = (ranges: readonly HotRange[], how?: WarmUpOptions) => {
    const warmUp: { result?: WarmUpResult } = {};
    void cache.warmUp(ranges, how).then((result) => {
      warmUp.result = result;
    });
    return warmUp;
  };
  return { ...fixture, clock, isRight, begin };
}

describe('A warm-up', () => {
  test('brings ranges in, the first ones first, by long reads, and what it brings counts as used once it is', async () => {
    const { cache, base, reads, isRight } = await open();
    const result = await cache.warmUp([lines(500, 2, 4), lines(10, 20, 2), lines(30, 5, 2), lines(700, 1, 1)]);
    expect(result).toEqual({ outcome: 'complete', lines: 28, readBytes: 28 * 4096 });
    expect(reads.map(({ start, count }) => [start / LINE_SECTORS, count / LINE_SECTORS])).toEqual([
      [500, 2],
      [10, 25],
      [700, 1],
    ]);
    expect(cache.snapshot()).toMatchObject({
      lookups: 0,
      hits: 0,
      wholeFetches: 0,
      narrowFetches: 0,
      lines: 28,
      linesWarmed: 28,
      linesWarmedUsed: 0,
      warmUps: 0,
      warmUpReads: 3,
      warmUpReadBytes: 28 * 4096,
      warmUpFailures: 0,
    });
    for (const number of [500, 501, 10, 20, 34, 700, 700]) await isRight(number);
    expect(base.calls('read')).toBe(3);
    expect(cache.snapshot()).toMatchObject({ lookups: 7, hits: 7, linesWarmedUsed: 6 });
  });

  test('has no more reads in flight than it may, and goes on at once where no one else uses the base', async () => {
    const { cache, base, begin, clock } = await open();
    base.hold('read');
    const warmUp = begin(scattered(10), { maxReadConcurrency: 3, maxBaseShare: 0.1 });
    await base.called('read', 3);
    await settled();
    expect([base.calls('read'), cache.snapshot().linesAhead, cache.snapshot().warmUps]).toEqual([3, 3, 1]);
    clock.advance(40);
    base.release();
    await settled();
    expect([base.calls('read'), warmUp.result?.outcome, clock.timersSet]).toEqual([10, 'complete', 0]);
  });

  test.each([
    ['a read', 120],
    ['a flush', 120],
  ] as const)(
    'rests after a read while %s of others uses the base, as long as its share asks for',
    async (what, restMs) => {
      const { cache, base, begin, clock } = await open();
      await cache.write(line(9000), [filled(8, 1)]);
      base.hold('read', 'write');
      const warmUp = begin(scattered(3), { maxReadConcurrency: 1, maxBaseShare: 0.25 });
      await base.called('read', 1);
      const other = what === 'a read' ? bytesAt(cache, line(5000), 1) : cache.flush();
      await settled();
      const before = base.calls('read');
      clock.advance(40);
      base.release();
      await settled();
      await other;
      expect(base.calls('read')).toBe(before);
      clock.advance(restMs - 1);
      await settled();
      expect(base.calls('read')).toBe(before);
      clock.advance(1);
      await settled();
      // No one else has used it since: the third read follows on the second.
      expect([base.calls('read'), warmUp.result?.outcome]).toEqual([before + 2, 'complete']);
      expect(clock.dueMs).toEqual([]);
    },
  );

  test('begins nothing while a request waits for memory', async () => {
    const { cache, base, begin, clock } = await open({ maxSizeBytes: 200_000 });
    base.hold('read');
    const waiting = Array.from({ length: 60 }, (_, i) => bytesAt(cache, line(200 + 3 * i), 1));
    await settled();
    expect(cache.snapshot().waitingRequests).toBeGreaterThan(0);
    const before = base.calls('read');
    const warmUp = begin([lines(0, 4)]);
    for (let i = 0; i < 5; i++) {
      clock.advance(10);
      await settled();
    }
    expect([base.calls('read'), warmUp.result, cache.snapshot().warmUpReads]).toEqual([before, undefined, 0]);
    base.release();
    await Promise.all(waiting);
    clock.advance(10);
    await settled();
    expect([warmUp.result?.outcome, clock.dueMs]).toEqual(['full', []]);
  });

  test('takes free room alone: nothing leaves for it, and it ends when there is no more', async () => {
    const { cache, base, isRight } = await open({ maxSizeBytes: 400_000 });
    const { linesMax } = cache.snapshot();
    const own = Math.floor(linesMax / 2);
    for (let i = 0; i < own; i++) await isRight(1000 + 3 * i);
    const result = await cache.warmUp([lines(0, 900, 4)]);
    expect(result.outcome).toBe('full');
    expect(result.lines).toBeGreaterThan(linesMax * 0.3);
    expect(result.lines + own).toBeLessThanOrEqual(linesMax);
    expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(400_000);
    const before = base.calls('read');
    for (let i = 0; i < own; i++) await isRight(1000 + 3 * i);
    for (let i = 0; i < result.lines; i++) await isRight(i);
    expect(base.calls('read')).toBe(before);
    expect(await cache.warmUp([lines(5000, 10, 4)])).toEqual({ outcome: 'full', lines: 0, readBytes: 0 });
  });

  test('leaves out what is there, on its way, lent, known to be zero or past the end', async () => {
    const { cache, base, reads, begin } = await open({}, 2000);
    await cache.write(line(1), [filled(8, 7)]);
    await bytesAt(cache, line(2), 8);
    const loan = cache.lend?.(line(2), 8);
    await cache.discard(line(4), line(900));
    reads.length = 0;
    base.hold('read');
    const own = bytesAt(cache, line(3), 8);
    await base.called('read', 2);
    const warmUp = begin([lines(0, 1000), lines(1995, 100), { start: line(1_000_000), count: 8, heat: 3 }]);
    await settled();
    base.release();
    await settled();
    await own;
    expect(warmUp.result?.outcome).toBe('complete');
    expect(new Set(reads.map(({ start, count }) => `${start / LINE_SECTORS}+${count / LINE_SECTORS}`))).toEqual(
      new Set(['3+1', '0+1', '904+96', '1995+5']),
    );
    expect(reads).toHaveLength(4);
    loan?.release();
  });

  test('brings in no more of a line than it is told, also where that lies in several places', async () => {
    const { cache, base, reads } = await open({ lineSize: 65_536 });
    const result = await cache.warmUp([
      { start: 130, count: 2, heat: 1 },
      { start: 200, count: 6, heat: 1 },
    ]);
    expect(result).toEqual({ outcome: 'complete', lines: 1, readBytes: 8 * SECTOR });
    expect(reads).toEqual([
      { start: 130, count: 2 },
      { start: 200, count: 6 },
    ]);
    await bytesAt(cache, 202, 4);
    expect(base.calls('read')).toBe(2);
  });

  test('what is written meanwhile stays', async () => {
    const { cache, base, begin, isRight } = await open();
    base.hold('read');
    const warmUp = begin([lines(10, 3)]);
    await base.called('read', 1);
    await cache.write(line(11) + 3, [filled(2, 200)]);
    await cache.discard(line(12), 4);
    base.release();
    await settled();
    expect(warmUp.result?.outcome).toBe('complete');
    await isRight(10);
    expect(await bytesAt(cache, line(11), 8)).toEqual([12, 12, 12, 200, 200, 12, 12, 12]);
    expect(await bytesAt(cache, line(12), 8)).toEqual([0, 0, 0, 0, 13, 13, 13, 13]);
  });

  test('ends quietly with the first read that fails, and is counted', async () => {
    const { cache, base, begin, isRight } = await open();
    base.hold('read');
    const warmUp = begin(scattered(50), { maxReadConcurrency: 2 });
    await base.called('read', 2);
    base.fail('read', 'IO');
    base.release();
    await settled();
    expect(warmUp.result).toMatchObject({ outcome: 'failed' });
    expect(base.calls('read')).toBe(2);
    expect(cache.snapshot()).toMatchObject({ warmUpFailures: 1, warmUps: 0, linesAhead: 0, linesWarmed: 0, lines: 0 });
    base.heal();
    await isRight(100);
  });

  test('waits while a resize holds all traffic up, and reads nothing past the end that there is then', async () => {
    const { cache, base, reads, begin, isRight } = await open();
    base.hold('read');
    const warmUp = begin([lines(0, 100), lines(2000, 2), lines(9000, 2), lines(400, 2)], { maxReadConcurrency: 1 });
    await base.called('read', 1);
    base.hold('resize');
    const resized = cache.resize(line(2001));
    await settled();
    base.release('read');
    await settled();
    expect([reads.length, warmUp.result]).toEqual([1, undefined]);
    base.release();
    await resized;
    await settled();
    expect(warmUp.result?.outcome).toBe('complete');
    expect(reads.slice(1)).toEqual([
      { start: line(2000), count: 8 },
      { start: line(400), count: 16 },
    ]);
    await isRight(401);
  });

  test('goes on after a disconnect that fails, and is over when one succeeds, with no timer left', async () => {
    const { cache, base, begin, clock } = await open();
    base.hold('read');
    const warmUp = begin(scattered(4), { maxReadConcurrency: 1 });
    await base.called('read', 1);
    base.fail('disconnect', 'IO');
    const failing = cache.disconnect();
    await settled();
    base.release();
    await expect(failing).rejects.toMatchObject({ code: 'IO' });
    await settled();
    expect(warmUp.result).toMatchObject({ outcome: 'complete', lines: 4 });
    base.heal();
    base.hold('read');
    const second = begin([lines(3000, 900)], { maxReadConcurrency: 1 });
    await base.called('read', 5);
    const disconnected = cache.disconnect();
    base.release();
    await disconnected;
    await settled();
    expect(second.result).toMatchObject({ outcome: 'disconnected' });
    expect(clock.dueMs).toEqual([]);
    await expect(cache.warmUp([])).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });

  test('survives a smaller budget, within which it stays', async () => {
    const { cache, base, begin } = await open();
    base.hold('read');
    const warmUp = begin([lines(0, 900)], { maxReadConcurrency: 1 });
    await base.called('read', 1);
    const changed = cache.setMaxSizeBytes(1 << 20);
    base.release();
    await changed;
    await settled();
    expect(warmUp.result?.outcome).toBe('full');
    expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(1 << 20);
    await cache.disconnect();
  });

  test('of what it brought, a reader in sequence is read ahead of no further than it is there', async () => {
    const { cache, base } = await open({ readAhead: true });
    await cache.warmUp([lines(100, 20)]);
    for (let number = 100; number < 120; number++) await bytesAt(cache, line(number), LINE_SECTORS);
    await settled();
    expect([base.calls('read'), cache.snapshot().lines]).toEqual([1, 20]);
    for (let number = 120; number < 123; number++) await bytesAt(cache, line(number), LINE_SECTORS);
    await settled();
    expect(cache.snapshot().lines).toBeGreaterThan(23);
  });

  test.each<[string, unknown, unknown]>([
    ['start', [{ start: -1, count: 1, heat: 0 }], {}],
    ['count', [{ start: 1, count: 0.5, heat: 0 }], {}],
    ['start \\+ count', [{ start: Number.MAX_SAFE_INTEGER, count: 1, heat: 0 }], {}],
    ['heat', [{ start: 1, count: 1, heat: 5 }], {}],
    ['heat', [{ start: 1, count: 1 }], {}],
    ['maxReadConcurrency', [], { maxReadConcurrency: 0 }],
    ['maxBaseShare', [], { maxBaseShare: 0 }],
    ['maxBaseShare', [], { maxBaseShare: 1.1 }],
    ['maxOverreadShare', [], { maxOverreadShare: -0.1 }],
    ['unknown option "share"', [], { share: 1 }],
  ])('with a wrong %s is refused before it begins', async (message, ranges, how) => {
    const { cache, base } = await open();
    const warmUp = cache.warmUp(ranges as HotRange[], how as WarmUpOptions);
    await expect(warmUp).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
    expect([base.calls('read'), cache.snapshot().warmUps]).toEqual([0, 0]);
  });
});

test('a restart that is warm: what was hot is hit, with the heat that it had', async () => {
  const before = await open({ maxSizeBytes: 1 << 20 });
  const hot = Array.from({ length: 120 }, (_, i) => 40 * i);
  for (let round = 0; round < 8; round++) {
    for (const number of hot) await before.isRight(number);
    for (let i = 0; i < 50; i++) await before.isRight(5000 + round * 50 + i);
  }
  const ranges = await before.cache.hotRanges(1000);
  const after = await open({ maxSizeBytes: 1 << 20 });
  await after.cache.warmUp(ranges);
  // A scan of several times the cache comes first.
  for (let number = 6000; number < 7500; number++) await after.isRight(number);
  const { lookups, hits } = after.cache.snapshot();
  for (const number of hot) await after.isRight(number);
  expect(after.cache.snapshot().hits - hits).toBeGreaterThan(hot.length * 0.95);
  expect(after.cache.snapshot().lookups - lookups).toBe(hot.length);
});
