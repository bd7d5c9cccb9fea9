import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { locateError } from './error.js';
import { BLOCK_ERROR_CODES, BlockError, isBlockError } from './index.js';

const context = { operation: 'write', device: 'disk', start: 4, count: 2 } as const;

describe('BlockError', () => {
  test('is an Error with a name, a code and where it happened', () => {
    const cause = new Error('ENOSPC');
    const error = new BlockError('NO_SPACE', 'full', { ...context, cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'BlockError', code: 'NO_SPACE', message: 'full', cause, ...context });
    expect(String(error)).toBe('BlockError: full');
  });

  test('has no cause, not an undefined one, if it was given none', () => {
    expect('cause' in new BlockError('IO', 'x')).toBe(false);
  });

  test('knows what may succeed later, unless told otherwise', () => {
    const retryable = BLOCK_ERROR_CODES.filter((code) => new BlockError(code, '').retryable);
    expect(retryable).toEqual(['LOCKED', 'NO_SPACE', 'TIMEOUT', 'UNAVAILABLE']);
    expect(new BlockError('IO', '', { retryable: true }).retryable).toBe(true);
    expect(new BlockError('TIMEOUT', '', { retryable: false }).retryable).toBe(false);
  });
});

describe('BlockError.from', () => {
  test('makes what is no BlockError an IO error, or what the caller says', () => {
    const source = new TypeError('bad descriptor');
    const error = BlockError.from(source, context);
    expect(error).toMatchObject({ code: 'IO', cause: source, ...context });
    expect(error.message).toBe('write on disk, 2 sectors from 4: bad descriptor');
    expect(BlockError.from(source, {}, 'CORRUPT')).toMatchObject({
      code: 'CORRUPT',
      message: 'operation: bad descriptor',
    });
    expect(BlockError.from(undefined, context).message).toContain('undefined');
  });

  test('keeps the code, and names the innermost place once, however many devices the error passes', () => {
    const source = new BlockError('UNAVAILABLE', 'no route', { retryable: false });
    const inner = BlockError.from(source, { operation: 'write', device: 's3' });
    const outer = BlockError.from(inner, context);
    expect(outer).toMatchObject({ code: 'UNAVAILABLE', retryable: false, cause: inner, device: 'disk' });
    expect(outer.message).toBe('write on s3: no route');
    expect(inner.cause).toBe(source);
  });

  test('leaves the place alone where only the device was named', () => {
    const lost = BlockError.from(new BlockError('UNAVAILABLE', 'connect ENOENT'), { device: 'disk' });
    expect(lost).toMatchObject({ code: 'UNAVAILABLE', message: 'disk: connect ENOENT' });
    expect(BlockError.from(lost, context)).toMatchObject({ message: 'disk: connect ENOENT', cause: lost, ...context });
  });
});

describe('locateError', () => {
  test('takes the place of the error of a check', () => {
    const error = locateError(new BlockError('UNALIGNED', 'odd'), { operation: 'read', device: 'disk' });
    expect(error).toMatchObject({ code: 'UNALIGNED', operation: 'read', message: 'read on disk: odd' });
    expect('cause' in error).toBe(false);
  });

  test('takes what a check itself stumbled over for a bad argument', () => {
    expect(locateError(new TypeError('revoked'), context)).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('isBlockError', () => {
  test('tells BlockErrors, of any copy and realm, from everything else', () => {
    const error = new BlockError('IO', 'x');
    const foreign = runInNewContext("Object.assign(new Error('x'), { name: 'BlockError', code: 'IO' })");
    for (const yes of [error, foreign]) {
      expect(isBlockError(yes)).toBe(true);
      expect(isBlockError(yes, 'IO')).toBe(true);
      expect(isBlockError(yes, 'TIMEOUT')).toBe(false);
    }
    const other = (code: unknown) => Object.assign(new Error('x'), { name: 'BlockError', code });
    for (const no of [undefined, null, 'IO', new Error('x'), { code: 'IO' }, other('ENOENT'), other('toString')]) {
      expect(isBlockError(no)).toBe(false);
    }
  });
});
