import assert from 'node:assert/strict';
import { type BlockErrorCode, isBlockError } from '@blockyard/block';
import { newId } from '../../ids.js';
import { readInto } from '../../read.js';
import type { Condition, Listed, ListOptions, ObjectStore, PutResult } from '../../store.js';
import type { StoreContext } from './subject.js';

/** Bytes that differ from place to place, and with the seed. */
export function bytesOf(lengthBytes: number, seed = 1): Uint8Array {
  return Uint8Array.from(
    { length: lengthBytes },
    (_, position) => (position * 31 + (position >> 8) * 7 + seed * 101) % 251,
  );
}

/** Stores an object with a stamp of its own, and gives its ETag. */
export async function stored(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  condition: Condition = 'absent',
  stamp: string = newId(),
): Promise<string> {
  return etagOf(await store.put(key, body, condition, stamp));
}

export function etagOf(result: PutResult): string {
  if (result.kind === 'failed') throw result.error;
  assert.equal(result.kind, 'stored');
  return result.kind === 'stored' ? result.etag : '';
}

/** The whole body of an object that must be there. */
export async function bodyOf(store: ObjectStore, key: string): Promise<Uint8Array> {
  const version = await store.head(key);
  assert.ok(version, `${key} is not there`);
  const target = new Uint8Array(version.sizeBytes);
  if (target.byteLength > 0) assert.equal(typeof (await readInto(store, key, [target], 0)), 'object');
  return target;
}

export function assertBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.ok(Buffer.compare(actual, expected) === 0, `${what}: other bytes than were stored`);
}

export async function listed(store: ObjectStore, prefix: string, options?: ListOptions): Promise<Listed[]> {
  const found: Listed[] = [];
  for await (const page of store.list(prefix, options)) found.push(...page);
  return found;
}

export async function keysIn({ store, prefix }: StoreContext, options?: ListOptions): Promise<string[]> {
  return (await listed(store, prefix, options)).map(({ key }) => key.slice(prefix.length)).sort();
}

/** That the promise rejects with a BlockError of that code. */
export async function assertRejects(promise: Promise<unknown>, code: BlockErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isBlockError(error, code), `${error} is not ${code}`);
    return true;
  });
}
