import type { Stamp } from './stamp.js';

/** One version of an object. */
export interface Version {
  /** With its quotes, and in the same form however the store wrote it. */
  readonly etag: string;
  /** Bytes of the whole object. */
  readonly sizeBytes: number;
  readonly stamp: Stamp | undefined;
}
