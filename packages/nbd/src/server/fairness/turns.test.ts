import assert from 'node:assert/strict';
import { test } from 'vitest';
import { Turns } from './turns.js';

test('works run one after the other, also after one that failed', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const work = (name: string, fails: boolean) => async () => {
    seen.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const [a, b, c] = [turns.run(work('a', false)), turns.run(work('b', true)), turns.run(work('c', false))];
  assert.equal(await a, 'a');
  await assert.rejects(b, /b/);
  assert.equal(await c, 'c');
  assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('as many run at once as may, and the next ones in the order in which they came', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const works = [0, 1, 2, 3].map((n) =>
    turns.run(() => {
      begun.push(n);
      return new Promise<void>((resolve) => ends.push(resolve));
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, [0, 1]);
  ends[1]?.();
  await works[1];
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, [0, 1, 2]);
  ends[0]?.();
  ends[2]?.();
  await works[2];
  await new Promise((resolve) => setImmediate(resolve));
  ends[3]?.();
  await Promise.all(works);
  assert.deepEqual(begun, [0, 1, 2, 3]);
});
