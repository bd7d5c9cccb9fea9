import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyDelta, deltaBetween } from './delta.js';
import { type Frame, History, resample } from './history.js';

const cellsArbitrary = (length: number) =>
  fc
    .array(fc.record({ count: fc.integer({ min: 1, max: 200 }), value: fc.integer({ min: 0, max: 255 }) }), {
      maxLength: 40,
    })
    .map((runs) => {
      const cells = new Uint8Array(length);
      let at = 0;
      for (const { count, value } of runs) {
        cells.fill(value, at, at + count);
        at += count;
      }
      return cells;
    });

test('a delta makes what is of what was, and is hardly longer than that', () => {
  fc.assert(
    fc.property(cellsArbitrary(1000), cellsArbitrary(1000), (before, after) => {
      const delta = deltaBetween(before, after);
      const cells = before.slice();
      applyDelta(cells, delta);
      expect(cells).toEqual(after);
      expect(delta.length).toBeLessThanOrEqual(1010);
    }),
  );
});

test('cells of noise take no more than a hundredth more', () => {
  const noise = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 2_654_435_761) >>> 24);
  expect(deltaBetween(new Uint8Array(noise.length), noise).length).toBeLessThan(noise.length * 1.01);
});

test('a damaged delta is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (delta) => {
      try {
        applyDelta(new Uint8Array(10), delta);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
  expect(() => applyDelta(new Uint8Array(10), Uint8Array.of(11 * 4))).toThrow(RangeError);
  expect(() => applyDelta(new Uint8Array(10), Uint8Array.of(2 * 4 + 2, 1))).toThrow(RangeError);
});

const RANGE = { startSector: 0, countSectors: 4000, cellSectors: 4 };
const frameAt = (atMs: number): Frame => ({
  atMs,
  ...RANGE,
  cells: Uint8Array.from({ length: 1000 }, (_, i) => (i < atMs % 1000 ? 5 : 0)),
});

test('the history has each frame of the last time, as it was', () => {
  const history = new History({ maxAgeMs: 1000, maxBytes: 2 ** 24 });
  for (let atMs = 0; atMs <= 3000; atMs += 10) history.add(frameAt(atMs));
  expect(history.oldestMs).toBeLessThanOrEqual(2000);
  expect(history.oldestMs).toBeGreaterThan(1000);
  for (let atMs = 2000; atMs <= 3000; atMs += 10) expect(history.at(atMs)?.cells).toEqual(frameAt(atMs).cells);
  expect(history.at(2555)?.atMs).toBe(2550);
  expect(history.at(0)?.atMs).toBe(history.oldestMs);
});

test('the history is bounded, however much changes', () => {
  const history = new History({ maxAgeMs: 1e9, maxBytes: 100_000 });
  for (let atMs = 0; atMs < 500; atMs++) {
    history.add({
      atMs,
      ...RANGE,
      cells: Uint8Array.from({ length: 1000 }, (_, i) => (i * 7919 + atMs * 104_729) % 251),
    });
    expect(history.byteLength).toBeLessThanOrEqual(100_000);
  }
  expect(history.at(499)?.atMs).toBe(499);
});

test('a frame that is alone too large is not kept', () => {
  const history = new History({ maxAgeMs: 1000, maxBytes: 500 });
  history.add(frameAt(5));
  expect([history.byteLength, history.at(5)]).toEqual([0, undefined]);
});

test('a frame of another range shows what it knows of this one', () => {
  const frame = { atMs: 0, startSector: 100, countSectors: 40, cellSectors: 10, cells: Uint8Array.of(1, 2, 3, 4) };
  expect([...resample(frame, { startSector: 90, countSectors: 60, cellSectors: 10 }, 6)]).toEqual([0, 1, 2, 3, 4, 0]);
  expect([...resample(frame, { startSector: 110, countSectors: 10, cellSectors: 5 }, 2)]).toEqual([2, 2]);
});
