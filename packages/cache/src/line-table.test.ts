import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineTable } from './line-table.js';

const A = 1;
const B = 2;

/** Keys in sequence, with a stride that uses one slot in eight, and beyond 32 bits. */
const key = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 40 }).map((n) => n * 4096),
  fc.integer({ min: 0, max: 40 }).map((n) => n * 2 ** 32 + 7),
  fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1),
);

function listed(table: LineTable, list: number): number[] {
  const keys: number[] = [];
  for (let entry = table.tail(list); entry >= 0; entry = table.tail(list)) {
    keys.push(table.keyOf(entry));
    table.unlink(entry);
    table.push(entry, B);
  }
  return keys;
}

function filled(keys: readonly number[]): LineTable {
  const table = new LineTable(keys.length, 1);
  for (const each of keys) table.push(table.add(each), A);
  return table;
}

describe('keys', () => {
  test('are found as in a Map, whatever was added and removed before', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.tuple(fc.boolean(), key), { maxLength: 300 }), (seed, steps) => {
        const table = new LineTable(40, seed);
        const model = new Map<number, number>();
        for (const [adds, k] of steps) {
          const known = model.get(k);
          expect(table.find(k)).toBe(known ?? -1);
          if (adds && known === undefined && model.size < 40) model.set(k, table.add(k));
          if (!adds && known !== undefined) {
            table.remove(known);
            model.delete(k);
          }
        }
        for (const [k, entry] of model) {
          expect(table.find(k)).toBe(entry);
          expect(table.keyOf(entry)).toBe(k);
        }
        expect(new Set(model.values()).size).toBe(model.size);
      }),
    );
  });

  test('keep their entries when the table grows', () => {
    const table = new LineTable(10, 1);
    const entries = Array.from({ length: 10 }, (_, k) => table.add(k));
    expect(table.add(10)).toBe(-1);
    table.grow(1000);
    for (const [k, entry] of entries.entries()) expect(table.find(k)).toBe(entry);
    for (let k = 10; k < 1000; k++) expect(table.add(k)).toBeGreaterThan(0);
    expect(table.add(1000)).toBe(-1);
    expect(table.find(999)).toBeLessThan(table.entriesMax);
  });

  test('in no list are known all the same', () => {
    const table = new LineTable(2, 1);
    const entry = table.add(5);
    const seen: number[] = [];
    table.entries((_, k) => seen.push(k));
    expect(seen).toEqual([5]);
    table.remove(entry);
    table.entries(() => expect.unreachable());
  });
});

describe('lists', () => {
  test('keep their order and their length', () => {
    const table = filled([1, 2, 3, 4]);
    table.refresh(table.find(2));
    const last = table.find(4);
    table.unlink(last);
    table.append(last, A);
    expect(table.lengthOf(A)).toBe(4);
    expect(listed(table, A)).toEqual([4, 1, 3, 2]);
    expect(table.lengthOf(A)).toBe(0);
    expect(table.lengthOf(B)).toBe(4);
  });

  test('flags stay with an entry from list to list', () => {
    const table = filled([1]);
    const entry = table.find(1);
    table.set(entry, 16);
    table.unlink(entry);
    table.push(entry, B);
    expect(table.has(entry, 16)).toBe(true);
    expect(table.listOf(entry)).toBe(B);
    table.clear(entry, 16);
    expect(table.has(entry, 16)).toBe(false);
  });
});

describe('pins', () => {
  test('a pinned entry is passed over and then has its turn', () => {
    const table = filled([1, 2, 3]);
    const [one, two] = [table.find(1), table.find(2)];
    table.pin(one);
    table.pin(one);
    expect(table.unpinnedTail(A)).toBe(two);
    expect(table.lengthOf(A)).toBe(3);
    table.unpin(one);
    expect(table.unpinnedTail(A)).toBe(two);
    table.unpin(one);
    expect(table.unpinnedTail(A)).toBe(one);
  });

  test('nothing is found when all are pinned', () => {
    const table = filled([1, 2]);
    for (const k of [1, 2]) table.pin(table.find(k));
    expect(table.unpinnedTail(A)).toBe(-1);
    expect(table.lengthOf(A)).toBe(2);
  });

  test('an entry that was passed over can be refreshed and unlinked', () => {
    const table = filled([1, 2, 3]);
    const [one, two] = [table.find(1), table.find(2)];
    for (const entry of [one, two]) table.pin(entry);
    table.unpinnedTail(A);
    table.refresh(one);
    table.unlink(two);
    for (const entry of [one, two]) table.unpin(entry);
    expect(table.lengthOf(A)).toBe(2);
    expect(listed(table, A)).toEqual([3, 1]);
  });

  test('one unpin too many is told', () => {
    const table = filled([1]);
    expect(() => table.unpin(table.find(1))).toThrow('must be pinned');
  });
});
