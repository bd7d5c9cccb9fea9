import { expect, test } from 'vitest';
import { Barriers } from './barriers.js';

/** Waits for the epoch, and tells in `log` how it ended. */
function waits(barriers: Barriers, epoch: number, log: string[]): Promise<unknown> {
  return barriers.wait(epoch).then(
    () => log.push(`${epoch} through`),
    (error) => log.push(`${epoch}: ${error}`),
  );
}

test('all are let through for whom nothing of their epoch, or of an earlier one, is left', async () => {
  const barriers = new Barriers();
  const log: string[] = [];
  const [one, , three] = [1, 3, 2].map((epoch) => waits(barriers, epoch, log));
  barriers.pass(1);
  await Promise.resolve();
  expect(log).toEqual([]);
  barriers.pass(3);
  await Promise.all([one, three]);
  expect(log).toEqual(['1 through', '2 through']);
  expect([barriers.isEmpty, barriers.latest]).toEqual([false, 3]);
  barriers.pass(Number.POSITIVE_INFINITY);
  expect(barriers.isEmpty).toBe(true);
});

test('the latest epoch that is waited for is known, and none where there is none', () => {
  const barriers = new Barriers();
  expect([barriers.isEmpty, barriers.latest]).toEqual([true, -1]);
  for (const epoch of [5, 9, 7]) void barriers.wait(epoch);
  expect([barriers.isEmpty, barriers.latest]).toEqual([false, 9]);
});

test('a failure is told to all who wait, once', async () => {
  const barriers = new Barriers();
  const log: string[] = [];
  const all = [1, 2].map((epoch) => waits(barriers, epoch, log));
  barriers.fail('broken');
  expect(barriers.isEmpty).toBe(true);
  barriers.fail('again');
  await Promise.all(all);
  expect(log).toEqual(['1: broken', '2: broken']);
});
