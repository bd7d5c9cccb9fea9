import { BlockError } from '@blockyard/block';
import { newId, type ObjectStore, readInto } from '@blockyard/object-store';
import { putRoot } from '@blockyard/volume-root';
import { createProtection } from './encryption/protection.js';
import { rootKey } from './format/keys.js';
import { type LogRoot, rootFormatOf } from './format/root.js';
import { type CreateLogOptions, type CreateLogSettings, checkCreateOptions } from './volume/options.js';
import { probeStore } from './volume/store-probe.js';
import { nameOf } from './volume/volume-place.js';

/**
 * Makes a new volume that reads as zeroes, which costs one small object whatever its size. The store stays open.
 *
 * Rejects with `ALREADY_EXISTS` if there is a volume, or what is left of one; `UNSUPPORTED` if the store ignores conditions;
 * `INVALID_ARGUMENT`, `UNALIGNED`, and what the store fails with. Leaves nothing behind then, unless the store fell silent while
 * it stored the root: then the volume may exist.
 *
 * @example
 * ```ts
 * import { connectLog, createLogVolume } from '@blockyard/backend-log';
 * import { MemoryStore } from '@blockyard/object-store';
 *
 * const place = { store: new MemoryStore(), prefix: 'disks/a' };
 * await createLogVolume({ ...place, sizeBytes: 2 ** 40 });
 * const { info } = await connectLog({ ...place, readOnly: true });
 * console.log(info.sizeSectors * info.sectorSize === 2 ** 40); // true
 * ```
 */
export async function createLogVolume(options: CreateLogOptions): Promise<void> {
  const settings = checkCreateOptions(options);
  try {
    await create(settings);
  } catch (error) {
    throw BlockError.from(error, { operation: 'create', device: nameOf(settings) });
  }
}

async function create(settings: CreateLogSettings): Promise<void> {
  const { store, prefix, sectorSize, sizeSectors, segmentSizeBytes, allowUnsafeStore } = settings;
  const key = rootKey(prefix);
  if ((await readInto(store, key, [new Uint8Array(1)], 0)) !== undefined) throw exists(store, key);
  await probeStore(settings, allowUnsafeStore, (scratch) => checkFree(store, prefix, scratch));
  const { encryption, digest } = await createProtection(settings);
  const root: LogRoot = {
    volumeId: newId(),
    sectorSize,
    sizeSectors,
    segmentSizeBytes,
    codec: 'none',
    encryption,
    writerEpoch: 0,
    opening: null,
    holder: null,
    checkpoint: null,
    epochs: [],
    bases: [],
    snapshots: [],
    tier: null,
    changeId: newId(),
  };
  const result = await putRoot({ store, key, format: rootFormatOf(digest) }, root, 'absent');
  if (result.kind === 'failed') throw result.error;
  if (result.kind === 'lost') throw exists(store, key);
}

/** What is left of another volume would be taken for this one's: its names could come again. */
async function checkFree(store: ObjectStore, prefix: string, scratch: string): Promise<void> {
  for await (const objects of store.list(`${prefix}/`, { reaches: scratch })) {
    const other = objects.find(({ key }) => key !== scratch && !key.startsWith(`${prefix}/probe-`));
    if (other === undefined) continue;
    const what = `there is ${store.urlOf(other.key)} already; what is left of a volume goes when that is deleted again`;
    throw new BlockError('ALREADY_EXISTS', what);
  }
}

function exists(store: ObjectStore, key: string): BlockError {
  return new BlockError('ALREADY_EXISTS', `there is a volume already: ${store.urlOf(key)}`);
}
