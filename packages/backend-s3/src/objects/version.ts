import { HEADER_BYTES_V1 } from './object-v1.js';
import type { Stamp } from './stamp.js';

/** One version of an object. */
export interface Version {
  /** With its quotes, and in the same form however the store wrote it. */
  readonly etag: string;
  /** Bytes of the whole object. */
  readonly sizeBytes: number;
  readonly stamp: Stamp | undefined;
}

/** Bytes of the volume in a version of a data object. */
export function dataBytesOf({ stamp, sizeBytes }: Version): number {
  return stamp?.data?.dataBytes ?? sizeBytes - HEADER_BYTES_V1;
}
