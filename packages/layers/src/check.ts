import { BlockError, checkInteger } from '@blockyard/block';
import type { LayerOptions } from './layer.js';

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
