import { expect, test } from 'vitest';
import { invariant } from './invariant.js';

test('an invariant that does not hold throws, and says what was expected', () => {
  expect(() => invariant(1 > 0, 'one is more than zero')).not.toThrow();
  expect(() => invariant(1 < 0, 'one is less than zero')).toThrow('broken invariant: one is less than zero');
});
