import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Sector } from '../tables/numbers.js';
import { smallLines } from '../testing/small-lines.js';
import { forEachValid, residentIn } from './resident.js';

const LINE_SECTORS = 8;

test('the lines that a range touches are found, whether the range has fewer lines or the memory has', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(20), { maxLength: 8 }), fc.nat(170), fc.nat(170), (resident, a, b) => {
      const { geometry, real, lines } = smallLines({ lineSectors: LINE_SECTORS, slots: 9 });
      for (const line of resident) lines.admit(line, false);
      const [start, end] = [Math.min(a, b), Math.max(a, b) + 1];
      const touches = (line: number) => line * LINE_SECTORS < end && (line + 1) * LINE_SECTORS > start;
      const found = residentIn(real.lines, geometry, start as Sector, end as Sector);
      expect(new Set(found.map(({ line }) => line))).toEqual(new Set(resident.filter(touches)));
      for (const { entry, line } of found) expect(lines.find(line)).toBe(entry);
    }),
  );
});

test('of a range the runs that are in memory are told, as far as they lie in it', () => {
  const { geometry, real, lines } = smallLines({ lineSectors: LINE_SECTORS });
  const hold = (line: number, from: number, to: number) => lines.valid.set(lines.admit(line, false), from, to);
  hold(0, 0, 4);
  lines.valid.set(lines.find(0), 6, 8);
  hold(1, 0, 8);
  hold(3, 2, 3);
  const runs: number[][] = [];
  forEachValid(real.lines, geometry, 2 as Sector, 12 as Sector, (start, end) => runs.push([start, end]));
  expect(runs).toEqual([
    [2, 4],
    [6, 8],
    [8, 12],
  ]);
});
