import { WIDE_ZEROES_BYTES } from '../format/layout.js';
import type { Change } from './change.js';

/** Zeroes, or a discard, of so much that what the base has there is never compared with anything. */
export function isWide({ kind, count }: Change, sectorSize: number): boolean {
  return kind !== 'data' && count * sectorSize > WIDE_ZEROES_BYTES;
}

export function hasWide({ changes }: { readonly changes: readonly Change[] }, sectorSize: number): boolean {
  return changes.some((change) => isWide(change, sectorSize));
}
