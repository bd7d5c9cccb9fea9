import type { ObjectVersion } from '@blockyard/object-store';
import { HEAD_BYTES, type Layout } from '../format/layout.js';
import type { ObjectIdentity } from '../identity/scopes.js';

/** A range of a part that is to go to the medium. */
export interface NewRange {
  readonly object: ObjectIdentity;
  readonly version: ObjectVersion;
  readonly part: number;
  /** First byte, counted from the beginning of the part. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly uses: number;
}

/** Bytes that its record takes: its head, its data, and the rest of the last unit. */
export function recordBytes(dataBytes: number): number {
  return HEAD_BYTES + Math.ceil(dataBytes / HEAD_BYTES) * HEAD_BYTES;
}

/** First and last step of a range. */
export function stepsOf(
  { stepBytes }: Layout,
  offset: number,
  lengthBytes: number,
): { readonly firstStep: number; readonly lastStep: number } {
  return {
    firstStep: Math.floor(offset / stepBytes),
    lastStep: Math.floor((offset + lengthBytes - 1) / stepBytes),
  };
}

/** Most bytes that the data of a record with these steps have. */
export function maxDataBytes({ stepBytes }: Layout, firstStep: number, lastStep: number): number {
  return (lastStep + 1 - firstStep) * stepBytes;
}

/** What an object's bytes `start` to `end` are in its parts. */
export function* partsOf(
  { partBytes }: Layout,
  start: number,
  end: number,
): Generator<{ readonly part: number; readonly offset: number; readonly lengthBytes: number }> {
  for (let at = start; at < end; ) {
    const part = Math.floor(at / partBytes);
    const to = Math.min(end, (part + 1) * partBytes);
    yield { part, offset: at - part * partBytes, lengthBytes: to - at };
    at = to;
  }
}
