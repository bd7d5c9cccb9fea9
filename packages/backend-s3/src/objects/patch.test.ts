import { expect, test } from 'vitest';
import { coverAll } from './patch.js';

test('patches cover an object together or leave a gap', () => {
  expect(
    coverAll(
      [
        { offset: 512, lengthBytes: 512 },
        { offset: 0, lengthBytes: 600 },
      ],
      1024,
    ),
  ).toBe(true);
  expect(
    coverAll(
      [
        { offset: 513, lengthBytes: 511 },
        { offset: 0, lengthBytes: 512 },
      ],
      1024,
    ),
  ).toBe(false);
  expect(coverAll([{ offset: 0, lengthBytes: 1000 }], 1024)).toBe(false);
});
