import { expect, test } from 'vitest';
import { FrequencySketch } from './frequency-sketch.js';

/** Well spread hashes. */
function hashOf(i: number): number {
  return Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(i, 0x85ebca6b);
}

function add(sketch: FrequencySketch, hash: number, times: number): void {
  for (let i = 0; i < times; i++) sketch.add(hash);
}

test('an estimate is never below the count, and mostly is the count', () => {
  const sketch = new FrequencySketch(1000);
  for (let i = 0; i < 1000; i++) add(sketch, hashOf(i), 1 + (i % 5));
  let exact = 0;
  for (let i = 0; i < 1000; i++) {
    const estimate = sketch.estimate(hashOf(i));
    expect(estimate).toBeGreaterThanOrEqual(1 + (i % 5));
    if (estimate === 1 + (i % 5)) exact++;
  }
  expect(exact).toBeGreaterThan(950);
});

test('adding returns the estimate before it', () => {
  const sketch = new FrequencySketch(100);
  expect(sketch.add(77)).toBe(0);
  expect(sketch.add(77)).toBe(1);
  expect(sketch.estimate(77)).toBe(2);
});

test('counts stop at 15 and touch no neighbour', () => {
  const sketch = new FrequencySketch(1);
  add(sketch, 5, 19);
  expect(sketch.estimate(5)).toBe(15);
  const others = Array.from({ length: 200 }, (_, i) => sketch.estimate(hashOf(i + 100)));
  expect(Math.min(...others)).toBe(0);
});

test('every count is halved after twenty additions for each line', () => {
  const lines = 640;
  const sketch = new FrequencySketch(lines);
  for (let i = 0; i < lines; i++) add(sketch, hashOf(i), 8);
  const before = Array.from({ length: lines }, (_, i) => sketch.estimate(hashOf(i)));
  const filler = hashOf(-1);
  add(sketch, filler, lines * 12);
  add(sketch, filler, lines);
  for (let i = 0; i < lines; i++) expect(sketch.estimate(hashOf(i))).toBeLessThanOrEqual((before[i] ?? 0) / 2 + 8);
  const mean = before.reduce((sum, _, i) => sum + sketch.estimate(hashOf(i)), 0) / lines;
  expect(mean).toBeGreaterThanOrEqual(4);
  expect(mean).toBeLessThan(4.5);
});

test('no single addition halves the whole table', () => {
  const lines = 64_000;
  const sketch = new FrequencySketch(lines);
  for (let i = 0; i < lines; i++) add(sketch, hashOf(i), 2);
  sketch.halve();
  sketch.add(hashOf(-1));
  let halved = 0;
  for (let i = 0; i < lines; i++) if (sketch.estimate(hashOf(i)) < 2) halved++;
  expect(halved).toBeGreaterThan(0);
  expect(halved).toBeLessThan(lines / 100);
});

test('counts survive growing, and a sketch never shrinks', () => {
  const sketch = new FrequencySketch(100);
  for (let i = 0; i < 100; i++) add(sketch, hashOf(i), 3);
  const before = Array.from({ length: 100 }, (_, i) => sketch.estimate(hashOf(i)));
  sketch.setLines(10_000);
  expect(Array.from({ length: 100 }, (_, i) => sketch.estimate(hashOf(i)))).toEqual(before);
  const { byteLength } = sketch;
  sketch.setLines(10);
  expect(sketch.byteLength).toBe(byteLength);
});

test('halving begins with the twentieth addition for each line, and comes with the next', () => {
  const sketch = new FrequencySketch(1);
  add(sketch, 5, 8);
  add(sketch, 6, 12);
  expect([sketch.estimate(5), sketch.estimate(6)]).toEqual([8, 12]);
  sketch.add(6);
  expect([sketch.estimate(5), sketch.estimate(6)]).toEqual([4, 7]);
  // And again after twenty more, of which the halving addition is one.
  add(sketch, 6, 18);
  expect(sketch.estimate(5)).toBe(4);
  add(sketch, 6, 2);
  expect(sketch.estimate(5)).toBe(2);
});

