import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSize, parseSize } from './size.js';

describe('parseSize', () => {
  test.each([
    ['0', 0],
    ['4096', 4096],
    ['64K', 65_536],
    ['64k', 65_536],
    ['64KB', 65_536],
    ['64KiB', 65_536],
    ['10G', 10 * 2 ** 30],
    ['1TiB', 2 ** 40],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['0.5K', 512],
    ['512B', 512],
    ['8 MiB', 8 * 2 ** 20],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each([
    '',
    'x',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '1.',
    '.5K',
    '1,5G',
    '64Q',
    '64iB',
    '10GG',
    '10G5',
    '0.3K',
    '9007199254740992',
    '9P',
    'Infinity',
    '1\n2',
  ])('%j is refused, and the option is named', (text) => {
    expect(() => parseSize(text, '--size')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(() => parseSize(text, '--size')).toThrow(/^--size /);
  });

  test('what formatSize writes of whole units is read back as the same', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 0, max: 4 }));
    fc.assert(
      fc.property(sizes, ([count, power]) => {
        const bytes = count * 1024 ** power;
        expect(parseSize(formatSize(bytes))).toBe(bytes);
      }),
    );
  });
});
