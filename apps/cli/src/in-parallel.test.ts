import { expect, test } from 'vitest';
import { inParallel } from './in-parallel.js';

const never = new AbortController().signal;

async function* count(to: number): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) yield i;
}

test('works on everything once, no more than so many at a time', async () => {
  const seen: number[] = [];
  let inFlight = 0;
  let inFlightMax = 0;
  await inParallel(count(50), 4, never, async (item) => {
    inFlightMax = Math.max(inFlightMax, ++inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(item);
    inFlight--;
  });
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(inFlightMax).toBe(4);
});

test('begins nothing after a failure, waits for what is in flight, and rejects with it', async () => {
  let begun = 0;
  let ended = 0;
  const work = inParallel(count(1000), 2, never, async (item) => {
    begun++;
    await new Promise((resolve) => setImmediate(resolve));
    ended++;
    if (item === 1) throw new Error('broken');
  });
  await expect(work).rejects.toThrow('broken');
  expect(begun).toBeLessThan(10);
  expect(ended).toBe(begun);
});

test('ends when the signal fires', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const work = inParallel(count(1000), 1, controller.signal, async (item) => {
    if (item === 5) controller.abort(reason);
  });
  await expect(work).rejects.toBe(reason);
});