test('a halving that is asked for while one is under way is none', () => {
  const sketch = new FrequencySketch(4 * 64);
  const hashes = Array.from({ length: 64 }, (_, i) => hashOf(i));
  for (const hash of hashes) add(sketch, hash, 8);
  const before = hashes.map((hash) => sketch.estimate(hash));
  sketch.halve();
  sketch.add(hashOf(-1));
  sketch.halve();
  for (let i = 0; i < 8; i++) sketch.add(hashOf(-1));
  const after = hashes.map((hash) => sketch.estimate(hash));
  expect(after.every((estimate, i) => [0, 4].includes(estimate - ((before[i] ?? 0) >>> 1)))).toBe(true);
  expect(after.filter((estimate) => estimate === 4).length).toBeGreaterThan(50);
});

test('sixteen buckets are halved with each addition', () => {
  const sketch = new FrequencySketch(4 * 64);
  const hashes = Array.from({ length: 2000 }, (_, i) => hashOf(i));
  for (const hash of hashes) if (sketch.estimate(hash) === 0) sketch.add(hash);
  const nonzero = () => hashes.filter((hash) => sketch.estimate(hash) > 0).length;
  const all = nonzero();
  sketch.halve();
  const left = Array.from({ length: 4 }, () => {
    sketch.add(hashOf(-1));
    return nonzero() / all;
  });
  for (const [i, share] of left.entries()) {
    expect(share).toBeGreaterThan(0.65 - i * 0.25);
    expect(share).toBeLessThan(0.85 - i * 0.25);
  }
});

test('a table has sixteen bytes a line at least, in buckets of 64 whose number is a power of two', () => {
  const bytes = [1, 4, 5, 8, 16, 17, 1000].map((lines) => new FrequencySketch(lines).byteLength);
  expect(bytes).toEqual([64, 64, 128, 128, 256, 512, 16_384]);
});

test('the rhythm of halving follows the capacity', () => {
  const sketch = new FrequencySketch(4);
  sketch.setLines(1);
  add(sketch, 5, 8);
  add(sketch, 6, 13);
  expect(sketch.estimate(5)).toBe(4);
  const larger = new FrequencySketch(1);
  larger.setLines(4);
  add(larger, 5, 8);
  add(larger, 6, 60);
  expect(larger.estimate(5)).toBe(8);
});

test('a table that grows in the middle of halving halves nothing twice', () => {
  const sketch = new FrequencySketch(4 * 64);
  const hashes = Array.from({ length: 64 }, (_, i) => hashOf(i));
  for (const hash of hashes) add(sketch, hash, 8);
  sketch.halve();
  sketch.add(hashOf(-1));
  sketch.setLines(4 * 256);
  const before = hashes.map((hash) => sketch.estimate(hash));
  for (let i = 0; i < 20; i++) sketch.add(hashOf(-1));
  expect(hashes.every((hash, i) => sketch.estimate(hash) >= (before[i] ?? 16))).toBe(true);
});

test('an estimate that is raised is that at least, no lower than it was, and counts no addition', () => {
  const sketch = new FrequencySketch(1000);
  for (let i = 0; i < 1000; i++) sketch.raise(hashOf(i), 1 + (i % 15));
  let exact = 0;
  for (let i = 0; i < 1000; i++) {
    expect(sketch.estimate(hashOf(i))).toBeGreaterThanOrEqual(1 + (i % 15));
    if (sketch.estimate(hashOf(i)) === 1 + (i % 15)) exact++;
  }
  expect(exact).toBeGreaterThan(950);
  add(sketch, 77, 9);
  sketch.raise(77, 4);
  expect(sketch.estimate(77)).toBe(9);
  const small = new FrequencySketch(1);
  for (let i = 0; i < 100; i++) small.raise(5, 15);
  small.add(6);
  expect(small.estimate(5)).toBe(15);
});

test('a capacity that takes no larger table leaves a halving that is under way as it is', () => {
  const sketch = new FrequencySketch(1000);
  sketch.raise(5, 8);
  sketch.halve();
  sketch.setLines(900);
  for (let i = 0; i < 32; i++) sketch.add(Math.imul(i + 1, 0x9e3779b1));
  expect(sketch.estimate(5)).toBe(4);
});
