import { expect, test } from 'vitest';
import { Geometry } from './geometry.js';

test('lines that go to the base together are one piece of its preferred size', () => {
  expect(new Geometry(512, 4096, 65_536)).toEqual({
    sectorSize: 512,
    lineSize: 4096,
    sectorsPerLine: 8,
    linesPerGroup: 16,
    linesPerReadAhead: 256,
  });
  expect(new Geometry(512, 4096, 10_000).linesPerGroup).toBe(2);
});

test('a group has one line at least, and no more than can be looked up at once', () => {
  expect(new Geometry(4096, 65_536, 4096).linesPerGroup).toBe(1);
  expect(new Geometry(512, 512, 2 ** 20).linesPerGroup).toBe(256);
});

test('one read ahead is a mebibyte, in whole groups, and a group where that is more', () => {
  expect(new Geometry(4096, 65_536, 131_072).linesPerReadAhead).toBe(16);
  expect(new Geometry(4096, 65_536, 3 * 131_072).linesPerReadAhead).toBe(12);
  expect(new Geometry(4096, 65_536, 4 << 20).linesPerReadAhead).toBe(64);
});
