import { describe, expect, test } from 'vitest';
import { BlockError, CODE_BY_ERRNO, errnoOf, fromErrno, unlessErrno } from './index.js';

const systemError = (code: string) => Object.assign(new Error(`${code}: made up`), { code });

describe('an error of the operating system', () => {
  test.each([
    ['ENOENT', 'NOT_FOUND'],
    ['ENOTDIR', 'NOT_FOUND'],
    ['EACCES', 'ACCESS_DENIED'],
    ['EPERM', 'ACCESS_DENIED'],
    ['EROFS', 'READ_ONLY'],
    ['ENOSPC', 'NO_SPACE'],
    ['EDQUOT', 'NO_SPACE'],
    ['EFBIG', 'NO_SPACE'],
    ['EMFILE', 'UNAVAILABLE'],
    ['ENFILE', 'UNAVAILABLE'],
    ['EIO', 'IO'],
    ['constructor', 'IO'],
  ])('%s becomes %s, with itself as the cause', (errno, code) => {
    const cause = systemError(errno);
    const error = fromErrno(cause);
    expect([error.code, error.message, error.cause]).toEqual([code, `${errno}: made up`, cause]);
  });

  test('means what a table of one’s own says', () => {
    const codes = { ...CODE_BY_ERRNO, EBUSY: 'LOCKED' } as const;
    expect(fromErrno(systemError('EBUSY'), { codes }).code).toBe('LOCKED');
    expect(fromErrno(systemError('ENOENT'), { codes }).code).toBe('NOT_FOUND');
    expect(fromErrno(systemError('EBUSY')).code).toBe('IO');
  });

  test('names the request that failed', () => {
    expect(fromErrno(systemError('EIO'), { what: 'GET a' }).message).toBe('GET a: EIO: made up');
  });

  test('that was translated before stays what it is', () => {
    const error = new BlockError('LOCKED', 'by another process');
    expect(fromErrno(error, { what: 'GET a' })).toBe(error);
  });

  test('has a name only where it is an error with one', () => {
    expect(errnoOf(systemError('EIO'))).toBe('EIO');
    for (const other of [
      undefined,
      null,
      'EIO',
      new Error('EIO'),
      { code: 'EIO' },
      Object.assign(new Error(), { code: 5 }),
    ])
      expect(errnoOf(other)).toBeUndefined();
  });

  test('that is no error is still an error', () => {
    expect(fromErrno('a string')).toMatchObject({ code: 'IO', message: 'a string' });
    expect(fromErrno(undefined).code).toBe('IO');
  });
});

describe('unlessErrno', () => {
  test('gives what the call gives, or undefined for the errors named', async () => {
    expect(await unlessErrno(['ENOENT'], Promise.resolve(7))).toBe(7);
    expect(await unlessErrno(['ENOENT', 'ENOTDIR'], Promise.reject(systemError('ENOTDIR')))).toBeUndefined();
  });

  test('passes every other error on', async () => {
    for (const error of [systemError('EIO'), new Error('none'), 'a string'])
      await expect(unlessErrno(['ENOENT'], Promise.reject(error))).rejects.toBe(error);
  });
});
