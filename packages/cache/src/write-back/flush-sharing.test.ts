import { expect, test } from 'vitest';
import { FlushSharing } from './flush-sharing.js';

/** Flushes that end when the test says so. */
function sharing() {
  const runs: { resolve(): void; reject(error: unknown): void }[] = [];
  const flushes = new FlushSharing(() => new Promise((resolve, reject) => runs.push({ resolve, reject })));
  return { runs, flushes };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('flushes that are asked for while one runs share the next, and none shares the one that runs', async () => {
  const { runs, flushes } = sharing();
  const ended: string[] = [];
  const ask = (name: string) => flushes.flush().then(() => ended.push(name));
  void ask('a');
  void ask('b');
  void ask('c');
  await turn();
  expect(runs).toHaveLength(1);
  runs[0]?.resolve();
  await turn();
  expect([ended, runs.length]).toEqual([['a'], 2]);
  void ask('d');
  runs[1]?.resolve();
  await turn();
  expect([ended, runs.length]).toEqual([['a', 'b', 'c'], 3]);
  runs[2]?.resolve();
  await turn();
  expect(ended.at(-1)).toBe('d');
});

test('one that follows no other begins at once', async () => {
  const { runs, flushes } = sharing();
  const first = flushes.flush();
  runs[0]?.resolve();
  await first;
  await turn();
  void flushes.flush();
  expect(runs).toHaveLength(2);
});

test('a failure is that of those who share the flush, and the next tries for itself', async () => {
  const { runs, flushes } = sharing();
  const first = flushes.flush();
  const [second, third] = [flushes.flush(), flushes.flush()];
  runs[0]?.reject(new Error('one'));
  await expect(first).rejects.toThrow('one');
  await turn();
  runs[1]?.reject(new Error('two'));
  await expect(second).rejects.toThrow('two');
  await expect(third).rejects.toThrow('two');
  await turn();
  const fourth = flushes.flush();
  expect(runs).toHaveLength(3);
  runs[2]?.resolve();
  await fourth;
});
