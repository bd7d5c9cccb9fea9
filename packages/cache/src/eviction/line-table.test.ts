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

test('of many keys, and of many that are not there, each is told from all others', () => {
  const keys = 60_000;
  const table = new LineTable(keys, 1);
  for (let k = 0; k < keys; k++) table.add(k);
  // Some of them meet a slot with the same piece of the hash.
  let found = 0;
  for (let k = 0; k < 400_000; k++) if (table.find(keys + 5 * k) !== -1) found++;
  expect(found).toBe(0);
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
  test('a pinned entry is passed over and then chosen in its place', () => {
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

  test('an entry that was passed over has no place again before its last pin goes', () => {
    const table = filled([1, 2, 3]);
    const [one, two] = [table.find(1), table.find(2)];
    for (const entry of [one, one, two]) table.pin(entry);
    table.unpinnedTail(A);
    for (const entry of [one, two, one]) table.unpin(entry);
    expect(listed(table, A)).toEqual([1, 2, 3]);
  });

  test('one unpin too many is told', () => {
    const table = filled([1]);
    expect(() => table.unpin(table.find(1))).toThrow('must be pinned');
  });
});

describe('memory', () => {
  const HEADS = 8;

  test('is a record of 32 bytes an entry, and a table of four bytes a slot at a load of at most one half', () => {
    for (const [entries, slots] of [
      [1, 32],
      [8, 32],
      [9, 64],
      [120, 256],
      [121, 512],
    ] as const) {
      const table = new LineTable(entries, 1);
      expect([table.entriesMax, table.byteLength]).toEqual([
        entries + HEADS,
        (entries + HEADS) * 32 + slots * 4 + HEADS * 4,
      ]);
    }
  });

  test('never shrinks, and has a limit', () => {
    const table = new LineTable(100, 1);
    const { byteLength, entriesMax } = table;
    table.grow(5);
    table.grow(100);
    expect([table.byteLength, table.entriesMax]).toEqual([byteLength, entriesMax]);
    expect(() => table.grow(2 ** 26)).toThrow('above the limit');
    expect(() => new LineTable(2 ** 26 - HEADS + 1, 1)).toThrow(RangeError);
  });

  test('of entries that were removed is used again, the last first', () => {
    const table = new LineTable(3, 1);
    const [one, two, three] = [1, 2, 3].map((k) => table.add(k)) as [number, number, number];
    expect([one, two, three]).toEqual([HEADS, HEADS + 1, HEADS + 2]);
    table.remove(one);
    table.remove(three);
    expect([table.add(4), table.add(5), table.add(6)]).toEqual([three, one, -1]);
    expect([1, 2, 3, 4, 5].map((k) => table.find(k))).toEqual([-1, two, -1, three, one]);
    const seen: number[] = [];
    table.remove(two);
    table.entries((entry) => seen.push(entry));
    expect(seen).toEqual([one, three]);
  });

  test('keeps lists, pins and stamps when it grows', () => {
    const table = filled([1, 2, 3]);
    const two = table.find(2);
    table.setStamp(two, -7);
    table.pin(two);
    table.grow(500);
    expect([table.stampOf(two), table.pinsOf(two), table.lengthOf(A)]).toEqual([-7, 1, 3]);
    expect(listed(table, A)).toEqual([1, 2, 3]);
  });
});

describe('hashes', () => {
  test.each([8, 4096, 2 ** 20, 2 ** 32, 2 ** 40])('of keys %i apart are spread over the groups of slots', (stride) => {
    const table = new LineTable(512, 5);
    const hashes = Array.from({ length: 512 }, (_, i) => table.hashOf(table.add(i * stride)));
    // By chance alone 63 % would be taken.
    expect(new Set(hashes.map((hash) => (hash >>> 3) & 511)).size).toBeGreaterThan(512 * 0.57);
    expect(new Set(hashes.map((hash) => (hash >>> 12) & 511)).size).toBeGreaterThan(512 * 0.57);
  });

  test('of eight neighbours are eight neighbouring slots, and tell them apart in their high bits', () => {
    const table = new LineTable(64, 5);
    for (let group = 0; group < 8; group++) {
      const hashes = Array.from({ length: 8 }, (_, i) => table.hashOf(table.add(group * 8 + i)));
      expect(hashes.map((hash) => hash & 7)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(new Set(hashes.map((hash) => (hash >>> 3) & 0x3ffffff)).size).toBe(1);
      expect(new Set(hashes.map((hash) => hash >>> 29)).size).toBe(8);
    }
  });

  test('depend on the seed, and on both halves of the key', () => {
    const hash = (k: number, seed: number) => {
      const table = new LineTable(1, seed);
      return table.hashOf(table.add(k));
    };
    const all = [hash(0, 1), hash(0, 2), hash(8, 1), hash(2 ** 32, 1), hash(2 ** 33, 1), hash(2 ** 32, 2)];
    expect(new Set(all).size).toBe(all.length);
    expect(hash(2 ** 40 + 5, 7)).toBe(hash(2 ** 40 + 5, 7));
  });
});

describe('an entry that is passed over', () => {
  test('and refreshed is the first of its list, and not linked twice when its pin goes', () => {
    const table = filled([1, 2, 3]);
    const one = table.find(1);
    table.pin(one);
    table.unpinnedTail(A);
    table.refresh(one);
    table.unpin(one);
    expect(listed(table, A)).toEqual([2, 3, 1]);
  });

  test('keeps its list and its flags', () => {
    const table = filled([1, 2]);
    const one = table.find(1);
    table.set(one, 32);
    table.pin(one);
    table.unpinnedTail(A);
    expect([table.listOf(one), table.has(one, 32), table.lengthOf(A)]).toEqual([A, true, 2]);
    table.unpin(one);
    expect([table.listOf(one), table.has(one, 32), table.tail(A)]).toEqual([A, true, one]);
  });

  test('is not the tail of its list meanwhile', () => {
    const table = filled([1, 2]);
    table.pin(table.find(1));
    expect(table.tail(A)).toBe(table.find(1));
    table.unpinnedTail(A);
    expect(table.tail(A)).toBe(table.find(2));
    expect([table.tail(B), table.unpinnedTail(B)]).toEqual([-1, -1]);
  });
});

test('the first of a list that is refreshed stays the first', () => {
  const table = filled([1, 2, 3]);
  table.refresh(table.find(3));
  table.refresh(table.find(1));
  expect(listed(table, A)).toEqual([2, 3, 1]);
});

test('every list is one, the last too', () => {
  const last = 7;
  const table = new LineTable(3, 1);
  for (const k of [1, 2, 3]) table.push(table.add(k), last);
  expect([table.lengthOf(last), table.keyOf(table.tail(last))]).toEqual([3, 1]);
});

test('what was removed is not there when the table has grown', () => {
  const table = new LineTable(10, 1);
  for (let k = 0; k < 10; k++) table.add(k);
  for (const k of [2, 9]) table.remove(table.find(k));
  table.grow(500);
  expect(Array.from({ length: 10 }, (_, k) => table.find(k) >= 0)).toEqual(
    Array.from({ length: 10 }, (_, k) => k !== 2 && k !== 9),
  );
});

test('a key for which there is no entry leaves no trace', () => {
  const table = new LineTable(8, 1);
  for (let k = 0; k < 8; k++) table.add(k);
  for (let k = 100; k < 200; k++) expect(table.add(k)).toBe(-1);
  expect(table.find(5000)).toBe(-1);
  expect(Array.from({ length: 8 }, (_, k) => table.keyOf(table.find(k)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
