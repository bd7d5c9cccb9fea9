import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { Progress } from './progress.js';

const MIB = 2 ** 20;

/** The lines of a progress that is told `doneBytes` when so many milliseconds have passed. */
async function lines(totalBytes: number, steps: readonly (readonly [atMs: number, doneBytes: number])[]) {
  const stream = new PassThrough();
  let nowMs = 0;
  const progress = new Progress(stream, 'copy', totalBytes, () => nowMs);
  for (const [atMs, doneBytes] of steps) {
    nowMs = atMs;
    progress.update(doneBytes);
  }
  progress.stop();
  return (await text(stream.end())).trim().split('\n');
}

test('tells rate and time left, by what was done so far', async () => {
  const [first, last] = await lines(100 * MIB, [[10_000, 10 * MIB]]);
  expect(first).toMatch(/ 0% \| 0 B of 100 MiB \| 0 B\/s \| \? left$/);
  expect(last).toMatch(/ 10% \| 10 MiB of 100 MiB \| 1 MiB\/s \| 1m30s left$/);
});

test('of long work tells hours, of work that is done none', async () => {
  expect((await lines(100_000 * MIB, [[10_000, 10 * MIB]])).at(-1)).toMatch(/ \| 27h47m left$/);
  expect((await lines(MIB, [[10_000, MIB]])).at(-1)).toMatch(/ 100% .* \| 0s left$/);
});

test('of nothing is done', async () => {
  expect((await lines(0, [])).at(-1)).toMatch(/ 100% \| 0 B of 0 B \| 0 B\/s \| 0s left$/);
});
