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
  for (let i = 0; i < lines; i++) expect(sketch.estimate(hashOf(i))).toBeLessThanOrEqual(before[i] / 2 + 8);
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
