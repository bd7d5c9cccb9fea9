import type { Clock } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { containedClock } from './contained-clock.js';

function containing(clock: Clock) {
  const broken: unknown[] = [];
  return { clock: containedClock(clock, (error) => broken.push(error)), broken };
}

test('it tells the time of the clock that was given, and sets and clears its timers', () => {
  const manual = new ManualClock({ strict: true });
  const { clock } = containing(manual);
  manual.nowMs = 7;
  expect(clock.now()).toBe(7);
  let fired = 0;
  clock.set(() => fired++, 10);
  const timer = clock.set(() => fired++, 10);
  expect(manual.dueMs).toEqual([17, 17]);
  clock.clear(timer);
  clock.clear(timer);
  expect(manual.dueMs).toEqual([17]);
  manual.advance(10);
  expect(fired).toBe(1);
});

test('where the time cannot be told, or runs backwards, no time has passed', () => {
  const times: (() => number)[] = [
    () => {
      throw new Error('no time');
    },
    () => -5,
    () => Number.NaN,
    () => -7,
    () => {
      throw new Error('no time');
    },
    () => 3,
  ];
  const { clock } = containing({ now: () => times.shift()?.() ?? 0, set: () => 0, clear: () => {} });
  expect(Array.from({ length: 6 }, () => clock.now())).toEqual([0, -5, -5, -5, -5, 3]);
});

test('a timer that cannot be set or cleared harms no one, and fires at most once', () => {
  const callbacks: (() => void)[] = [];
  let throws = true;
  const { clock } = containing({
    now: () => 0,
    set(callback) {
      callbacks.push(callback);
      if (throws) throw new Error('no timers');
      return 1;
    },
    clear() {
      throw new Error('no such timer');
    },
  });
  let fired = 0;
  clock.clear(clock.set(() => fired++, 1));
  throws = false;
  clock.clear(clock.set(() => fired++, 1));
  clock.set(() => fired++, 1);
  for (const callback of callbacks) callback();
  for (const callback of callbacks) callback();
  expect(fired).toBe(1);
});

test('what is thrown in a timer goes to the cache, not to the process', () => {
  const manual = new ManualClock({ strict: true });
  const { clock, broken } = containing(manual);
  clock.set(() => {
    throw new Error('a table is wrong');
  }, 5);
  manual.advance(5);
  expect(broken).toEqual([new Error('a table is wrong')]);
});
