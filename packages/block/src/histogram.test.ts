import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { Histogram } from './histogram.js';

describe('a histogram', () => {
  test('gives every quantile rather too large, by less than one in 32', () => {
    const value = fc.oneof(fc.integer({ min: 32, max: 1000 }), fc.double({ min: 32, max: 1e12, noNaN: true }));
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const histogram = new Histogram();
        for (const each of values) histogram.add(each);
        const exact = [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? 0;
        const found = histogram.quantile(share);
        assert.ok(found >= exact && found <= exact * (1 + 1 / 32), `${found} for ${exact}`);
      }),
    );
  });

  test('is exact about the smallest, the largest and the mean', () => {
    const histogram = new Histogram();
    for (const value of [0, 0.5, 3.5]) histogram.add(value);
    assert.deepEqual([histogram.min, histogram.max, histogram.mean, histogram.quantile(1)], [0, 3.5, 4 / 3, 3.5]);
  });

  test('takes values of any size', () => {
    const histogram = new Histogram();
    histogram.add(1e18);
    assert.equal(histogram.quantile(0.5), histogram.max);
  });

  test('is empty at first', () => {
    const { count, min, max, mean, byteLength } = new Histogram();
    assert.deepEqual([count, min, max, mean, new Histogram().quantile(0.5)], [0, 0, 0, 0, 0]);
    assert.equal(byteLength, 1184 * 4);
  });

  test('counts, and knows small numbers exactly', () => {
    const histogram = new Histogram();
    for (let value = 0; value < 100; value++) histogram.add(value);
    assert.deepEqual([histogram.count, histogram.min, histogram.max, histogram.mean], [100, 0, 99, 49.5]);
    // A bucket ends where the next begins: the value that a share does not exceed is the next whole number.
    assert.deepEqual(
      [0.01, 0.1, 0.31, 0.32, 0.33].map((share) => histogram.quantile(share)),
      [1, 10, 31, 32, 33],
    );
  });

  test('puts whatever is past its last bucket into that', () => {
    const histogram = new Histogram();
    for (const value of [1, 1e15, 2e15]) histogram.add(value);
    assert.deepEqual([histogram.quantile(0.3), histogram.quantile(0.6), histogram.quantile(1)], [2, 2e15, 2e15]);
  });

  test('tells how many values were less than each of several, exactly where a bucket begins', () => {
    const value = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.double({ min: 0, max: 1e9, noNaN: true }));
    const bound = fc.tuple(fc.integer({ min: 1, max: 63 }), fc.integer({ min: 0, max: 20 }));
    const edges = fc.array(bound.map(([n, doublings]) => (n < 32 ? n : n * 2 ** doublings)));
    fc.assert(
      fc.property(fc.array(value), edges, (values, bounds) => {
        const histogram = new Histogram();
        for (const each of values) histogram.add(each);
        const ascending = bounds.sort((a, b) => a - b);
        assert.deepEqual(
          histogram.below(ascending),
          ascending.map((edge) => values.filter((each) => each < edge).length),
        );
      }),
    );
  });

  test('counts on past what 32 bits hold', () => {
    const histogram = new Histogram();
    for (const times of [2 ** 32 - 1, 1, 2 ** 33, 5]) histogram.add(7, times);
    histogram.add(9, 4 * 2 ** 32);
    const sevens = 3 * 2 ** 32 + 5;
    assert.deepEqual([histogram.count, histogram.sum], [sevens + 4 * 2 ** 32, sevens * 7 + 36 * 2 ** 32]);
    assert.deepEqual(histogram.below([7, 8, 10]), [0, sevens, histogram.count]);
    assert.deepEqual([histogram.quantile(0.42), histogram.quantile(0.43)], [8, 9]);
  });

  test('knows the sum, and takes any bound', () => {
    const histogram = new Histogram();
    for (let count = 0; count < 3; count++) histogram.add(7);
    assert.deepEqual([histogram.sum, histogram.below([7, 8, 1e18])], [21, [0, 3, 3]]);
  });
});
