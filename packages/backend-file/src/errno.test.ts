import assert from 'node:assert/strict';
import { BlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { fileError } from './errno.js';
import { systemError } from './testing/file-io.js';

describe('an error of the operating system', () => {
  test.each([
    ['ENOENT', 'NOT_FOUND'],
    ['EACCES', 'ACCESS_DENIED'],
    ['EPERM', 'ACCESS_DENIED'],
    ['EROFS', 'READ_ONLY'],
    ['EBUSY', 'LOCKED'],
    ['ENOSPC', 'NO_SPACE'],
    ['EDQUOT', 'NO_SPACE'],
    ['EFBIG', 'NO_SPACE'],
    ['EMFILE', 'UNAVAILABLE'],
    ['EIO', 'IO'],
    ['EWHATEVER', 'IO'],
    ['constructor', 'IO'],
  ])('%s becomes %s, with itself as the cause', (errno, code) => {
    const cause = systemError(errno);
    const error = fileError(cause);
    assert.equal(error.code, code);
    assert.equal(error.cause, cause);
    assert.match(error.message, new RegExp(errno));
  });

  test('that is no error is still an error', () => {
    assert.equal(fileError('a string').code, 'IO');
    assert.equal(fileError(undefined).code, 'IO');
  });

  test('that was translated before stays what it is', () => {
    const error = new BlockError('LOCKED', 'by someone');
    assert.equal(fileError(error), error);
  });
});
