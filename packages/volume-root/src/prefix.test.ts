import { expect, test } from 'vitest';
import { checkPrefix } from './prefix.js';

test.each(['a', 'disks/web-1', 'ä/ö', 'a..b/...', 'x'.repeat(1000)])('%s can be a prefix', (prefix) => {
  checkPrefix(prefix, 24);
});

test.each([
  ['nothing', '', 'not empty'],
  ['not a string', 5, 'not empty'],
  ['left out', undefined, 'not empty'],
  ['a slash at the end', 'a/', 'segment'],
  ['a slash at the beginning', '/a', 'segment'],
  ['an empty segment', 'a//b', 'segment'],
  ['a segment that means this place', 'a/./b', 'segment'],
  ['a segment that means the place above', 'a/../b', 'segment'],
  ['a line break', 'a\nb', 'control character'],
  ['half a character', 'a\ud800', 'control character'],
  ['more bytes than leave room for the keys', 'x'.repeat(1001), 'at most 1000 bytes'],
  ['more bytes than characters', 'ä'.repeat(501), 'at most 1000 bytes'],
])('%s is no prefix', (_, prefix, what) => {
  expect(() => checkPrefix(prefix, 24)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(what) }),
  );
});
