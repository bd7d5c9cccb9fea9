import { expect, test } from 'vitest';
import type { Sector } from '../tables/numbers.js';
import { plain } from '../testing/plain.js';
import { Epochs } from './epochs.js';
import { ZeroRanges } from './zero-ranges.js';

function zeroRanges() {
  const epochs = new Epochs();
  return { epochs, zeroes: plain(new ZeroRanges(epochs)) };
}

function runsOf(zeroes: ReturnType<typeof zeroRanges>['zeroes'], start = 0, end = 1000): (readonly [number, number])[] {
  const runs: (readonly [number, number])[] = [];
  zeroes.forEachZero(start, end, (from, to) => runs.push([from, to]));
  return runs;
}

const sector = (number: number) => number as Sector;
const never = () => false;
const nothing = () => {};

test('ranges read as zeroes until they are written', () => {
  const { epochs, zeroes } = zeroRanges();
  expect([zeroes.isEmpty, zeroes.covers(0, 0), zeroes.covers(5, 6)]).toEqual([true, false, false]);
  zeroes.add('discard', 10, 20, 1);
  zeroes.add('writeZeroes', 20, 30, 2);
  expect([zeroes.isEmpty, zeroes.pendingCount, zeroes.inFlightCount]).toEqual([false, 2, 0]);
  expect(runsOf(zeroes)).toEqual([[10, 30]]);
  expect(runsOf(zeroes, 15, 25)).toEqual([[15, 25]]);
  expect([zeroes.covers(10, 20), zeroes.covers(20, 30), zeroes.covers(12, 28)]).toEqual([true, true, true]);
  expect([zeroes.covers(9, 20), zeroes.covers(20, 31), zeroes.covers(10, 31)]).toEqual([false, false, false]);
  zeroes.remove(12, 14);
  zeroes.remove(25, 26);
  expect(runsOf(zeroes)).toEqual([
    [10, 12],
    [14, 25],
    [26, 30],
  ]);
  expect([zeroes.pendingCount, epochs.oldest]).toEqual([4, 0]);
  zeroes.remove(0, 1000);
  expect([zeroes.isEmpty, epochs.oldest]).toEqual([true, Number.POSITIVE_INFINITY]);
  zeroes.remove(0, 1000);
});

test('the later kind of a sector is the one that the base is told', () => {
  const { zeroes } = zeroRanges();
  zeroes.add('discard', 10, 20, 0);
  zeroes.add('writeZeroes', 15, 25, 0);
  expect(zeroes.take(never)).toMatchObject({ kind: 'discard', start: 10, end: 15 });
  expect(zeroes.take(never)).toMatchObject({ kind: 'writeZeroes', start: 15, end: 25 });
  expect(zeroes.take(never)).toBeUndefined();
  const other = zeroRanges().zeroes;
  other.add('writeZeroes', 10, 20, 0);
  other.add('discard', 15, 25, 0);
  expect(other.take(never)).toMatchObject({ kind: 'discard', start: 15, end: 25 });
  expect(other.take(never)).toMatchObject({ kind: 'writeZeroes', start: 10, end: 15 });
});

