import { expect, test } from 'vitest';
import { errorOf } from './promises.js';
import { macrotasks, settled, until } from './settled.js';

test('settled waits for promises, and for macrotasks that follow from them', async () => {
  const events: string[] = [];
  void (async () => {
    for (let i = 0; i < 100; i++) await undefined;
    events.push('promises');
    await macrotasks();
    await undefined;
    events.push('a macrotask');
  })();
  await settled();
  expect(events).toEqual(['promises', 'a macrotask']);
});

test('macrotasks passes so many', async () => {
  let passed = 0;
  let isOver = false;
  const count = async () => {
    while (!isOver) {
      await macrotasks();
      passed++;
    }
  };
  const counting = count();
  await macrotasks(5);
  isOver = true;
  expect(passed).toBeGreaterThanOrEqual(4);
  expect(passed).toBeLessThanOrEqual(5);
  await counting;
});

test('until looks again until it is true, and gives up after a time', async () => {
  let looks = 0;
  await until(() => ++looks === 5);
  expect(looks).toBe(5);
  const never = () => looks < 0;
  expect(String(await errorOf(until(never, 1)))).toContain('still false after 1 ms: () => looks < 0');
});
