import { BlockError } from '@blockyard/block';
import { openStore } from './client.js';
import { nameOf } from './connect.js';
import { keysOf } from './keys.js';
import { type CreateSettings, type CreateVolumeOptions, checkCreateOptions } from './options.js';
import { probeForWriting } from './probe.js';
import { partSizeFor, type Root } from './root.js';
import { putRoot } from './root-object.js';
import { newId } from './stamp.js';
import type { ObjectStore } from './store.js';

/**
 * Makes a new volume that reads as zeroes, which costs one small object whatever its size. The bucket must exist.
 *
 * Rejects with `ALREADY_EXISTS` if there is a volume, or what is left of one; `UNSUPPORTED` if the store ignores conditions;
 * `NOT_FOUND`, `ACCESS_DENIED`, `INVALID_ARGUMENT`, `UNALIGNED`, `UNAVAILABLE`, `TIMEOUT`. Leaves nothing behind then, unless the
 * store fell silent while it stored the root: then the volume may exist, and be deleted or connected to.
 */
export async function createVolume(options: CreateVolumeOptions): Promise<void> {
  try {
    const settings = checkCreateOptions(options);
    const store = openStore(settings, 1);
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
  if ((await store.head(keys.root)) !== undefined) throw exists(store, keys.root);
  const { objects } = await store.list(keys.dataPrefix, undefined, 1);
  if (objects.length > 0) {
    const what = `${store.urlOf(keys.dataPrefix)} has objects, but there is no volume; deleteVolume removes them`;
    throw new BlockError('ALREADY_EXISTS', what);
  }
  ({ conditionalPuts: store.conditionalPuts } = await probeForWriting(store, keys, allowUnsafeStore));
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
  const result = await putRoot(store, keys, root, 'absent');
  if (result.kind === 'failed') throw result.error;
  if (result.kind === 'lost') throw exists(store, keys.root);
}

function exists(store: ObjectStore, key: string): BlockError {
  return new BlockError('ALREADY_EXISTS', `there is a volume already: ${store.urlOf(key)}`);
}
