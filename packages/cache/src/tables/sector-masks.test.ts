import { expect, test } from 'vitest';
import { plain } from '../testing/plain.js';
import { SectorMasks } from './sector-masks.js';

/** Numbers of the sectors of a line that are set. */
function sectorsOf(masks: ReturnType<typeof plain<SectorMasks>>, entry: number): number[] {
  const found: number[] = [];
  for (let sector = 0; sector < masks.sectorsPerLine; sector++)
    if (masks.covers(entry, sector, sector + 1)) found.push(sector);
  return found;
}

test.each([
  { sectorsPerLine: 1, words: 1 },
  { sectorsPerLine: 32, words: 1 },
  { sectorsPerLine: 33, words: 2 },
  { sectorsPerLine: 128, words: 4 },
])('a line of $sectorsPerLine sectors takes $words words', ({ sectorsPerLine, words }) => {
  const masks = plain(new SectorMasks(5, sectorsPerLine));
  expect(masks.wordsPerLine).toBe(words);
  expect(masks.byteLength).toBe(5 * words * 4);
  expect(SectorMasks.bytesPerLine(sectorsPerLine)).toBe(words * 4);
});

test('each line has its own sectors', () => {
  const masks = plain(new SectorMasks(3, 40));
  masks.set(1, 30, 36);
  expect([0, 1, 2].map((entry) => sectorsOf(masks, entry))).toEqual([[], [30, 31, 32, 33, 34, 35], []]);
  expect([0, 1, 2].map((entry) => masks.any(entry))).toEqual([false, true, false]);
  masks.clear(1, 31, 35);
  expect(sectorsOf(masks, 1)).toEqual([30, 35]);
  expect([masks.count(1, 0, 40), masks.count(1, 31, 35), masks.count(1, 31, 36)]).toEqual([2, 0, 1]);
  expect([masks.nextSet(1, 31, 40), masks.nextClear(1, 30, 40), masks.nextSet(1, 36, 40)]).toEqual([35, 31, 40]);
});

test('a sector of the second word alone is one', () => {
  const masks = plain(new SectorMasks(2, 64));
  masks.set(0, 63, 64);
  expect([masks.any(0), masks.any(1)]).toEqual([true, false]);
});

test('a line is cleared without its neighbours', () => {
  const masks = plain(new SectorMasks(3, 40));
  for (const entry of [0, 1, 2]) masks.set(entry, 0, 40);
  masks.clearAll(1);
  expect([0, 1, 2].map((entry) => masks.count(entry, 0, 40))).toEqual([40, 0, 40]);
});

test('a copy is what was', () => {
  const masks = plain(new SectorMasks(3, 40));
  masks.set(1, 2, 4);
  masks.set(1, 34, 39);
  const copy = masks.copyOf(1);
  expect(copy).toHaveLength(2);
  masks.clearAll(1);
  expect([sectorsOf(masks, 1), [...copy]]).toEqual([[], [0b1100, 0b1111100]]);
});

test('what is there stays when there are more lines', () => {
  const masks = plain(new SectorMasks(4, 40));
  for (const entry of [0, 1, 2, 3]) masks.set(entry, entry, entry + 1);
  masks.grow(8);
  expect([0, 1, 2, 3, 4, 7].map((entry) => sectorsOf(masks, entry))).toEqual([[0], [1], [2], [3], [], []]);
  expect(masks.byteLength).toBe(64);
});

test('sectors outside of a line are refused', () => {
  const masks = plain(new SectorMasks(2, 40));
  for (const [from, to] of [
    [-1, 2],
    [0, 41],
    [-1, 41],
  ] as const) {
    expect(() => masks.set(0, from, to)).toThrow('sectors that change must lie in their line');
    expect(() => masks.clear(0, from, to)).toThrow('sectors that change must lie in their line');
  }
  masks.set(0, 0, 40);
  masks.clear(0, 0, 40);
  expect([masks.any(0), masks.any(1)]).toEqual([false, false]);
});
