import { expect, test } from 'vitest';
import { type SizeOptions, sizeSectorsOf } from './index.js';

test.each<[SizeOptions, number]>([
  [{ sizeSectors: 8 }, 8],
  [{ sizeBytes: 4096 }, 8],
  [{ sizeBytes: 0 }, 0],
])('a size of %j is %i sectors of 512 bytes', (size, sectors) => {
  expect(sizeSectorsOf(size, 512)).toBe(sectors);
});

test.each<[object, string]>([
  [{}, 'INVALID_ARGUMENT'],
  [{ sizeSectors: 8, sizeBytes: 4096 }, 'INVALID_ARGUMENT'],
  [{ sizeSectors: 1.5 }, 'INVALID_ARGUMENT'],
  [{ sizeSectors: 2 ** 50 }, 'INVALID_ARGUMENT'],
  [{ sizeBytes: -512 }, 'INVALID_ARGUMENT'],
  [{ sizeBytes: '512' }, 'INVALID_ARGUMENT'],
  [{ sizeBytes: 1000 }, 'UNALIGNED'],
])('a size of %j is refused', (size, code) => {
  expect(() => sizeSectorsOf(size, 512)).toThrow(expect.objectContaining({ code }));
});
