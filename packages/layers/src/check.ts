import { BlockError, checkBoolean } from '@blockyard/block';
import type { LayerOptions } from './layer.js';

/** The one option that every layer has. */
export function checkOwnsBase({ ownsBase }: LayerOptions, fallback = true): boolean {
  if (ownsBase === undefined) return fallback;
  checkBoolean(ownsBase, 'ownsBase');
  return ownsBase;
}

export function invalid(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message);
}
