import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatMs, parseSize } from './units.js';

describe('Sizes on the command line', () => {
  test.each([
    ['4096', 4096],
    ['64K', 65_536],
    ['16m', 16_777_216],
    ['1GiB', 1_073_741_824],
    ['2 TB', 2_199_023_255_552],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['', 'M', '1.5M', '-1', '1e3', '12X', '9007199254740992', '99999999T'])('%j is no size', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

describe('Numbers for people', () => {
  test('bytes are in powers of 1024', () => {
    expect(formatBytes(48 * 2 ** 20)).toBe('48 MiB');
    expect(formatBytes(1.5 * 2 ** 20)).toBe('1.5 MiB');
  });

  test('counts are grouped, milliseconds have three digits that mean something', () => {
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
});
