import { expect, test } from 'vitest';
import { dataKey, indexOfKey, keysOf } from './keys.js';

test('keys of data sort as their numbers do, and give them back', () => {
  const keys = keysOf('a/b');
  const numbers = [0, 1, 15, 16, 255, 4096, 2 ** 32 - 1, 2 ** 32, 2 ** 44 - 1];
  const made = numbers.map((number) => dataKey(keys, number));
  expect([...made].sort()).toEqual(made);
  expect(made.map((key) => indexOfKey(keys, key))).toEqual(numbers);
  expect(dataKey(keys, 10)).toBe('a/b/data/00000000000a');
});

test.each(['a/b/data/', 'a/b/data/00000000000A', 'a/b/data/0a', 'a/b/data/00000000000a/x', 'a/c/data/00000000000a'])(
  '%s is no key of data',
  (key) => {
    expect(indexOfKey(keysOf('a/b'), key)).toBeUndefined();
  },
);
