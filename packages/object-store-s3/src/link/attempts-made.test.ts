import { expect, test } from 'vitest';
import { AttemptsMade } from './attempts-made.js';

test('attempts are counted and timed by kind and class', () => {
  const made = new AttemptsMade();
  made.ended('data', 'get', { hasFailed: true, isRetry: false, durationMs: 30 });
  made.ended('data', 'get', { hasFailed: false, isRetry: true, durationMs: 10 });
  made.ended('data', 'put', { hasFailed: false, isRetry: false, durationMs: 0.03 });
  made.ended('root', 'get', { hasFailed: false, isRetry: false, durationMs: 1 });
  const snapshot = made.snapshot();
  expect(snapshot).toMatchObject([
    { class: 'data', kind: 'get', failed: 1, retries: 1, durations: { count: 2, sumUs: 40_000 } },
    { class: 'data', kind: 'put', failed: 0, retries: 0, durations: { count: 1, sumUs: 30 } },
    { class: 'root', kind: 'get', failed: 0, retries: 0, durations: { count: 1, sumUs: 1000 } },
  ]);
  // 25 and 50 microseconds.
  expect(snapshot[1]?.durations.below.slice(0, 3)).toEqual([0, 1, 1]);
  made.ended('root', 'get', { hasFailed: false, isRetry: false, durationMs: 1 });
  expect(snapshot[2]?.durations.count).toBe(1);
});
