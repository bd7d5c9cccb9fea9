import { expect, test } from 'vitest';
import { CountTable, FlagTable, LinkTable, NumberTable } from './tables.js';

test('what is in a table stays when it grows, and what is new is empty', () => {
  const links = new LinkTable<number, number>(2);
  const numbers = new NumberTable<number>(2);
  const counts = new CountTable<number>(2);
  const flags = new FlagTable<number>(2);
  links.set(1, 7);
  numbers.set(1, 2 ** 40 + 0.5);
  counts.increment(1);
  flags.add(1);
  for (const table of [links, numbers, counts, flags]) table.grow(4);
  expect([0, 1, 2, 3].map((place) => links.get(place))).toEqual([-1, 7, -1, -1]);
  expect([0, 1, 2, 3].map((place) => numbers.get(place))).toEqual([0, 2 ** 40 + 0.5, 0, 0]);
  expect([0, 1, 2, 3].map((place) => counts.get(place))).toEqual([0, 1, 0, 0]);
  expect([0, 1, 2, 3].map((place) => flags.has(place))).toEqual([false, true, false, false]);
  flags.remove(1);
  expect(flags.has(1)).toBe(false);
  expect(links.length).toBe(4);
});

test('a table takes the bytes that it says', () => {
  expect(new LinkTable(5).byteLength).toBe(5 * LinkTable.bytesPerPlace);
  expect(new NumberTable(5).byteLength).toBe(5 * NumberTable.bytesPerPlace);
  expect(new CountTable(5).byteLength).toBe(5 * CountTable.bytesPerPlace);
  expect(new FlagTable(5).byteLength).toBe(5 * FlagTable.bytesPerPlace);
});

test('a count neither overflows its eight bits nor falls below zero', () => {
  const counts = new CountTable<number>(3);
  expect(() => counts.decrement(1)).toThrow('must not fall below zero');
  for (let i = 0; i < 255; i++) counts.increment(1);
  expect(() => counts.increment(1)).toThrow('must fit its eight bits');
  expect([0, 1, 2].map((place) => counts.get(place))).toEqual([0, 255, 0]);
  counts.decrement(1);
  expect(counts.get(1)).toBe(254);
});
