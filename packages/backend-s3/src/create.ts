import { BlockError } from '@blockyard/block';
import { newId, type ObjectStore, readInto } from '@blockyard/object-store';
import { putRoot } from '@blockyard/volume-root';
import { type Keys, keysOf } from './layout/keys.js';
import { listData } from './objects/listing.js';
import { type CreateSettings, type CreateVolumeOptions, checkCreateOptions } from './options.js';
import { partSizeFor, ROOT_FORMAT, type Root } from './root/root.js';
import { nameOf, openVolumeStore, probeStore } from './volume-store.js';

/**
 * Makes a new volume that reads as zeroes, which costs one small object whatever its size. The bucket must exist.
 *
 * Rejects with `ALREADY_EXISTS` if there is a volume, or what is left of one; `UNSUPPORTED` if the store ignores conditions;
 * `NOT_FOUND`, `ACCESS_DENIED`, `INVALID_ARGUMENT`, `UNALIGNED`, `UNAVAILABLE`, `TIMEOUT`. Leaves nothing behind then, unless
 * the store fell silent while it stored the root: then the volume may exist, and be deleted or connected to.
 *
 * @example
 * ```ts
 * import { createVolume } from '@blockyard/backend-s3';
 *
 * const place = { bucket: 'volumes', prefix: 'disks/a', endpoint: 'http://127.0.0.1:9000' };
 * await createVolume({ ...place, sizeBytes: 2 ** 40 });
 * ```
 */
export async function createVolume(options: CreateVolumeOptions): Promise<void> {
  try {
    const settings = checkCreateOptions(options);
    const store = openVolumeStore(settings, { minConcurrency: 1, maxConcurrency: 1 });
    try {
      await create(store, settings);
    } finally {
      store.close();
    }
  } catch (error) {
    throw BlockError.from(error, { operation: 'create', device: nameOf(options) });
  }
}

async function create(store: ObjectStore, settings: CreateSettings): Promise<void> {
  const { sectorSize, sizeSectors, objectSizeBytes, allowUnsafeStore } = settings;
  const keys = keysOf(settings.prefix);
  // Not a HEAD: its refusal says nothing of the reason.
  if ((await readInto(store, keys.root, [new Uint8Array(1)], 0)) !== undefined) throw exists(store, keys.root);
  await probeStore(store, keys, { allowUnsafeStore }, (scratch) => checkFree(store, keys, scratch));
  const root: Root = {
    volumeId: newId(),
    sectorSize,
    sizeSectors,
    objectSizeBytes,
    partSizeBytes: partSizeFor(sectorSize),
    codec: 'none',
    writerEpoch: 0,
    opening: null,
    holder: null,
    objectCount: 0,
    changeId: newId(),
  };
  const result = await putRoot({ store, key: keys.root, format: ROOT_FORMAT }, root, 'absent');
  if (result.kind === 'failed') throw result.error;
  if (result.kind === 'lost') throw exists(store, keys.root);
}

/** `exists` is a key that comes after all data in a listing. */
async function checkFree(store: ObjectStore, keys: Keys, exists: string): Promise<void> {
  for await (const { objects } of listData(store, keys, 0, { exists })) {
    if (objects.length === 0) continue;
    const what = `${store.urlOf(keys.dataPrefix)} has objects, but there is no volume; deleteVolume removes them`;
    throw new BlockError('ALREADY_EXISTS', what);
  }
}

function exists(store: ObjectStore, key: string): BlockError {
  return new BlockError('ALREADY_EXISTS', `there is a volume already: ${store.urlOf(key)}`);
}
