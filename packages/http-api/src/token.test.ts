import { expect, test } from 'vitest';
import { SecretToken } from './token.js';

const TOKEN = 'a-token-that-is-planted';

test('the header has to name the scheme and the whole token', () => {
  const token = new SecretToken(TOKEN);
  expect([`Bearer ${TOKEN}`, `bearer  ${TOKEN}`].map((header) => token.isIn(header))).toEqual([true, true]);
  const others = [undefined, '', TOKEN, 'Bearer ', `Bearer ${TOKEN.slice(1)}`, `Bearer ${TOKEN} x`, `Basic ${TOKEN}`];
  expect(others.filter((header) => token.isIn(header))).toEqual([]);
});

test.each(['', 'short', 'with spaces in it, but long', 'x'.repeat(4097)])('%j is no token', (weak) => {
  expect(() => new SecretToken(weak)).toThrow('a token must have 16 characters or more, without spaces');
});
