import { expect, test } from 'vitest';
import { smallLines } from '../testing/small-lines.js';
import { Sweep } from './sweep.js';

function sweepOf() {
  const { epochs, real, lines, dirtyLines } = smallLines({ lineSectors: 1, slots: 17 });
  const sweep = new Sweep(real.lines, real.dirtyLines);
  const dirty = (line: number) => {
    const found = lines.find(line);
    dirtyLines.add(found >= 0 ? found : lines.admit(line, false), 0);
  };
  /** The next line, which is taken for writing. */
  const next = (epoch: number) => {
    const entry = sweep.next(epoch);
    if (entry < 0) return -1;
    dirtyLines.take(entry);
    return lines.lineOf(entry);
  };
  return { epochs, dirtyLines, lines, sweep, dirty, next };
}

test('lines go in ascending order, whatever the order in which they became dirty', () => {
  const { sweep, dirty, next } = sweepOf();
  for (const line of [10, 9, 100, 2]) dirty(line);
  sweep.want();
  expect(Array.from({ length: 5 }, () => next(0))).toEqual([2, 9, 10, 100, -1]);
});

test('what is newer than the epoch is not found, until a round for a later one is wanted', () => {
  const { epochs, sweep, dirty, next } = sweepOf();
  dirty(1);
  epochs.close();
  dirty(2);
  expect([next(0), next(0)]).toEqual([1, -1]);
  expect(next(1)).toBe(-1);
  sweep.want();
  expect(next(1)).toBe(2);
});

test('what has been passed over is not found again before a round is wanted', () => {
  const { dirtyLines, lines, sweep, dirty } = sweepOf();
  dirty(1);
  expect([sweep.next(0), sweep.next(0)]).toEqual([lines.find(1), -1]);
  expect(dirtyLines.has(lines.find(1))).toBe(true);
  sweep.want();
  expect(sweep.next(0)).toBe(lines.find(1));
});

test('data that take the place of older ones are found in the epoch of those, whether a round is wanted or not', () => {
  const { epochs, dirtyLines, lines, sweep, dirty, next } = sweepOf();
  dirty(1);
  epochs.close();
  expect([next(0), next(0)]).toEqual([1, -1]);
  const entry = lines.admit(5, false);
  dirtyLines.add(entry, 0, 0);
  expect([next(0), next(0)]).toEqual([5, -1]);
  dirtyLines.putBack(entry, 0, 0);
  expect([next(0), next(0)]).toEqual([5, -1]);
  dirtyLines.addCounted(entry, 0, 0);
  expect([next(0), next(0)]).toEqual([5, -1]);
  dirty(6);
  expect(next(0)).toBe(-1);
  dirtyLines.add(lines.find(6), 0, 0);
  expect(sweep.next(0)).toBe(lines.find(6));
});

test('what becomes dirty on the way is of the next round, and what no longer waits is passed over', () => {
  const { dirtyLines, lines, sweep, dirty, next } = sweepOf();
  for (const line of [3, 5, 7]) dirty(line);
  sweep.want();
  expect(next(0)).toBe(3);
  dirty(1);
  dirty(3);
  dirtyLines.take(lines.find(5));
  expect([next(0), next(0), next(0), next(0)]).toEqual([7, 1, 3, -1]);
});

test('a line that has left is passed over', () => {
  const { dirtyLines, lines, sweep, dirty, next } = sweepOf();
  for (const line of [3, 5]) dirty(line);
  sweep.want();
  expect(next(0)).toBe(3);
  dirtyLines.discard(lines.find(5));
  lines.drop(lines.find(5), false);
  expect(next(0)).toBe(-1);
});

test('a round that was given up is not gone on with', () => {
  const { sweep, dirty, next } = sweepOf();
  for (const line of [3, 5, 7]) dirty(line);
  sweep.want();
  expect(next(0)).toBe(3);
  sweep.stop();
  expect(next(0)).toBe(-1);
  dirty(4);
  sweep.want();
  expect([next(0), next(0), next(0)]).toEqual([4, 5, 7]);
});

test('the end of a round is no line', () => {
  const { epochs, sweep, dirty, next } = sweepOf();
  dirty(3);
  epochs.close();
  dirty(0);
  sweep.want();
  expect([next(0), next(0)]).toEqual([3, -1]);
});
