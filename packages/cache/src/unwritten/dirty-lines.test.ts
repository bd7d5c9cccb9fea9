import { expect, test } from 'vitest';
import { plain } from '../testing/plain.js';
import { DirtyLines } from './dirty-lines.js';
import { Epochs } from './epochs.js';

function dirtyLines(entriesMax = 8) {
  const epochs = new Epochs();
  return { epochs, dirty: plain(new DirtyLines(entriesMax, epochs)) };
}

test('lines wait in the order in which they became dirty, and a second write does not change their place', () => {
  const { dirty } = dirtyLines();
  expect([dirty.first, dirty.count, dirty.firstSinceMs]).toEqual([-1, 0, Number.POSITIVE_INFINITY]);
  dirty.add(3, 10);
  dirty.add(1, 20);
  dirty.add(2, 30);
  dirty.add(3, 40);
  expect([...dirty]).toEqual([3, 1, 2]);
  expect([dirty.first, dirty.count, dirty.firstSinceMs]).toEqual([3, 3, 10]);
  expect([1, 2, 3, 4].map((entry) => dirty.has(entry))).toEqual([true, true, true, false]);
  expect([dirty.sinceMsOf(1), dirty.sinceMsOf(3)]).toEqual([20, 10]);
});

test('lines leave from the front, the middle and the end, and the rest stay in order', () => {
  for (const [gone, left] of [
    [1, [2, 3]],
    [2, [1, 3]],
    [3, [1, 2]],
  ] as const) {
    const { dirty } = dirtyLines();
    for (const entry of [1, 2, 3]) dirty.add(entry, entry);
    dirty.take(gone);
    expect([...dirty]).toEqual(left);
    expect([dirty.count, dirty.has(gone), dirty.first]).toEqual([2, false, left[0]]);
    // The next one stands at the end, and leads backwards as well as forwards.
    dirty.add(5, 9);
    dirty.take(left[1]);
    expect([...dirty]).toEqual([left[0], 5]);
    dirty.take(left[0]);
    dirty.take(5);
    expect([[...dirty], dirty.first, dirty.count]).toEqual([[], -1, 0]);
  }
});

test('a line counts once, in the epoch of its oldest data', () => {
  const { epochs, dirty } = dirtyLines();
  dirty.add(1, 0);
  epochs.close();
  dirty.add(1, 0);
  dirty.add(2, 0);
  expect([dirty.epochOf(1), dirty.epochOf(2), epochs.oldest]).toEqual([0, 1, 0]);
  dirty.discard(1);
  expect(epochs.oldest).toBe(1);
  dirty.discard(1);
  dirty.discard(2);
  expect([epochs.oldest, dirty.count]).toEqual([Number.POSITIVE_INFINITY, 0]);
});

test('data that take the place of some of a later epoch leave a line where it counts', () => {
  const { epochs, dirty } = dirtyLines();
  dirty.add(1, 0);
  epochs.close();
  dirty.add(2, 0);
  dirty.add(1, 0, 1);
  expect(dirty.epochOf(1)).toBe(0);
  dirty.discard(2);
  expect(epochs.oldest).toBe(0);
});

test('data that take the place of older ones count in their epoch, in a line that waits and in one that does not', () => {
  const { epochs, dirty } = dirtyLines();
  epochs.enter();
  epochs.close();
  dirty.add(1, 0);
  dirty.add(1, 0, 1);
  expect(dirty.epochOf(1)).toBe(1);
  dirty.add(1, 0, 0);
  dirty.add(2, 0, 0);
  epochs.leave(0);
  expect([dirty.epochOf(1), dirty.epochOf(2), epochs.oldest]).toEqual([0, 0, 0]);
  dirty.discard(1);
  expect(epochs.oldest).toBe(0);
  dirty.discard(2);
  expect(epochs.oldest).toBe(Number.POSITIVE_INFINITY);
});

test('a line taken for writing still counts', () => {
  const { epochs, dirty } = dirtyLines();
  dirty.add(1, 0);
  dirty.take(1);
  expect(epochs.oldest).toBe(0);
  epochs.leave(0);
  expect(epochs.oldest).toBe(Number.POSITIVE_INFINITY);
});

test('a line that could not be written is the first again, and as old as it was', () => {
  const { epochs, dirty } = dirtyLines();
  dirty.add(1, 5);
  dirty.take(1);
  epochs.close();
  dirty.add(2, 6);
  dirty.putBack(1, 0, 5);
  expect([[...dirty], dirty.epochOf(1), dirty.firstSinceMs, dirty.count]).toEqual([[1, 2], 0, 5, 2]);
  dirty.take(2);
  expect([...dirty]).toEqual([1]);
});

test('one that was written anew meanwhile counts in the older epoch alone', () => {
  const { epochs, dirty } = dirtyLines();
  dirty.add(1, 5);
  dirty.take(1);
  epochs.close();
  dirty.add(2, 6);
  dirty.add(1, 7);
  dirty.putBack(1, 0, 5);
  expect([[...dirty], dirty.epochOf(1), dirty.sinceMsOf(1), dirty.count]).toEqual([[1, 2], 0, 5, 2]);
  dirty.discard(2);
  epochs.leave(0);
  expect(epochs.oldest).toBe(Number.POSITIVE_INFINITY);
});

test('data that were counted when they were written join at the end', () => {
  const { epochs, dirty } = dirtyLines();
  dirty.add(1, 5);
  epochs.close();
  dirty.addCounted(2, epochs.enter(), 3);
  expect([[...dirty], dirty.epochOf(2), dirty.sinceMsOf(2), dirty.firstSinceMs]).toEqual([[1, 2], 1, 3, 5]);
});

test('a line whose memory is wanted goes to the front, if it waits', () => {
  const { dirty } = dirtyLines();
  for (const entry of [1, 2, 3]) dirty.add(entry, entry);
  dirty.moveToFront(3);
  expect([...dirty]).toEqual([3, 1, 2]);
  dirty.moveToFront(3);
  dirty.moveToFront(1);
  dirty.moveToFront(7);
  expect([[...dirty], dirty.count, dirty.has(7)]).toEqual([[1, 3, 2], 3, false]);
});

test('more lines find room, and those that wait stay as they are', () => {
  const { epochs, dirty } = dirtyLines(4);
  expect(dirty.byteLength).toBe(DirtyLines.bytesFor(4));
  dirty.add(3, 5);
  epochs.close();
  dirty.add(1, 6);
  dirty.grow(1000);
  expect(dirty.byteLength).toBe(DirtyLines.bytesFor(1000));
  dirty.add(999, 7);
  expect([...dirty]).toEqual([3, 1, 999]);
  expect([3, 1, 999].map((entry) => [dirty.epochOf(entry), dirty.sinceMsOf(entry), dirty.has(entry)])).toEqual([
    [0, 5, true],
    [1, 6, true],
    [1, 7, true],
  ]);
  dirty.take(1);
  expect([...dirty]).toEqual([3, 999]);
});
