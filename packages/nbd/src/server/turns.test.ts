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
