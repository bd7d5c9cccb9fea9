import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pathOf, segmentOfDirectory, segmentOfFile } from './names.js';

test.each([
  ['volume.json', 'volume.json@1'],
  ['disks/web-1/log/000a-3', 'disks/web-1/log/000a-3@1'],
  ['Log', '%4cog@1'],
  ['..', '%2e.@1'],
  ['.new/x', '%2enew/x@1'],
  ['a//b/', 'a/%/b/%@1'],
  ['a@1/b', 'a%401/b@1'],
  ['ä', '%c3%a4@1'],
  ['50%', '50%25@1'],
])('the object %j is in the file %j', (key, path) => {
  expect(pathOf(key)).toBe(path);
});

test('a path gives its key back, and no two keys have one path, whatever the case of letters counts for', () => {
  const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  const backOf = (path: string) => {
    const names = path.split('/');
    const last = names.pop() ?? '';
    return [...names.map(segmentOfDirectory), segmentOfFile(last)].join('/');
  };
  fc.assert(
    fc.property(key, (one) => {
      expect(backOf(pathOf(one))).toBe(one);
    }),
  );
  fc.assert(
    fc.property(key, key, (one, other) => {
      if (one !== other) expect(pathOf(one).toLowerCase()).not.toBe(pathOf(other).toLowerCase());
    }),
  );
});

test.each(['.new', '.lock', 'A', 'a b', '%zz', '%41%', '', '%c3'])('%j is no directory of a key', (name) => {
  expect(segmentOfDirectory(name)).toBeUndefined();
});

test('a name that no file system takes is refused', () => {
  expect(() => pathOf('x'.repeat(254))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  expect(pathOf('x'.repeat(253))).toHaveLength(255);
});
