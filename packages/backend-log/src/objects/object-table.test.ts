import { expect, test } from 'vitest';
import type { DataRow } from '../format/rows.js';
import { DataObjects } from './object-table.js';

const SLOTS = 640;
const rowOf = (object: number, live: number, base = 0): DataRow => ({
  object,
  epoch: 1,
  base,
  sizeBytes: 1000,
  slots: SLOTS,
  live,
  born: 1,
  dead: 0,
});
const emptiest = (objects: DataObjects) => [...objects.emptiest()].map(({ object }) => object);

test('Objects are found by how little of them is in use, as that changes, and those of bases never', () => {
  const objects = new DataObjects(0);
  for (const [object, live] of [500, 20, 0, 640, 300].entries()) objects.add(rowOf(object + 1, live));
  objects.add(rowOf(9, 1, 1));
  objects.gained(9, 5);
  expect(emptiest(objects)).toEqual([2, 5, 1]);
  objects.dropped(1, 495);
  objects.gained(2, 620);
  objects.gained(3, 100);
  objects.dropped(4, 1);
  objects.dropped(5, 300);
  expect(emptiest(objects)).toEqual([1, 3, 4]);
  objects.remove(1);
  expect(emptiest(objects)).toEqual([3, 4]);
});

test('The sums are those of the rows after any changes', () => {
  const objects = new DataObjects(1000);
  for (let object = 1; object <= 20; object++) objects.add(rowOf(object, 0));
  let seed = 1;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  for (let step = 0; step < 2000; step++) {
    const row = objects.existing(1 + below(20));
    if (below(2) === 0) objects.gained(row.object, below(SLOTS - row.live + 1));
    else objects.dropped(row.object, below(3) === 0 ? row.live : below(row.live + 1));
  }
  objects.remove(7);
  const rows = [...objects];
  const live = rows.reduce((sum, row) => sum + row.live, 0);
  const inUse = rows.filter((row) => row.live > 0);
  expect(objects.live).toBe(live);
  expect(objects.aliveShare).toBe(live / (inUse.length * 1000));
  expect(emptiest(objects).sort((a, b) => a - b)).toEqual(inUse.map(({ object }) => object).sort((a, b) => a - b));
});
