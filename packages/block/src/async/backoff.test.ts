import { describe, expect, test } from 'vitest';
import { ManualClock, stateOf } from '../testing.js';
import { backoffMs, sleep } from './backoff.js';

describe('The delay after a failure', () => {
  test('is up to a bound that doubles from 100 ms to 5 s, whatever the number of failures', () => {
    const longest = (failures: number) => backoffMs(failures, () => 1, 0);
    expect([1, 2, 3, 6, 7, 1000, 1e9].map(longest)).toEqual([100, 200, 400, 3200, 5000, 5000, 5000]);
    expect(backoffMs(3, () => 0.5, 0)).toBe(200);
  });

  test('is no less than what the other side asked for', () => {
    expect(backoffMs(1, () => 0.5, 30_000)).toBe(30_000);
  });
});

describe('A sleep', () => {
  test('ends when its time has come', async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const slept = sleep(clock, 100, signal);
    clock.advance(99);
    expect(await stateOf(slept)).toBe('pending');
    clock.advance(1);
    expect(await stateOf(slept)).toBe('resolved');
  });

  test('ends at once when its signal fires or has fired, without a timer left', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const slept = sleep(clock, 100, stop.signal);
    stop.abort();
    await slept;
    await sleep(clock, 100, stop.signal);
    expect(clock.timers).toEqual([]);
  });

  test('is remembered by its signal no longer than it lasts', async () => {
    const clock = new ManualClock();
    const listeners = new Set<() => void>();
    const signal = {
      aborted: false,
      addEventListener: (_: 'abort', listener: () => void) => void listeners.add(listener),
      removeEventListener: (type: 'abort', listener: () => void) =>
        void (type === 'abort' && listeners.delete(listener)),
    };
    const sleeps = [sleep(clock, 5, signal), sleep(clock, 10, signal)];
    expect(listeners.size).toBe(2);
    clock.advance(5);
    await sleeps[0];
    expect(listeners.size).toBe(1);
    for (const fire of listeners) fire();
    await sleeps[1];
    expect([listeners.size, clock.timers]).toEqual([0, []]);
  });

  test('needs no signal', async () => {
    const clock = new ManualClock();
    const slept = sleep(clock, 5);
    clock.advance(5);
    await slept;
  });
});
