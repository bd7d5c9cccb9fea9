import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { DURATION_BOUNDS_US, durationsOf } from './durations.js';
import { Histogram } from './histogram.js';

test('durations are counted below each bound exactly', () => {
  const duration = fc.oneof(fc.constantFrom(...DURATION_BOUNDS_US), fc.double({ min: 0, max: 1e9, noNaN: true }));
  fc.assert(
    fc.property(fc.array(duration), (durations) => {
      const histogram = new Histogram();
      for (const each of durations) histogram.add(each);
      const { count, sumUs, below } = durationsOf(histogram);
      assert.deepEqual([count, sumUs], [durations.length, durations.reduce((sum, each) => sum + each, 0)]);
      assert.deepEqual(
        below,
        DURATION_BOUNDS_US.map((bound) => durations.filter((each) => each < bound).length),
      );
    }),
  );
});

test('the bounds reach from what memory takes to what no one waits for', () => {
  assert.deepEqual([DURATION_BOUNDS_US[0], DURATION_BOUNDS_US.at(-1)], [25, 52_428_800]);
});
