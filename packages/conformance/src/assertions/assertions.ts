import { stringify } from 'fast-check';
import { AssertionError } from './assertion-error.js';
import { isEqual } from './is-equal.js';

/** Fails unless the value is truthy. */
export function ok(value: unknown, message: string): asserts value {
  if (!value) throw new AssertionError({ message, actual: value, expected: true });
}

/** Fails unless the two are the same value: `NaN` is, `0` and `-0` are not. */
export function strictEqual<T>(actual: unknown, expected: T, message: string): asserts actual is T {
  if (!Object.is(actual, expected)) throw difference(message, actual, expected);
}

/** Fails if the two are the same value. */
export function notStrictEqual(actual: unknown, other: unknown, message: string): void {
  if (Object.is(actual, other)) throw new AssertionError({ message: `${message}: both are ${stringify(other)}` });
}

/** Fails unless the two are the same values in the same arrays, maps and plain objects. */
export function deepStrictEqual(actual: unknown, expected: unknown, message: string): void {
  if (!isEqual(actual, expected)) throw difference(message, actual, expected);
}

/** The message tells the values too: not every runner prints them. Of what is true or false it says it all by itself. */
function difference(message: string, actual: unknown, expected: unknown): AssertionError {
  const values = typeof expected === 'boolean' ? '' : `: ${stringify(actual)}, must be ${stringify(expected)}`;
  return new AssertionError({ message: `${message}${values}`, actual, expected });
}
