import { BlockError } from '@blockyard/block';
import type { Stamp } from './stamp.js';

/** One version of an object. */
export interface Version {
  /** As the store gave it, quotes included. */
  readonly etag: string;
  /** Bytes of the whole object. */
  readonly sizeBytes: number;
  readonly stamp: Stamp | undefined;
}

/** What every store must say and the SDK's types leave open. */
export function present(value: string | undefined, message: string): string {
  if (value === undefined) throw new BlockError('UNSUPPORTED', message);
  return value;
}
