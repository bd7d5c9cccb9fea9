import type { CacheState } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CacheDevice } from '../connect.js';
import { filled, fillsOf, openCache } from '../testing/fixture.js';
import { type BlockMap, CELL_STATES } from './block-map.js';

const SIZE_SECTORS = 120;
/** Six lines or so, of eight sectors. */
const STARVED = { lineSize: 4096, maxSizeBytes: 90_000 };

/** What the map calls by several names and `states` by one. */
const STATE_OF: Readonly<Record<(typeof CELL_STATES)[number], CacheState['state']>> = {
  absent: 'absent',
  reading: 'absent',
  readingAhead: 'absent',
  zero: 'zero',
  clean: 'clean',
  dirty: 'dirty',
  parked: 'dirty',
  writing: 'dirty',
};

/** In the model, for a sector of which the last change may have failed. */
const UNKNOWN = -1;

const range = fc.record({ start: fc.nat(SIZE_SECTORS - 1), count: fc.integer({ min: 1, max: 24 }) });
const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('write', 'discard', 'writeZeroes', 'read', 'prefetch'), at: range }),
  fc.record({ kind: fc.constantFrom('flush', 'hold', 'release', 'fail', 'heal', 'pause', 'resize'), at: range }),
);

/** Sectors in each state, by cell. */
function countsOf(states: readonly CacheState[], { cells, cellSectors }: BlockMap): Record<string, number[]> {
  const counts = {
    absent: Array(cells).fill(0),
    zero: Array(cells).fill(0),
    clean: Array(cells).fill(0),
    dirty: Array(cells).fill(0),
  };
  for (const { start, count, state } of states) {
    for (let sector = start; sector < start + count; sector++) counts[state][Math.floor(sector / cellSectors)]++;
  }
  return counts;
}

function expectConsistent(cache: CacheDevice, model: readonly number[], maxCells: number): void {
  const { sizeSectors } = cache.info;
  const states = cache.states(0, sizeSectors);
  let end = 0;
  for (const { start, count } of states) {
    expect(start).toBe(end);
    end += count;
  }
  expect(end).toBe(sizeSectors);
  for (const { start, count, state } of states) {
    if (state !== 'zero') continue;
    for (const byte of model.slice(start, start + count)) expect([0, UNKNOWN]).toContain(byte);
  }
  const map = cache.map(maxCells);
  const merged: Record<string, number[]> = countsOf([], map);
  for (const state of CELL_STATES) {
    map.sectors[state].forEach((count, cell) => {
      expect(count).toBeGreaterThanOrEqual(0);
      const counts = merged[STATE_OF[state]] ?? [];
      counts[cell] = (counts[cell] ?? 0) + count;
    });
  }
  expect(merged).toEqual(countsOf(states, map));
}

test('at every moment each sector is in one state, the same in the map and in the list, and zero is what reads as zeroes [C11, Z3]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 130 }), async (steps, maxCells) => {
      const { cache, base } = await openCache(SIZE_SECTORS, STARVED, 4096);
      let model: number[] = Array(SIZE_SECTORS).fill(0);
      const underWay: Promise<unknown>[] = [];
      let isHeld = false;
      const begin = (operation: Promise<unknown>) => underWay.push(operation.catch(() => {}));
      for (const { kind, at } of steps) {
        const start = Math.min(at.start, model.length);
        const count = Math.min(at.count, model.length - start);
        if (kind === 'write' || kind === 'discard' || kind === 'writeZeroes') {
          const byte = kind === 'write' ? 1 + (start % 250) : 0;
          const change = kind === 'write' ? cache.write(start, [filled(count, byte)]) : cache[kind](start, count);
          // What waits or fails may be old or new.
          model.fill(UNKNOWN, start, start + count);
          const accepted = change.then(
            () => true,
            () => false,
          );
          if (isHeld) underWay.push(accepted);
          if (isHeld ? cache.snapshot().waitingRequests === 0 : await accepted) model.fill(byte, start, start + count);
        } else if (kind === 'read') begin(cache.read(start, [filled(count, 0)]));
        else if (kind === 'prefetch') begin(cache.prefetch(start, count));
        else if (kind === 'flush') begin(cache.flush());
        else if (kind === 'hold') {
          base.hold('read', 'write', 'discard', 'writeZeroes');
          isHeld = true;
        } else if (kind === 'release') {
          base.release();
          isHeld = false;
          await Promise.all(underWay.splice(0));
        } else if (kind === 'fail') base.fail(at.count % 2 === 0 ? 'write' : 'discard', 'IO');
        else if (kind === 'heal') base.heal();
        else if (kind === 'resize' && !isHeld) {
          const sizeSectors = 60 + at.start / 2 - ((at.start / 2) % 1);
          await cache.resize(sizeSectors);
          model = Array.from({ length: sizeSectors }, (_, i) => model[i] ?? 0);
        } else await macrotasks();
        expectConsistent(cache, model, maxCells);
      }
      base.heal();
      base.release();
      await Promise.all(underWay);
      await cache.flush();
      expectConsistent(cache, model, maxCells);
      const zeroes = await cache.extents(0, model.length);
      const read = filled(model.length, 0);
      await cache.read(0, [read]);
      const fills = fillsOf(read);
      for (const { start, count, type } of zeroes) {
        if (type === 'zero') expect(fills.slice(start, start + count)).toEqual(Array(count).fill(0));
      }
      await cache.disconnect();
    }),
    { numRuns: 100 },
  );
});

test('while the base is told of zeroes, what was written over them counts once, whatever comes of it', async () => {
  for (const fails of [false, true]) {
    const { cache, base } = await openCache(24, STARVED, 4096);
    await cache.writeZeroes(0, 20);
    base.hold('writeZeroes', 'read');
    const flushed = cache.flush().catch(() => {});
    await base.called('writeZeroes');
    await cache.write(2, [filled(9, 1)]);
    await cache.discard(4, 2);
    const read = cache.read(20, [filled(4, 0)]);
    const shown = (cells: number) => {
      const { sectors } = cache.map(cells);
      return Object.fromEntries(
        CELL_STATES.map((state) => [state, [...sectors[state]]]).filter(([, counts]) =>
          (counts as number[]).some((count) => count !== 0),
        ),
      );
    };
    expect(shown(3)).toEqual({ zero: [4, 5, 4], dirty: [4, 3, 0], reading: [0, 0, 4] });
    if (fails) base.fail('writeZeroes', 'IO');
    base.release();
    await Promise.all([flushed, read]);
    base.heal();
    await cache.flush();
    await cache.disconnect();
  }
});
