import { show } from './check.js';
import type { Clock } from './clock.js';
import type { BlockDevice } from './contract.js';
import { BlockError } from './error.js';

/** Checks of options, each throwing `INVALID_ARGUMENT` that names the option, what it must be, and what was given. */

/** Names of options; as a record, so that one left out does not compile. */
export type KnownOptions<T> = Readonly<Record<keyof T, true>>;

/** An object with known options alone, or `INVALID_ARGUMENT`. `what` says in the message which options are meant. */
export function checkOptionNames<T extends object>(options: T, known: KnownOptions<T>, what = 'options'): void {
  if (typeof options !== 'object' || options === null) {
    throw new BlockError('INVALID_ARGUMENT', `${what} must be an object, not ${show(options)}`);
  }
  if (Array.isArray(options)) throw new BlockError('INVALID_ARGUMENT', `${what} must be an object, not an array`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const names = Object.keys(known).join(', ');
    throw new BlockError('INVALID_ARGUMENT', `unknown option "${name}" in ${what}; there are: ${names}`);
  }
}

/** The longest time, in milliseconds, that timers can wait: longer ones fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** True or false. */
export function checkBoolean(value: unknown, what: string): asserts value is boolean {
  if (typeof value !== 'boolean') throw wrong(what, 'true or false', value);
}

/** A safe integer from `min` to `max`. */
export function checkIntegerBetween(
  value: unknown,
  what: string,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw wrong(
    what,
    max === Number.MAX_SAFE_INTEGER ? `a safe integer of at least ${min}` : `an integer from ${min} to ${max}`,
    value,
  );
}

/** A number, which may be a fraction, from `min` to `max`. */
export function checkNumberBetween(value: unknown, what: string, min: number, max: number): asserts value is number {
  if (typeof value === 'number' && value >= min && value <= max) return;
  throw wrong(what, `a number from ${min} to ${max}`, value);
}

/** Whole milliseconds that a timer can wait. */
export function checkTimeMs(value: unknown, what: string, min = 0): asserts value is number {
  checkIntegerBetween(value, what, min, TIMER_MS_MAX);
}

/** One of a few words. */
export function checkOneOf<T extends string>(value: unknown, what: string, words: readonly T[]): asserts value is T {
  if ((words as readonly unknown[]).includes(value)) return;
  const quoted = words.map((word) => `'${word}'`);
  throw wrong(what, [quoted.slice(0, -1).join(', '), quoted.at(-1)].filter(Boolean).join(' or '), value);
}

/** Throws `INVALID_ARGUMENT` for what is not a function. `what` is the name of the option. */
export function checkFunction(value: unknown, what: string): void {
  if (typeof value !== 'function') throw wrong(what, 'a function', value);
}

/** What has the methods of a {@link Clock}. */
export function checkClock(value: unknown, what = 'clock'): asserts value is Clock {
  checkMethods(value, what, ['now', 'set', 'clear'], 'a clock: an object with now, set and clear');
}

/** What has the methods of a {@link BlockDevice}. */
export function checkDevice(value: unknown, what: string): asserts value is BlockDevice {
  checkMethods(value, what, ['read', 'write', 'flush', 'disconnect'], 'a block device');
}

function checkMethods(value: unknown, what: string, methods: readonly string[], description: string): void {
  const has = (name: string) => typeof (value as Record<string, unknown>)[name] === 'function';
  if (typeof value === 'object' && value !== null && methods.every(has)) return;
  throw wrong(what, description, value);
}

function wrong(what: string, description: string, value: unknown): BlockError {
  return new BlockError('INVALID_ARGUMENT', `${what} must be ${description}, not ${show(value)}`);
}
