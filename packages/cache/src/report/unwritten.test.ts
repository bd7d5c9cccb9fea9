import { ManualClock } from '@blockyard/block/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filled, openCache, SECTOR } from '../testing/fixture.js';

const LINE = { lineSize: 4096, maxSizeBytes: 1 << 20 };
const SECTORS = 64;

function openTimed() {
  const clock = new ManualClock({ strict: true });
  return openCache(SECTORS, { ...LINE, clock }).then((fixture) => ({ ...fixture, clock }));
}

test('a dirty line is as old as its oldest data, waiting and on its way, until the base has it', async () => {
  const { cache, base, clock } = await openTimed();
  expect(cache.snapshot()).toMatchObject({ dirtyBytes: 0, oldestDirtyMs: undefined, oldestUnflushedMs: undefined });
  await cache.write(0, [filled(1, 1)]);
  clock.advance(100);
  await cache.write(1, [filled(1, 2)]);
  await cache.write(8, [filled(2, 2)]);
  expect(cache.snapshot()).toMatchObject({ dirtyBytes: 4 * SECTOR, oldestDirtyMs: 100 });
  base.hold('write', 'flush');
  const flushed = cache.flush();
  await base.called('write');
  clock.advance(10);
  expect(cache.snapshot()).toMatchObject({ dirtyBytes: 4 * SECTOR, oldestDirtyMs: 110 });
  // Written anew while it is on its way: once the older copy has arrived, the newer one counts.
  await cache.write(0, [filled(1, 3)]);
  clock.advance(5);
  expect(cache.snapshot()).toMatchObject({ dirtyBytes: 4 * SECTOR, oldestDirtyMs: 115, oldestUnflushedMs: undefined });
  base.release('write');
  await base.called('flush');
  clock.advance(1);
  expect(cache.snapshot()).toMatchObject({ dirtyBytes: SECTOR, oldestDirtyMs: 6, oldestUnflushedMs: 1 });
  base.release();
  await flushed;
  expect(cache.snapshot()).toMatchObject({ dirtyBytes: SECTOR, oldestDirtyMs: 6, oldestUnflushedMs: undefined });
});

test('lines that went ahead of older ones do not hide these', async () => {
  const { cache, base, clock } = await openTimed();
  await cache.write(0, [filled(8, 1)]);
  clock.advance(50);
  await cache.write(8, [filled(8, 1)]);
  base.fail('write', 'IO');
  // What could not be written waits again first of all, the last one first.
  await expect(cache.flush()).rejects.toMatchObject({ code: 'IO' });
  expect(cache.snapshot()).toMatchObject({ oldestDirtyMs: 50, dirtyBytes: 16 * SECTOR });
  base.heal();
  await cache.disconnect();
});

test('a zeroed range counts from when it was zeroed, and has no bytes', async () => {
  const { cache, base, clock } = await openTimed();
  await cache.discard(16, 8);
  clock.advance(7);
  expect(cache.snapshot()).toMatchObject({ dirtyBytes: 0, oldestDirtyMs: 7 });
  base.hold('discard');
  const flushed = cache.flush();
  await base.called('discard');
  clock.advance(1);
  expect(cache.snapshot()).toMatchObject({ oldestDirtyMs: 8 });
  base.release();
  await flushed;
  expect(cache.snapshot()).toMatchObject({ oldestDirtyMs: undefined });
});

test('what the base has and has not flushed counts from when it got it, also if a flush fails', async () => {
  const { cache, base, clock } = await openTimed();
  await cache.write(0, [filled(1, 1)]);
  base.fail('flush', 'IO');
  await expect(cache.flush()).rejects.toMatchObject({ code: 'IO' });
  clock.advance(20);
  await cache.write(0, [filled(1, 2)]);
  await expect(cache.flush()).rejects.toMatchObject({ code: 'IO' });
  clock.advance(20);
  expect(cache.snapshot()).toMatchObject({ dirtyBytes: 0, oldestDirtyMs: undefined, oldestUnflushedMs: 40 });
  base.heal();
  await cache.flush();
  expect(cache.snapshot().oldestUnflushedMs).toBeUndefined();
  await cache.resize(2 * SECTORS);
  clock.advance(3);
  expect(cache.snapshot().oldestUnflushedMs).toBe(3);
});

test('the dirty bytes are those of the sectors that are told as dirty', async () => {
  const at = fc.nat(SECTORS - 1);
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('write' as const), at, count: fc.integer({ min: 1, max: 12 }) }),
    },
    fc.record({ do: fc.constant('discard' as const), at, count: fc.integer({ min: 1, max: 12 }) }),
    fc.record({
      do: fc.constantFrom('flush' as const, 'hold' as const, 'release' as const, 'fail' as const, 'heal' as const),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { cache, base } = await openCache(SECTORS, LINE);
      const flushes: Promise<void>[] = [];
      for (const each of steps) {
        if ('at' in each) {
          const count = Math.min(each.count, SECTORS - each.at);
          await (each.do === 'write' ? cache.write(each.at, [filled(count, 1)]) : cache.discard(each.at, count));
        } else if (each.do === 'flush') flushes.push(cache.flush().catch(() => {}));
        else if (each.do === 'hold') base.hold('write', 'discard');
        else if (each.do === 'release') base.release();
        else if (each.do === 'fail') base.fail('write', 'IO');
        else base.heal();
        const dirty = cache.states(0, SECTORS).filter(({ state }) => state === 'dirty');
        const sectors = dirty.reduce((sum, { count }) => sum + count, 0);
        const { dirtyBytes, oldestDirtyMs } = cache.snapshot();
        expect(dirtyBytes).toBe(sectors * SECTOR);
        if (sectors > 0) expect(oldestDirtyMs).toBeGreaterThanOrEqual(0);
      }
      base.release();
      base.heal();
      await Promise.all(flushes);
      await cache.disconnect();
    }),
    { seed: 15, numRuns: 100 },
  );
});
