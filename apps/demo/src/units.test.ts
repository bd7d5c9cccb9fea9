import { expect, test } from 'vitest';
import { formatCount, formatMs } from './units.js';

test('Counts are grouped, milliseconds have three digits that mean something', () => {
  expect(formatCount(12_345.4)).toBe('12,345');
  expect([0.0004, 0.0421, 1.254, 20, 318.4, 1234].map(formatMs)).toEqual([
    '0.0004',
    '0.0421',
    '1.25',
    '20',
    '318',
    '1,234',
  ]);
});
