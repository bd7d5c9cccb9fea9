import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LEAF_BYTES, LEAF_INTERVALS_MAX } from './interval-leaf.js';
import { type Interval, IntervalSet } from './interval-set.js';

/** The same set as one flag per integer. */
class Model {
  readonly flags: boolean[];

  constructor(size: number) {
    this.flags = new Array(size).fill(false);
  }

  set(start: number, end: number, inside: boolean): void {
    this.flags.fill(inside, start, end);
  }

  intervals(): Interval[] {
    const intervals: Interval[] = [];
    for (let at = 0; at < this.flags.length; at++) {
      if (!this.flags[at]) continue;
      const start = at;
      while (this.flags[at]) at++;
      intervals.push({ start, end: at });
    }
    return intervals;
  }
}

interface Change {
  readonly inside: boolean;
  readonly range: readonly [number, number];
}

const WIDTH = 4096;
/** Mostly small steps, so that thousands of intervals arise, and now and then a sweep over many leaves. */
const rangeIn = (lengthMax: number) =>
  fc
    .tuple(fc.nat(WIDTH), fc.nat(lengthMax))
    .map(([start, length]): [number, number] => [start, Math.min(start + length, WIDTH)]);
const range = fc.oneof({ weight: 40, arbitrary: rangeIn(3) }, { weight: 1, arbitrary: rangeIn(WIDTH) });
const change: fc.Arbitrary<Change> = fc.record({ inside: fc.boolean(), range });

/** Every second integer, so that there are as many intervals as can be. */
function comb(count: number): IntervalSet {
  const set = new IntervalSet();
  for (let i = 0; i < count; i++) set.add(2 * i, 2 * i + 1);
  return set;
}

function expectSame(set: IntervalSet, model: Model): void {
  const intervals = model.intervals();
  expect([...set]).toEqual(intervals);
  expect(set.size).toBe(intervals.length);
  expect(set.totalLength).toBe(model.flags.filter(Boolean).length);
  expect(set.first()).toEqual(intervals[0]);
}

