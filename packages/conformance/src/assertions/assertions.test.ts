import { AssertionError as NodeAssertionError } from 'node:assert';
import { describe, expect, test } from 'vitest';
import { AssertionError, isAssertionError } from './assertion-error.js';
import { deepStrictEqual, notStrictEqual, ok, strictEqual } from './assertions.js';

function thrown(assertion: () => void): AssertionError {
  try {
    assertion();
  } catch (error) {
    if (error instanceof AssertionError) return error;
    throw error;
  }
  throw new Error('the assertion passed');
}

describe('an assertion that fails', () => {
  test('tells what was found and what must be, in its message and to runners', () => {
    const error = thrown(() => strictEqual(3, 4, 'sectors of the device'));
    expect(error.message).toBe('sectors of the device: 3, must be 4');
    expect(error).toMatchObject({ name: 'AssertionError', code: 'ERR_ASSERTION', actual: 3, expected: 4 });
  });

  test('says no more than its message where the message says it all', () => {
    expect(thrown(() => strictEqual(false, true, 'must stay')).message).toBe('must stay');
    expect(thrown(() => ok(0, 'must be there')).message).toBe('must be there');
    expect(thrown(() => notStrictEqual(1, 1, 'must differ')).message).toBe('must differ: both are 1');
  });

  test('shows no difference where nothing is compared', () => {
    const error = new AssertionError({ message: 'late' });
    expect('actual' in error || 'expected' in error || 'cause' in error).toBe(false);
  });

  test.each([
    ['numbers', [1, 2], [1, 3]],
    ['lengths', [1], [1, 2]],
    ['a key', { a: 1 }, { b: 1 }],
    ['a further key', { a: 1 }, { a: 1, b: undefined }],
    ['the sign of zero', [0], [-0]],
    ['what is in a map', new Map([[1, [2]]]), new Map([[1, [3]]])],
    ['an array for an object', [], {}],
    ['instances', new Date(0), new Date(1)],
  ])('finds what differs deep down: %s', (_, actual, expected) => {
    expect(thrown(() => deepStrictEqual(actual, expected, 'they')).message).toMatch(/^they: .*, must be /);
  });
});

test('what is the same passes', () => {
  strictEqual(Number.NaN, Number.NaN, 'NaN');
  ok('x', 'text');
  notStrictEqual({}, {}, 'two objects');
  deepStrictEqual({ a: [1, { b: new Map([[1, [2]]]) }], c: 3 }, { c: 3, a: [1, { b: new Map([[1, [2]]]) }] }, 'they');
});

test('assertions of node:assert, in subjects, count as assertions too', () => {
  const ofNode = new NodeAssertionError({ message: 'of Node' });
  expect(isAssertionError(ofNode)).toBe(true);
  expect(isAssertionError(new TypeError('x'))).toBe(false);
});
