import { forEachParallel } from '@blockyard/block/async';
import type { Listed, ObjectStore } from '@blockyard/object-store';
import type { Geometry } from '../layout/geometry.js';
import { dataKey, indexOfKey, type Keys } from '../layout/keys.js';

export interface DataObject extends Listed {
  /** The number in its key. */
  readonly index: number;
}

export interface DataPage {
  readonly objects: readonly DataObject[];
  /** No data come after it. */
  readonly isLast: boolean;
}

interface ListDataOptions {
  /** A key that is there and comes after all data. Default: the root. */
  readonly exists?: string | undefined;
  /** Keys in a page. */
  readonly maxKeys?: number | undefined;
}

/**
 * The data objects from number `from` on, in order, a page at a time.
 *
 * They end where another key of the volume comes: the listing goes as far as `exists`. A listing that is empty or ends too soon
 * shows by that it never gets there, and is `CORRUPT`, however well formed it is.
 */
export async function* listData(
  store: Pick<ObjectStore, 'list'>,
  keys: Keys,
  from: number,
  { exists = keys.root, maxKeys }: ListDataOptions = {},
): AsyncGenerator<DataPage, void> {
  const after = from === 0 ? keys.dataPrefix : dataKey(keys, from - 1);
  for await (const objects of store.list(keys.volumePrefix, { inOrder: true, after, reaches: exists, maxKeys })) {
    const data = objects.filter(({ key }) => key.startsWith(keys.dataPrefix));
    const isLast = data.length < objects.length;
    const found = data.flatMap((object) => {
      const index = indexOfKey(keys, object.key);
      return index === undefined ? [] : [{ ...object, index }];
    });
    yield { objects: found, isLast };
    if (isLast) return;
  }
}

/** How a listing is split into requests. */
export interface ListingSplit {
  /** Ranges of the volume that are listed at once. */
  readonly maxConcurrency: number;
  /** Keys in a page. */
  readonly maxKeys: number;
}

/**
 * Finds all data objects, those past the end of the volume too: growing must know of them. Gives each to `visit`, in no
 * particular order.
 *
 * A volume of more than a page's worth of objects is listed in several ranges at once. `UNSUPPORTED` if the store does not list
 * in order, as S3's directory buckets do not.
 */
export async function listObjects(
  store: Pick<ObjectStore, 'list'>,
  keys: Keys,
  geometry: Geometry,
  visit: (object: DataObject) => void,
  { maxConcurrency, maxKeys }: ListingSplit,
): Promise<void> {
  const { objectCount } = geometry;
  const rangeCount = Math.max(1, Math.min(maxConcurrency, Math.ceil(objectCount / maxKeys)));
  const ranges = Array.from({ length: rangeCount }, (_, number) => ({
    from: Math.floor((objectCount * number) / rangeCount),
    // The last range has no end.
    end: number + 1 === rangeCount ? Number.MAX_SAFE_INTEGER : Math.floor((objectCount * (number + 1)) / rangeCount),
  }));
  await forEachParallel(ranges, { maxConcurrency }, async ({ from, end }) => {
    for await (const { objects } of listData(store, keys, from, { maxKeys })) {
      for (const object of objects) {
        if (object.index >= end) return;
        visit(object);
      }
    }
  });
}
