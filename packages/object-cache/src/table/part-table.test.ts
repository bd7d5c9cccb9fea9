import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Ghosts } from './ghosts.js';
import { type Found, MAX_USES, PartTable } from './part-table.js';

const objectOf = (number: number) => ({
  word0: Math.imul(number + 1, 0x9e3779b1) >>> 0,
  word1: Math.imul(number + 7, 0x85ebca6b) >>> 0,
});

describe('The table of ranges', () => {
  test.each([1 << 17, 1 << 20])('takes 12 to 16 bytes for each of %i parts, at every number on the way', (parts) => {
    const table = new PartTable();
    let [least, most] = [Number.POSITIVE_INFINITY, 0];
    for (let i = 0; i < parts; i++) {
      const range = { part: i % 64, firstStep: 0, lastStep: 255, uses: 0 };
      table.add(objectOf(Math.floor(i / 64)), range, i + 1);
      if (i < parts / 2 || i % 1000 !== 0) continue;
      const each = table.memoryBytes / table.count;
      [least, most] = [Math.min(least, each), Math.max(most, each)];
    }
    expect(table.count).toBe(parts);
    // Ghosts take up to two bytes more for each part of the medium.
    expect(least).toBeGreaterThanOrEqual(12);
    expect(most).toBeLessThanOrEqual(14);
    for (let i = 0; i < parts; i += 997) {
      expect(table.find(objectOf(Math.floor(i / 64)), i % 64, 10, 20)).toMatchObject([{ unit: i + 1 }]);
    }
  });

  test('is like a list of what was added and not removed', () => {
    const range = fc.record({
      object: fc.nat({ max: 3 }),
      part: fc.nat({ max: 3 }),
      firstStep: fc.nat({ max: 255 }),
      steps: fc.nat({ max: 60 }),
    });
    const step = fc.oneof(
      { weight: 4, arbitrary: range.map((value) => ({ kind: 'add' as const, ...value })) },
      { weight: 2, arbitrary: fc.nat().map((index) => ({ kind: 'remove' as const, index })) },
      { weight: 3, arbitrary: range.map((value) => ({ kind: 'find' as const, ...value })) },
      { weight: 1, arbitrary: fc.nat({ max: 3 }).map((object) => ({ kind: 'forget' as const, object })) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const table = new PartTable();
        let model: (Found & { readonly object: number })[] = [];
        let units = 0;
        for (const each of steps) {
          if (each.kind === 'add') {
            const lastStep = Math.min(255, each.firstStep + each.steps);
            const added = { part: each.part, unit: ++units, firstStep: each.firstStep, lastStep };
            table.add(objectOf(each.object), { ...added, uses: 0 }, units);
            const hash = table.find(objectOf(each.object), each.part, 0, 255).find(({ unit }) => unit === units)?.hash;
            expect(hash).toBeDefined();
            model.push({ ...added, hash: hash ?? 0, object: each.object });
          } else if (each.kind === 'remove') {
            const removed = model[each.index % Math.max(1, model.length)];
            if (removed === undefined) continue;
            table.remove(removed.hash, removed.unit);
            model = model.filter((one) => one !== removed);
          } else if (each.kind === 'forget') {
            table.forget(objectOf(each.object));
            model = model.filter(({ object }) => object !== each.object);
          } else {
            const lastStep = Math.min(255, each.firstStep + each.steps);
            const found = table.find(objectOf(each.object), each.part, each.firstStep, lastStep);
            const expected = model.filter(
              (one) =>
                one.object === each.object &&
                one.part === each.part &&
                one.firstStep <= lastStep &&
                one.lastStep >= each.firstStep,
            );
            // A crowded block may have lost some; nothing else is found.
            const units = new Set(expected.map(({ unit }) => unit));
            expect(found.filter(({ unit }) => !units.has(unit))).toEqual([]);
            if (model.length <= 16) expect(found).toHaveLength(expected.length);
          }
        }
        if (model.length <= 16)
          expect(table.within(1, units + 1).map(({ unit }) => unit)).toEqual(model.map(({ unit }) => unit));
      }),
      { numRuns: 300 },
    );
  });

  test('keeps the latest ranges of a block that is crowded', () => {
    const table = new PartTable();
    for (let unit = 1; unit <= 100; unit++)
      table.add(objectOf(0), { part: 0, firstStep: 3, lastStep: 4, uses: 0 }, unit);
    const found = table.find(objectOf(0), 0, 0, 255);
    expect(found).toHaveLength(16);
    expect(found.some(({ unit }) => unit === 100)).toBe(true);
    expect(table.count).toBe(16);
  });

  test('counts uses up to a bound', () => {
    const table = new PartTable();
    table.add(objectOf(0), { part: 0, firstStep: 0, lastStep: 9, uses: 0 }, 9);
    const [{ hash } = { hash: 0 }] = table.find(objectOf(0), 0, 0, 255);
    for (let i = 0; i < 10; i++) table.touch(hash, 9);
    expect(table.usesOf(hash, 9)).toBe(MAX_USES);
  });
});

describe('Ghosts', () => {
  test('know what was asked for before, and forget what was asked for long ago', () => {
    const ghosts = new Ghosts(new Uint16Array(1024));
    const hash = (i: number) => Math.imul(i + 1, 0x9e3779b1) >>> 0;
    expect(ghosts.note(hash(0))).toBe(false);
    expect(ghosts.note(hash(0))).toBe(true);
    for (let i = 1; i < 10_000; i++) ghosts.note(hash(i));
    expect(ghosts.note(hash(0))).toBe(false);
  });

  test('take few ranges for others', () => {
    const ghosts = new Ghosts(new Uint16Array(65_536));
    let wrong = 0;
    for (let i = 0; i < 200_000; i++) if (ghosts.note(Math.imul(i ^ (i << 7), 0x85ebca6b) >>> 0)) wrong++;
    expect(wrong).toBeLessThan(200_000 / 2000);
  });
});