describe('IntervalSet', () => {
  test('holds what a plain array of flags holds, whatever is added and removed', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(change, { maxLength: 300 }), (filled, changes) => {
        // A set with several leaves to begin with, or an empty one.
        const set = filled ? comb(WIDTH / 2) : new IntervalSet();
        const model = new Model(WIDTH);
        if (filled) for (let i = 0; i < WIDTH; i += 2) model.set(i, i + 1, true);
        for (const { inside, range } of changes) {
          if (inside) set.add(...range);
          else set.remove(...range);
          model.set(...range, inside);
        }
        expectSame(set, model);
      }),
      { numRuns: 100 },
    );
  });

  test('answers every question as the plain array does', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), fc.array(range, { maxLength: 30 }), (changes, questions) => {
        const set = new IntervalSet();
        const model = new Model(WIDTH);
        for (const { inside, range } of changes) {
          if (inside) set.add(...range);
          else set.remove(...range);
          model.set(...range, inside);
        }
        for (const [start, end] of questions) {
          const flags = model.flags.slice(start, end);
          expect(set.has(start)).toBe(model.flags[start] ?? false);
          expect(set.covers(start, end)).toBe(flags.every(Boolean));
          expect(set.intersects(start, end)).toBe(flags.some(Boolean));
          expect([...set.from(start)]).toEqual(model.intervals().filter((interval) => interval.end > start));
          const seen: boolean[] = [];
          let last: boolean | undefined;
          for (const run of set.runs(start, end)) {
            expect(run.start).toBe(start + seen.length);
            expect(run.end).toBeGreaterThan(run.start);
            expect(run.inside).not.toBe(last);
            last = run.inside;
            for (let at = run.start; at < run.end; at++) seen.push(run.inside);
          }
          expect(seen).toEqual(flags);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('joins intervals that touch, and those that a new one bridges', () => {
    const set = new IntervalSet();
    set.add(0, 10);
    set.add(20, 30);
    expect(set.size).toBe(2);
    set.add(10, 20);
    expect([...set]).toEqual([{ start: 0, end: 30 }]);
  });

  test('has what lies between two ends, and not what lies beside them', () => {
    const set = new IntervalSet();
    set.add(10, 20);
    const ranges = [
      [10, 20],
      [10, 11],
      [19, 20],
      [9, 20],
      [10, 21],
      [9, 10],
      [20, 21],
    ] as const;
    expect(ranges.map(([start, end]) => set.covers(start, end))).toEqual([true, true, true, ...Array(4).fill(false)]);
    expect(ranges.map(([start, end]) => set.intersects(start, end))).toEqual([...Array(5).fill(true), false, false]);
    const runsOf = (start: number, end: number) =>
      [...set.runs(start, end)].map((run) => [run.start, run.end, run.inside]);
    expect(runsOf(5, 10)).toEqual([[5, 10, false]]);
    expect(runsOf(20, 25)).toEqual([[20, 25, false]]);
    expect(runsOf(10, 20)).toEqual([[10, 20, true]]);
    expect(runsOf(9, 21)).toEqual([
      [9, 10, false],
      [10, 20, true],
      [20, 21, false],
    ]);
  });

  test('is unchanged by empty ranges', () => {
    const set = new IntervalSet();
    set.add(5, 5);
    set.remove(5, 5);
    expect(set.size).toBe(0);
    expect(set.byteLength).toBe(0);
    expect(set.covers(5, 5)).toBe(true);
    expect(set.intersects(5, 5)).toBe(false);
    expect([...set.runs(5, 5)]).toEqual([]);
    set.add(4, 6);
    expect([...set.runs(5, 5)]).toEqual([]);
    set.clear();
    expect(set.first()).toBeUndefined();
  });

  test('works up to the largest safe integer', () => {
    const top = Number.MAX_SAFE_INTEGER;
    const set = new IntervalSet();
    set.add(0, top);
    expect(set.totalLength).toBe(top);
    set.remove(top - 1, top);
    expect(set.has(top - 1)).toBe(false);
    expect(set.has(top - 2)).toBe(true);
    set.add(top - 1, top);
    expect([...set]).toEqual([{ start: 0, end: top }]);
    expect([...set.runs(top - 1, top)]).toEqual([{ start: top - 1, end: top, inside: true }]);
  });

  test.each([
    [-1, 0],
    [2, 1],
    [0.5, 1],
    [0, Number.NaN],
    [0, 2 ** 53],
  ])('refuses [%d, %d), which is no range of safe integers', (start, end) => {
    const set = new IntervalSet();
    expect(() => set.add(start, end)).toThrow(RangeError);
    expect(() => set.remove(start, end)).toThrow(RangeError);
    expect(() => set.covers(start, end)).toThrow(RangeError);
    expect(() => set.intersects(start, end)).toThrow(RangeError);
    expect(() => [...set.runs(start, end)]).toThrow(RangeError);
    expect(() => set.has(-1)).toThrow(RangeError);
    expect(set.size).toBe(0);
  });

  test('truncates in the middle of an interval, and at and past the end', () => {
    const set = comb(1000);
    set.add(500, 510);
    set.truncate(505);
    expect([...set].at(-1)).toEqual({ start: 500, end: 505 });
    set.truncate(505);
    set.truncate(Number.MAX_SAFE_INTEGER);
    expect([...set].at(-1)).toEqual({ start: 500, end: 505 });
    set.truncate(0);
    expect(set.size).toBe(0);
    expect(set.totalLength).toBe(0);
  });

  test('can be changed while it is iterated, and gives nothing twice', () => {
    const set = comb(1000);
    const seen: Interval[] = [];
    for (const interval of set) {
      seen.push(interval);
      if (interval.start === 4) set.add(4, 9);
      if (interval.start === 10) set.remove(0, 1990);
    }
    expect(seen).toEqual([
      { start: 0, end: 1 },
      { start: 2, end: 3 },
      { start: 4, end: 5 },
      { start: 5, end: 9 },
      { start: 10, end: 11 },
      { start: 1990, end: 1991 },
      { start: 1992, end: 1993 },
      { start: 1994, end: 1995 },
      { start: 1996, end: 1997 },
      { start: 1998, end: 1999 },
    ]);
  });

  test('can be emptied while it is iterated', () => {
    const set = comb(3);
    const seen: number[] = [];
    for (const { start } of set) {
      seen.push(start);
      set.clear();
    }
    expect(seen).toEqual([0]);
  });

  test('gives memory back as it shrinks', () => {
    const set = comb(20_000);
    const full = set.byteLength;
    expect(full).toBeLessThan((20_000 / LEAF_INTERVALS_MAX + 2) * LEAF_BYTES);
    // Leaves one interval in a hundred.
    for (let i = 0; i < 20_000; i++) if (i % 100 !== 0) set.remove(2 * i, 2 * i + 1);
    expect(set.size).toBe(200);
    expect(set.byteLength).toBeLessThan(full / 10);
    set.clear();
    expect(set.byteLength).toBe(0);
  });

  test('fills its leaves well when intervals come in random order', () => {
    const count = 50_000;
    const set = new IntervalSet();
    // A step that is coprime to the count visits every place once, far apart.
    for (let i = 0; i < count; i++) {
      const at = 2 * ((i * 30_011) % count);
      set.add(at, at + 1);
    }
    expect(set.size).toBe(count);
    expect(set.byteLength).toBeLessThan((count / LEAF_INTERVALS_MAX) * LEAF_BYTES * 2);
  });
});
