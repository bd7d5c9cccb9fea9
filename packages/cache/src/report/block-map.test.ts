import { expect, test } from 'vitest';
import { bytesAt, filled, openCache } from '../testing/fixture.js';
import { type BlockMap, CELL_STATES, type CellState } from './block-map.js';

const LINE = { lineSize: 4096, maxSizeBytes: 1 << 20 };

/** The states that are not empty, by cell. */
function shown({ sectors }: BlockMap): Partial<Record<CellState, number[]>> {
  const entries = CELL_STATES.map((state) => [state, [...sectors[state]]] as const);
  return Object.fromEntries(entries.filter(([, counts]) => counts.some((count) => count > 0)));
}

test('cells are equal, the last one may be smaller, and there are never more than asked for', async () => {
  const { cache } = await openCache(1003, LINE);
  expect(cache.map(10)).toMatchObject({ cells: 10, cellSectors: 101 });
  expect(shown(cache.map(10)).absent).toEqual([...Array(9).fill(101), 94]);
  expect(cache.map(600)).toMatchObject({ cells: 502, cellSectors: 2 });
  expect(cache.map(5000)).toMatchObject({ cells: 1003, cellSectors: 1 });
  expect(cache.map(0)).toMatchObject({ cells: 1, cellSectors: 1003 });
  expect(() => cache.map(1.5)).toThrow('maxCells');
});

test('an empty device has no cells', async () => {
  const { cache } = await openCache(0, LINE);
  expect(cache.map(10)).toMatchObject({ cells: 0, cellSectors: 1 });
});

test('a line and a zero range that cross cells count in each by what lies in it', async () => {
  const { cache } = await openCache(64, LINE);
  await cache.write(3, [filled(5, 1)]);
  await cache.discard(20, 25);
  expect(shown(cache.map(13))).toEqual({
    dirty: [2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    zero: [0, 0, 0, 0, 5, 5, 5, 5, 5, 0, 0, 0, 0],
    absent: [3, 2, 5, 5, 0, 0, 0, 0, 0, 5, 5, 5, 4],
  });
});

test('the last line ends with the device', async () => {
  const { cache } = await openCache(61, LINE);
  await bytesAt(cache, 60, 1);
  expect(shown(cache.map(8))).toEqual({ clean: [0, 0, 0, 0, 0, 0, 0, 5], absent: [8, 8, 8, 8, 8, 8, 8, 0] });
});

test('what is on its way to the base is told from what waits, also where it was rewritten', async () => {
  const { cache, base } = await openCache(16, LINE);
  await bytesAt(cache, 0, 8);
  await cache.write(0, [filled(4, 1)]);
  base.hold('write');
  const flushed = cache.flush();
  await base.called('write');
  await cache.write(3, [filled(2, 2)]);
  expect(shown(cache.map(1))).toEqual({ writing: [3], dirty: [2], clean: [3], absent: [8] });
  base.release();
  await flushed;
  expect(shown(cache.map(1))).toEqual({ dirty: [2], clean: [6], absent: [8] });
});

test('what is read is told from what is read ahead', async () => {
  const { cache, base } = await openCache(32, LINE);
  base.hold('read');
  const read = bytesAt(cache, 2, 1);
  const prefetched = cache.prefetch(8, 16);
  await base.called('read', 2);
  // What is read counts as absent until it is there.
  expect(shown(cache.map(4))).toMatchObject({ reading: [8, 0, 0, 0], readingAhead: [0, 8, 8, 0] });
  base.release();
  await Promise.all([read, prefetched]);
  expect(shown(cache.map(4))).toEqual({ clean: [8, 8, 8, 0], absent: [0, 0, 0, 8] });
});

test('lines count by themselves, whatever their neighbours hold', async () => {
  const { cache } = await openCache(40, LINE);
  for (const line of [3, 2, 1, 0]) await cache.write(line * 8, [filled(line + 2, 1)]);
  expect(shown(cache.map(8))).toEqual({
    dirty: [2, 2, 1, 4, 1, 4, 0, 0],
    absent: [3, 3, 4, 1, 4, 1, 5, 5],
  });
});

test('a range is summed up as the same part of the whole is, whichever way its lines are found', async () => {
  const { cache } = await openCache(64, LINE);
  await bytesAt(cache, 16, 24);
  await cache.write(19, [filled(9, 1)]);
  await cache.discard(50, 6);
  const of = (start: number, count: number, maxCells: number) => lastOf(cache.mapSteps(start, count, maxCells)).map;
  expect(shown(of(0, 64, 13))).toEqual(shown(cache.map(13)));
  // Fewer lines than are in memory, and more.
  expect(of(18, 12, 4)).toMatchObject({ cells: 4, cellSectors: 3 });
  expect(shown(of(18, 12, 4))).toEqual({ clean: [1, 0, 0, 2], dirty: [2, 3, 3, 1] });
  expect(shown(of(18, 40, 4))).toEqual({
    clean: [1, 10, 2, 0],
    dirty: [9, 0, 0, 0],
    zero: [0, 0, 0, 6],
    absent: [0, 0, 8, 4],
  });
  // The last cell ends with the range.
  expect(shown(of(1, 14, 3))).toEqual({ absent: [5, 5, 4] });
  expect(of(64, 0, 4)).toMatchObject({ cells: 0 });
  expect(() => cache.mapSteps(60, 5, 4)).toThrow('ends past the device');
});

test('a dirty line whose memory is wanted is told from others, and from what is being written', async () => {
  const options = { lineSize: 4096, maxSizeBytes: 160_000, policy: 'lru', maxWriteConcurrency: 1 } as const;
  const { cache, base } = await openCache(3200, options, 4096);
  base.hold('write');
  const write = (line: number) => cache.write(line * 8 + 1, [filled(4, 1)]);
  for (const line of [0, 1, 2]) await write(line);
  for (let line = 100; cache.snapshot().parkedLines < 2; line++) await bytesAt(cache, line * 8, 8);
  await write(3);
  const { writing, parked, dirty } = cache.map(400).sectors;
  expect([writing, parked, dirty].map((counts) => [...counts.slice(0, 4)])).toEqual([
    [4, 0, 0, 0],
    [0, 4, 4, 0],
    [0, 0, 0, 4],
  ]);
  base.release();
  await cache.flush();
});

test('zeroes on their way to the base count but for what was written over them', async () => {
  const { cache, base } = await openCache(32, LINE);
  await cache.discard(2, 20);
  base.hold('discard');
  const flushed = cache.flush();
  await base.called('discard');
  await cache.write(4, [filled(2, 1)]);
  await cache.write(20, [filled(6, 1)]);
  expect(shown(cache.map(4))).toEqual({ zero: [4, 8, 4, 0], dirty: [2, 0, 4, 2], absent: [2, 0, 0, 6] });
  base.release();
  await flushed;
});

test('steps are short, however many lines are in memory', async () => {
  const { cache } = await openCache(10_000, { lineSize: 512, maxSizeBytes: 16 << 20 });
  await cache.write(0, [filled(5000, 1)]);
  const { map, steps } = lastOf(cache.mapSteps(0, 10_000, 2));
  expect(shown(map)).toEqual({ dirty: [5000, 0], absent: [0, 5000] });
  expect(steps).toBeGreaterThanOrEqual(4);
  expect(steps).toBeLessThan(50);
});

/** What a generator returns, and how often it stopped before. */
function lastOf(generator: Generator<undefined, BlockMap>): { readonly map: BlockMap; readonly steps: number } {
  for (let steps = 0; ; steps++) {
    const { done, value } = generator.next();
    if (done === true) return { map: value, steps };
  }
}
