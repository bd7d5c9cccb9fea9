import { expect, test } from 'vitest';
import { docstrings } from '../reference/docstrings.mjs';

test('every export of every published package, and every public method of those, has a docstring', () => {
  const all = docstrings();
  expect(all.length).toBeGreaterThan(900);
  expect(all.filter(({ text }) => text === '').map(({ place, name }) => `${place}: ${name}`)).toEqual([]);
});
