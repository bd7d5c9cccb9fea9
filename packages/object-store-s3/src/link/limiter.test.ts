import { setMaxListeners } from 'node:events';
import { settled } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { TestTime } from '../testing/test-time.js';
import { Limiter } from './limiter.js';

const { signal } = new AbortController();
setMaxListeners(0, signal);

const limiterOf = (time: TestTime, bounds = { min: 1, max: 64 }) =>
  new Limiter({ clock: time, ...bounds, slowMs: 7500 });

/**
 * Keeps `count` requests going, each taking what `durationMs` says, for as many of them; gives how many were in flight at the
 * end.
 */
async function load(
  time: TestTime,
  limiter: Limiter,
  { count, requests, durationMs }: { count: number; requests: number; durationMs: (inFlight: number) => number },
): Promise<void> {
  let inFlight = 0;
  let left = requests;
  const one = async () => {
    while (left-- > 0) {
      await limiter.enter(signal);
      const startMs = time.now();
      inFlight++;
      await time.sleep(durationMs(inFlight));
      inFlight--;
      limiter.leave(startMs, 'answered');
    }
  };
  await time.until(Promise.all(Array.from({ length: count }, one)));
}

test('a long line is filled within a few round trips', async () => {
  const time = new TestTime();
  const limiter = limiterOf(time);
  expect(limiter.limit).toBe(8);
  await load(time, limiter, { count: 64, requests: 120, durationMs: () => 20 });
  expect(limiter.limit).toBe(64);
  expect(time.now()).toBeLessThanOrEqual(100);
});

test('a thin line carries as many at once as get through in good time', async () => {
  const time = new TestTime();
  const limiter = limiterOf(time);
  // One of them alone takes 2 s.
  await load(time, limiter, { count: 64, requests: 60, durationMs: (inFlight) => 2000 * inFlight });
  expect(limiter.limit).toBeGreaterThanOrEqual(1);
  expect(limiter.limit).toBeLessThanOrEqual(4);
});

test('no more are let in than are in use', async () => {
  const time = new TestTime();
  const limiter = limiterOf(time);
  await load(time, limiter, { count: 2, requests: 100, durationMs: () => 20 });
  expect(limiter.limit).toBe(8);
});

test('those that time out together count once, and later ones again', async () => {
  const time = new TestTime();
  const limiter = limiterOf(time);
  const together = async () => {
    for (let request = 0; request < 4; request++) await limiter.enter(signal);
    const startMs = time.now();
    await time.pass(30_000);
    for (let request = 0; request < 4; request++) limiter.leave(startMs, 'timed-out');
  };
  await together();
  expect(limiter.limit).toBe(4);
  await together();
  expect(limiter.limit).toBe(2);
});

test('the bounds hold, and may leave nothing to adapt', async () => {
  const time = new TestTime();
  const fixed = limiterOf(time, { min: 16, max: 16 });
  await load(time, fixed, { count: 32, requests: 100, durationMs: () => 20_000 });
  expect(fixed.limit).toBe(16);
  const one = limiterOf(time, { min: 1, max: 1 });
  expect(one.limit).toBe(1);
});

test('after an outage the others follow the first ones', async () => {
  const time = new TestTime();
  const limiter = limiterOf(time);
  await load(time, limiter, { count: 64, requests: 200, durationMs: () => 20 });
  limiter.restart();
  expect(limiter.limit).toBe(2);
  await load(time, limiter, { count: 64, requests: 200, durationMs: () => 20 });
  expect(limiter.limit).toBe(64);
});

test('what waits leaves with its signal, and goes in order', async () => {
  const limiter = limiterOf(new TestTime(), { min: 1, max: 1 });
  expect(await limiter.enter(signal)).toBe(true);
  const controller = new AbortController();
  const gone = limiter.enter(controller.signal);
  const order: number[] = [];
  for (const number of [1, 2]) void Promise.resolve(limiter.enter(signal)).then(() => order.push(number));
  controller.abort();
  expect(await gone).toBe(false);
  limiter.leave(0, 'answered');
  await settled();
  expect(order).toEqual([1]);
  limiter.leave(0, 'answered');
  await settled();
  expect(order).toEqual([1, 2]);
});
