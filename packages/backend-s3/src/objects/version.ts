import type { ObjectVersion } from '@blockyard/object-store';
import { decodeStamp, type Stamp } from '../layout/stamp.js';
import { HEADER_BYTES_V1 } from './object-v1.js';

/** One version of a data object, and what its stamp says: undefined if it has none, or a damaged one. */
export interface Version extends Omit<ObjectVersion, 'stamp'> {
  readonly stamp: Stamp | undefined;
}

export function versionOf({ etag, sizeBytes, stamp }: ObjectVersion): Version {
  return { etag, sizeBytes, stamp: decodeStamp(stamp) };
}

/** Bytes of the volume in a version of a data object. */
export function dataBytesOf({ stamp, sizeBytes }: Version): number {
  return stamp?.data?.dataBytes ?? sizeBytes - HEADER_BYTES_V1;
}
