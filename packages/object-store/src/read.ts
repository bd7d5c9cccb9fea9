import { BlockError, byteLengthOf } from '@blockyard/block';
import { BufferCursor } from '@blockyard/block/async';
import type { Sink } from './sink.js';
import type { GetResult, ObjectStore } from './store.js';
import type { ObjectVersion } from './version.js';

/** Reads bytes of an object, from `offset` on, into buffers, one after the other, with zeroes past the object's end. */
export function readInto(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  target: readonly Uint8Array[],
  offset: number,
): Promise<GetResult> {
  return store.get(key, { offset, lengthBytes: byteLengthOf(target) }, () => sinkInto(target));
}

/** Fills buffers, one after the other, with what comes in pieces of any size. What is left in the end is zeroes. */
export function sinkInto(buffers: readonly Uint8Array[]): Sink {
  const cursor = new BufferCursor(buffers);
  return { push: (piece) => cursor.fill(piece), end: () => cursor.fillRestWithZeroes() };
}

/** All of a small object, or undefined if there is none. `CORRUPT` if it is empty or has more than `maxBytes` bytes. */
export async function readWhole(
  store: Pick<ObjectStore, 'get' | 'urlOf'>,
  key: string,
  maxBytes: number,
): Promise<{ readonly version: ObjectVersion; readonly bytes: Uint8Array } | undefined> {
  let bytes = new Uint8Array(0);
  const version = await store.get(key, { offset: 0, lengthBytes: maxBytes }, ({ sizeBytes }) => {
    // Of what it needs: roots may be large, are mostly small, and are read all the time.
    bytes = new Uint8Array(Math.min(sizeBytes, maxBytes));
    return sinkInto([bytes]);
  });
  if (version === undefined) return undefined;
  if (version === 'busy') throw busy(store.urlOf(key));
  if (version === 'beyond') throw new BlockError('CORRUPT', `${store.urlOf(key)}: is empty`);
  if (version.sizeBytes > maxBytes) {
    throw new BlockError('CORRUPT', `${store.urlOf(key)}: has ${version.sizeBytes} bytes, more than ${maxBytes}`);
  }
  return { version, bytes };
}

/** The error for a `'busy'` that does not end. */
export function busy(url: string): BlockError {
  return new BlockError('UNAVAILABLE', `${url}: is being replaced all the time`);
}
