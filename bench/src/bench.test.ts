import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Clock2QPlusPolicy, LruPolicy, WTinyLfuPolicy } from '@blockyard/cache/policies';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accessesOf, numbered } from './accesses.js';
import { minMisses } from './min.js';
import { policyMisses } from './replay.js';
import { medianOf, medianRatio, timeInRounds } from './rounds.js';
import { parseBtr1, parseCsv, readTrace } from './trace.js';

const keysOf = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 60 });

describe('MIN', () => {
  test('misses as often as the search for the farthest next use by hand', () => {
    fc.assert(
      fc.property(keysOf, fc.integer({ min: 1, max: 8 }), (keys, capacity) => {
        expect(minMisses(numbered(Float64Array.from(keys)), capacity)).toBe(minByHand(keys, capacity));
      }),
    );
  });

  test('no policy misses less', () => {
    fc.assert(
      fc.property(keysOf, fc.integer({ min: 1, max: 8 }), (keys, capacity) => {
        const accesses = numbered(Float64Array.from(keys));
        const least = minMisses(accesses, capacity);
        expect(policyMisses(accesses, new LruPolicy({ capacity, seed: 1 }))).toBeGreaterThanOrEqual(least);
        expect(policyMisses(accesses, new WTinyLfuPolicy({ capacity, seed: 1 }))).toBeGreaterThanOrEqual(least);
        expect(policyMisses(accesses, new Clock2QPlusPolicy({ capacity, seed: 1 }))).toBeGreaterThanOrEqual(least);
      }),
    );
  });
});

test('the replay of LRU misses as often as a list that moves what is used to its end', () => {
  fc.assert(
    fc.property(keysOf, fc.integer({ min: 1, max: 8 }), (keys, capacity) => {
      const accesses = numbered(Float64Array.from(keys));
      expect(policyMisses(accesses, new LruPolicy({ capacity, seed: 1 }))).toBe(lruByHand(keys, capacity));
    }),
  );
});

describe('traces', () => {
  test('BTR1 keeps positions beyond 32 bits, steps back and tells writes from reads', () => {
    const header = '{"format":"BTR1","name":"t","unit":512,"blockSize":4096,"records":3}\n';
    const records = [...leb(2 * 2 ** 40 * 2), ...leb(8), ...leb((2 * 7 + 1) * 2 + 1), ...leb(2), ...leb(0), ...leb(1)];
    const trace = parseBtr1(Uint8Array.from([...Buffer.from(header), ...records]), 'file');
    expect([...trace.offsets]).toEqual([2 ** 40 * 512, 2 ** 40 * 512, (2 ** 40 + 2) * 512]);
    expect([...trace.lengths]).toEqual([8 * 512, 2 * 512, 512]);
    expect([...trace.writes]).toEqual([0, 1, 0]);
  });

  test('a trace that ends within a record is refused', () => {
    const header = '{"format":"BTR1","name":"t","unit":512,"blockSize":4096,"records":1}\n';
    expect(() => parseBtr1(Buffer.from(header), 'file')).toThrow(/must not end/);
  });

  test('CSV has a line per request, with or without a heading', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blockyard-trace-'));
    const path = join(folder, 't.csv');
    await writeFile(path, 'offset,bytes,op\n4096,8192,R\n0,512,write\n');
    const trace = await readTrace(path);
    await rm(folder, { recursive: true });
    expect([...trace.offsets]).toEqual([4096, 0]);
    expect([...trace.writes]).toEqual([0, 1]);
    expect(() => parseCsv('1,x,R', 'bad')).toThrow(/must be "offset,bytes,op/);
  });

  test('a request touches each line that it overlaps once', () => {
    const trace = parseCsv('4095,2,R\n8192,4096,W\n', 't');
    expect([...accessesOf(trace, 4096).keys]).toEqual([0, 1, 2]);
  });
});

test('sides alternate, and the median of each is told', async () => {
  const order: string[] = [];
  const side = (name: string) => async () => {
    order.push(name);
    return 1;
  };
  expect(await timeInRounds([side('a'), side('b')], 2)).toHaveLength(2);
  expect(order.join('')).toBe('ababab');
  expect([medianOf([3, 1, 2]), medianOf([4, 1, 2, 3])]).toEqual([2, 2.5]);
});

test('a ratio is taken round by round', () => {
  // The second round was slow for both, the third for one of them.
  expect(medianRatio([30, 3, 32], [20, 2, 8])).toBe(1.5);
  expect(medianRatio([1], [])).toBeNaN();
});

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}

function minByHand(keys: readonly number[], capacity: number): number {
  const held = new Set<number>();
  let misses = 0;
  keys.forEach((key, now) => {
    if (held.has(key)) return;
    misses++;
    if (held.size === capacity) {
      const nextUse = (of: number) => {
        const next = keys.indexOf(of, now + 1);
        return next < 0 ? Number.POSITIVE_INFINITY : next;
      };
      held.delete([...held].reduce((a, b) => (nextUse(b) > nextUse(a) ? b : a)));
    }
    held.add(key);
  });
  return misses;
}

function lruByHand(keys: readonly number[], capacity: number): number {
  let held: number[] = [];
  let misses = 0;
  for (const key of keys) {
    if (!held.includes(key)) misses++;
    held = [...held.filter((other) => other !== key), key].slice(-capacity);
  }
  return misses;
}
