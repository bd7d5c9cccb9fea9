import { BlockError } from '@blockyard/block';
import type { Geometry } from './geometry.js';
import { dataKey, indexOfKey, type Keys } from './keys.js';
import type { KnownObjects } from './known-objects.js';
import { eachInParallel } from './slots.js';
import { BATCH_KEYS_MAX, type ObjectStore } from './store.js';

/**
 * Finds all data objects, those past the end of the volume too: growing must know of them.
 *
 * A volume of more than a page's worth of objects is listed in up to `parallelMax` ranges at once. `UNSUPPORTED` if the store
 * does not list in order, as S3's directory buckets do not.
 */
export async function listObjects(
  store: Pick<ObjectStore, 'list'>,
  keys: Keys,
  geometry: Geometry,
  known: KnownObjects,
  parallelMax: number,
): Promise<void> {
  const { objectCount } = geometry;
  const rangeCount = Math.max(1, Math.min(parallelMax, Math.ceil(objectCount / BATCH_KEYS_MAX)));
  const ranges = Array.from({ length: rangeCount }, (_, number) => ({
    from: Math.floor((objectCount * number) / rangeCount),
    // The last range has no end.
    end: number + 1 === rangeCount ? Number.MAX_SAFE_INTEGER : Math.floor((objectCount * (number + 1)) / rangeCount),
  }));
  await eachInParallel(ranges, parallelMax, ({ from, end }) => listRange(store, keys, known, from, end));
}

async function listRange(
  store: Pick<ObjectStore, 'list'>,
  keys: Keys,
  known: KnownObjects,
  from: number,
  end: number,
): Promise<void> {
  let after = from === 0 ? undefined : dataKey(keys, from - 1);
  for (;;) {
    const { objects, more } = await store.list(keys.dataPrefix, after, BATCH_KEYS_MAX);
    for (const { key, etag } of objects) {
      if (after !== undefined && key <= after) {
        throw new BlockError('UNSUPPORTED', `the store does not list in order: ${key} came after ${after}`);
      }
      after = key;
      const index = indexOfKey(keys, key);
      if (index === undefined) continue;
      if (index >= end) return;
      known.listed(index, etag);
    }
    if (!more || objects.length === 0) return;
  }
}
