import { BlockError, checkInteger } from '@blockyard/block';
import type { LayerOptions } from './layer.js';

/** Names of options; as a record, so that it does not compile when one is missing. */
export type Known<T> = Readonly<Record<keyof T, true>>;

/** An object with known options alone, or `INVALID_ARGUMENT`. */
export function checkOptions<T extends object>(options: T, known: Known<T>, what = 'options'): void {
  if (typeof options !== 'object' || options === null)
    throw invalid(`${what} must be an object, not ${String(options)}`);
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(known, name)) throw invalid(`unknown option "${name}" in ${what}`);
  }
}

/** The one option that every layer has. */
export function checkOwnsBase({ ownsBase }: LayerOptions, fallback = true): boolean {
  if (ownsBase === undefined) return fallback;
  if (typeof ownsBase !== 'boolean') throw invalid(`ownsBase must be true or false, not ${String(ownsBase)}`);
  return ownsBase;
}

/** A number that may be a fraction, from `min` to `max`. */
export function checkNumber(value: unknown, what: string, min: number, max: number): void {
  if (typeof value === 'number' && value >= min && value <= max) return;
  throw invalid(`${what} must be a number from ${min} to ${max}, not ${String(value)}`);
}

/** A safe integer of at least one. */
export function checkPositive(value: unknown, what: string): void {
  checkInteger(value, what);
  if (value === 0) throw invalid(`${what} must be at least 1`);
}

export function invalid(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message);
}
