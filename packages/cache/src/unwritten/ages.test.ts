import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ages } from './ages.js';

test('the oldest is known to a thirtieth, whatever comes and goes, and nothing is older than what was there', () => {
  const step = fc.record({ passMs: fc.integer({ min: 0, max: 20_000 }), leaves: fc.nat(3), enters: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(), (steps, startMs) => {
      const ages = new Ages();
      const waiting: number[] = [];
      let nowMs = startMs;
      for (const { passMs, leaves, enters } of steps) {
        nowMs += passMs;
        for (let i = 0; i < leaves; i++) {
          const [left] = waiting.splice(0, 1);
          if (left !== undefined) ages.leave(left);
        }
        for (let i = 0; i < enters; i++) {
          ages.enter(nowMs - i);
          waiting.push(nowMs - i);
        }
        const trueMs = Math.min(Number.POSITIVE_INFINITY, ...waiting);
        const { oldestSinceMs } = ages;
        if (waiting.length === 0) expect(oldestSinceMs).toBe(Number.POSITIVE_INFINITY);
        else {
          expect(oldestSinceMs).toBeLessThanOrEqual(trueMs);
          expect(trueMs - oldestSinceMs).toBeLessThanOrEqual(Math.max(16, (nowMs - trueMs) / 30));
        }
      }
    }),
    { seed: 15, numRuns: 200 },
  );
});

test('what is older than all that waits is told of, and forgotten with the rest of its bucket', () => {
  const ages = new Ages();
  ages.enter(5000);
  ages.enter(9000);
  ages.enter(100);
  expect(ages.oldestSinceMs).toBe(100);
  ages.leave(100);
  ages.leave(5000);
  expect(ages.oldestSinceMs).toBe(9000);
  ages.leave(9000);
  expect(ages.oldestSinceMs).toBe(Number.POSITIVE_INFINITY);
});

test('its memory is that of 64 counts and moments', () => {
  expect(Ages.byteLength).toBe(64 * 16);
});
