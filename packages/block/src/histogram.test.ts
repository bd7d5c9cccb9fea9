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
});
