import assert from 'node:assert/strict';
import { test } from 'vitest';
import { Trial } from './trial.js';

/** How many occasions go by before it is due. */
function skipped(trial: Trial): number {
  let count = 0;
  while (!trial.isDue()) count++;
  return count;
}

test('what never pays is tried ever less often, and not less than at one occasion in 65', () => {
  const trial = new Trial();
  const skips = Array.from({ length: 9 }, () => {
    const count = skipped(trial);
    trial.learn(false);
    return count;
  });
  assert.deepEqual(skips, [0, 1, 2, 4, 8, 16, 32, 64, 64]);
});

test('what pays is tried each time, and skipped once after its next failure', () => {
  const trial = new Trial();
  for (const paid of [false, false, false, true]) {
    skipped(trial);
    trial.learn(paid);
  }
  assert.equal(skipped(trial), 0);
  trial.learn(false);
  assert.equal(skipped(trial), 1);
});