test('all that is pending counts once, in the epoch and the time of the oldest', () => {
  const { epochs, zeroes } = zeroRanges();
  expect([zeroes.pendingEpoch, zeroes.pendingSinceMs]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  zeroes.add('discard', 10, 20, 7);
  epochs.close();
  zeroes.add('discard', 30, 40, 9);
  expect([zeroes.pendingEpoch, zeroes.pendingSinceMs, epochs.oldest]).toEqual([0, 7, 0]);
  zeroes.remove(10, 20);
  expect([zeroes.pendingEpoch, zeroes.pendingSinceMs]).toEqual([0, 7]);
  zeroes.remove(30, 40);
  expect([zeroes.pendingEpoch, zeroes.pendingSinceMs]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  zeroes.add('discard', 10, 20, 11);
  expect([zeroes.pendingEpoch, zeroes.pendingSinceMs]).toEqual([1, 11]);
});

test('zeroes that take the place of older data count in their epoch', () => {
  const { epochs, zeroes } = zeroRanges();
  epochs.enter();
  epochs.close();
  zeroes.add('discard', 0, 10, 5, 0);
  epochs.leave(0);
  expect([zeroes.pendingEpoch, epochs.oldest]).toEqual([0, 0]);
  zeroes.remove(0, 10);
  expect(epochs.oldest).toBe(Number.POSITIVE_INFINITY);

  epochs.enter();
  epochs.close();
  zeroes.add('discard', 0, 10, 5);
  zeroes.add('discard', 20, 30, 6, 2);
  expect([zeroes.pendingEpoch, epochs.oldest]).toEqual([2, 1]);
  zeroes.add('discard', 40, 50, 7, 1);
  epochs.leave(1);
  expect([zeroes.pendingEpoch, zeroes.pendingSinceMs, epochs.oldest]).toEqual([1, 5, 1]);
  zeroes.remove(0, Number.MAX_SAFE_INTEGER);
  expect(epochs.oldest).toBe(Number.POSITIVE_INFINITY);
});

test('a flush of a range waits for the zeroes of that range that are old enough', () => {
  const { epochs, zeroes } = zeroRanges();
  epochs.close();
  expect([zeroes.hasUnwritten(0, 100, 9), zeroes.epochIn(0, 100)]).toEqual([false, undefined]);
  zeroes.add('discard', 10, 20, 0);
  zeroes.add('writeZeroes', 40, 50, 0);
  for (const [start, end, epoch, unwritten] of [
    [0, 10, 1, false],
    [0, 11, 1, true],
    [19, 30, 1, true],
    [20, 40, 1, false],
    [20, 41, 1, true],
    [10, 20, 0, false],
  ] as const) {
    expect(zeroes.hasUnwritten(start, end, epoch)).toBe(unwritten);
    expect(zeroes.epochIn(start, end)).toBe(unwritten || epoch === 0 ? 1 : undefined);
  }
  const operation = zeroes.take(never);
  expect(operation).toMatchObject({ start: 10, end: 20, epoch: 1 });
  for (const [start, end, epoch, unwritten] of [
    [0, 10, 1, false],
    [0, 11, 1, true],
    [19, 20, 1, true],
    [20, 40, 1, false],
    [10, 20, 0, false],
  ] as const) {
    expect(zeroes.hasUnwritten(start, end, epoch)).toBe(unwritten);
    expect(zeroes.isInFlight(start, end)).toBe(unwritten || epoch === 0);
  }
});

test('what the base is being told still reads as zeroes, still counts, and ends when it has been', () => {
  const { epochs, zeroes } = zeroRanges();
  zeroes.add('discard', 10, 20, 3);
  const operation = zeroes.take(never);
  if (operation === undefined) throw new Error('there is one to take');
  expect([zeroes.pendingCount, zeroes.inFlightCount, zeroes.isEmpty, epochs.oldest]).toEqual([0, 1, false, 0]);
  expect([runsOf(zeroes), runsOf(zeroes, 12, 15), zeroes.covers(10, 20)]).toEqual([[[10, 20]], [[12, 15]], true]);
  expect([runsOf(zeroes, 0, 10), runsOf(zeroes, 20, 30)]).toEqual([[], []]);
  zeroes.done(operation);
  expect([zeroes.isEmpty, epochs.oldest]).toEqual([true, Number.POSITIVE_INFINITY]);
});

test('a range waits for data that are on their way to it, and for one of itself', () => {
  const { zeroes } = zeroRanges();
  zeroes.add('discard', 10, 20, 0);
  zeroes.add('discard', 30, 40, 0);
  expect(zeroes.take((start) => start === 10)).toMatchObject({ start: 30 });
  zeroes.add('writeZeroes', 35, 36, 0);
  expect(zeroes.take((start) => start === 10)).toBeUndefined();
  expect(zeroes.take(never)).toMatchObject({ start: 10, end: 20 });
});

test('a range that the base did not take is pending again, as old as it was, but for what was written or zeroed since', () => {
  const { epochs, zeroes } = zeroRanges();
  zeroes.add('discard', 10, 30, 3);
  const operation = zeroes.take(never);
  if (operation === undefined) throw new Error('there is one to take');
  epochs.close();
  zeroes.add('writeZeroes', 24, 26, 8);
  expect([zeroes.pendingEpoch, zeroes.pendingSinceMs]).toEqual([1, 8]);
  zeroes.failed(operation, (written) => written(sector(12), sector(14)));
  expect(runsOf(zeroes)).toEqual([
    [10, 12],
    [14, 30],
  ]);
  expect([zeroes.inFlightCount, zeroes.pendingEpoch, zeroes.pendingSinceMs, epochs.oldest]).toEqual([0, 0, 3, 0]);
  const kinds = Array.from({ length: 4 }, () => zeroes.take(never)).map((each) => [each?.kind, each?.start, each?.end]);
  expect(kinds).toEqual([
    ['discard', 10, 12],
    ['discard', 14, 24],
    ['discard', 26, 30],
    ['writeZeroes', 24, 26],
  ]);
});

test('a range that failed counts alone if nothing else is pending, and not at all if all of it was written since', () => {
  for (const all of [false, true]) {
    const { epochs, zeroes } = zeroRanges();
    zeroes.add('writeZeroes', 10, 20, 3);
    const operation = zeroes.take(never);
    if (operation === undefined) throw new Error('there is one to take');
    epochs.close();
    zeroes.failed(operation, all ? (written) => written(sector(0), sector(100)) : nothing);
    expect([zeroes.isEmpty, epochs.oldest]).toEqual([all, all ? Number.POSITIVE_INFINITY : 0]);
    if (all) continue;
    expect([zeroes.pendingEpoch, zeroes.pendingSinceMs]).toEqual([0, 3]);
    zeroes.remove(0, Number.MAX_SAFE_INTEGER);
    expect([zeroes.isEmpty, epochs.oldest]).toEqual([true, Number.POSITIVE_INFINITY]);
  }
});

test('a range that failed, and of which all was written since, leaves the epochs of others alone', () => {
  const { epochs, zeroes } = zeroRanges();
  zeroes.add('discard', 10, 20, 3);
  const operation = zeroes.take(never);
  if (operation === undefined) throw new Error('there is one to take');
  epochs.close();
  zeroes.add('discard', 50, 60, 4);
  zeroes.remove(50, 60);
  epochs.enter();
  zeroes.failed(operation, (written) => written(sector(10), sector(20)));
  expect([zeroes.isEmpty, epochs.oldest]).toEqual([true, 1]);
});

test('a run of zeroes ends where the one interval does that covers the range, pending or on its way', () => {
  for (const kind of ['discard', 'writeZeroes'] as const) {
    const { zeroes } = zeroRanges();
    zeroes.add(kind, 10, 50, 0);
    const ends = () => [zeroes.endOfRun(10, 20), zeroes.endOfRun(49, 50), zeroes.endOfRun(9, 20)];
    expect(ends()).toEqual([50, 50, 20]);
    zeroes.take(never);
    expect(ends()).toEqual([50, 50, 20]);
    // One that takes several intervals is not looked for.
    zeroes.add(kind, 50, 60, 0);
    expect(zeroes.endOfRun(10, 55)).toBe(55);
  }
});

test('what the base was told cannot end twice', () => {
  const { zeroes } = zeroRanges();
  zeroes.add('discard', 10, 20, 0);
  const operation = zeroes.take(never);
  if (operation === undefined) throw new Error('there is one to take');
  zeroes.done(operation);
  expect(() => zeroes.done(operation)).toThrow('a zeroing must be on its way to end');
  expect(() => zeroes.failed(operation, nothing)).toThrow('a zeroing must be on its way to end');
});
