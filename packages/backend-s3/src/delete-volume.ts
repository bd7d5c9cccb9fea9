import { BlockError, isBlockError } from '@blockyard/block';
import { isId, newId, type ObjectStore, readInto } from '@blockyard/object-store';
import { holderStateOf, markDeleted, readEvenDeleted, refuseIfHeld } from '@blockyard/volume-root';
import { indexOfKey, type Keys, keysOf } from './layout/keys.js';
import { listData } from './objects/listing.js';
import { checkDeleteOptions, type DeleteSettings, type DeleteVolumeOptions } from './options.js';
import { ROOT_FORMAT, type Root } from './root/root.js';
import { nameOf, openVolumeStore, probeStore } from './volume-store.js';

/**
 * Passes through what is to be deleted. The last of them finds nothing; a writer that is still at work may make more needed.
 */
const PASSES_MAX = 5;

/**
 * Deletes a volume with all its data, also a damaged one, and what is left of one that was deleted in part. Nothing else under
 * the prefix is touched.
 *
 * The root says that the volume is deleted before the first object goes, and goes last: so a deletion that was interrupted leaves
 * a volume that no one opens, and can be made again. With `takeOver` a writer that is connected is fenced at its next flush, and
 * may leave objects behind.
 *
 * Rejects with `NOT_FOUND` if there is nothing to delete; without `takeOver`, with `LOCKED` if a writer that is alive has the
 * volume open, and `UNSUPPORTED` if the root is of a later version; `ACCESS_DENIED`, `INVALID_ARGUMENT`, `UNAVAILABLE`,
 * `TIMEOUT`.
 */
export async function deleteVolume(options: DeleteVolumeOptions): Promise<void> {
  try {
    const settings = checkDeleteOptions(options);
    const store = openVolumeStore(settings, { minConcurrency: 1, maxConcurrency: 1 });
    try {
      await deleteAll(store, settings);
    } finally {
      store.close();
    }
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(options) });
  }
}

async function deleteAll(store: ObjectStore, settings: DeleteSettings): Promise<void> {
  const keys = keysOf(settings.prefix);
  // Not a HEAD: its refusal says nothing of the reason.
  if ((await readInto(store, keys.root, [new Uint8Array(1)], 0)) !== undefined) {
    await giveUp(store, keys, settings);
    return deleteWith(store, keys, keys.root);
  }
  if (!(await hasData(store, keys))) {
    await deleteUntilGone(store, () => probeKeys(store, keys, undefined));
    throw new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(keys.root)} does not exist`);
  }
  const id = newId();
  const scratch = keys.probePrefix + id;
  try {
    const result = await store.put(scratch, Buffer.from(id), 'any', id);
    if (result.kind === 'failed') throw result.error;
    await deleteWith(store, keys, scratch);
  } catch (error) {
    // The failure is what is told.
    await store.delete([{ key: scratch }]).catch(() => {});
    throw error;
  }
}

/**
 * Sees to it that no one opens the volume from now on. Without `takeOver` throws `LOCKED` if a process that is alive has it, and
 * `UNSUPPORTED` for a root of a later version, which may say so. A damaged one names no one, and opens for no one. A store that is
 * full takes no mark: there, deleting is what makes room, so it goes on without.
 */
async function giveUp(store: ObjectStore, keys: Keys, { clock, takeOver }: DeleteSettings): Promise<void> {
  store.dates.watch(keys.root);
  const check = (root: Root) => {
    if (!takeOver) refuseIfHeld(holderStateOf(root, store.dates.watched, clock), store.urlOf(keys.root));
  };
  const place = { store, key: keys.root, format: ROOT_FORMAT };
  try {
    const { root } = await readEvenDeleted(place);
    if (root.isDeleted === true) return;
    check(root);
    // Only then it is known in which form the store wants its conditions.
    await probeStore(store, keys, { allowUnsafeStore: true });
    await markDeleted(place, check);
  } catch (error) {
    const isUnreadable = isBlockError(error, 'CORRUPT') || isBlockError(error, 'NOT_FOUND');
    const isAccepted = takeOver && isBlockError(error, 'UNSUPPORTED');
    if (!isUnreadable && !isAccepted && !isBlockError(error, 'NO_SPACE')) throw error;
  }
}

/** Deletes all that is the volume's. `exists` is there to the end: by it a listing shows that it is complete. */
async function deleteWith(store: ObjectStore, keys: Keys, exists: string): Promise<void> {
  await deleteUntilGone(store, () => dataKeys(store, keys, exists));
  // Left there by a process that died while it tried the store out.
  await deleteUntilGone(store, () => probeKeys(store, keys, exists));
  await deleteUntilGone(store, async function* () {
    if ((await store.head(exists)) !== undefined) yield [exists];
  });
}

async function hasData(store: ObjectStore, keys: Keys): Promise<boolean> {
  for await (const objects of store.list(keys.dataPrefix, { inOrder: true })) {
    if (objects.some(({ key }) => indexOfKey(keys, key) !== undefined)) return true;
  }
  return false;
}

async function* dataKeys(store: ObjectStore, keys: Keys, exists: string): AsyncGenerator<string[]> {
  for await (const { objects } of listData(store, keys, 0, { exists })) yield objects.map(({ key }) => key);
}

async function* probeKeys(store: ObjectStore, keys: Keys, exists: string | undefined): AsyncGenerator<string[]> {
  for await (const objects of store.list(keys.volumePrefix, {
    inOrder: true,
    after: keys.probePrefix,
    reaches: exists,
  })) {
    const probes = objects.map(({ key }) => key).filter((key) => key.startsWith(keys.probePrefix));
    yield probes.filter((key) => key !== exists && isId(key.slice(keys.probePrefix.length)));
    if (probes.length < objects.length) return;
  }
}

/**
 * Deletes what `find` finds, a page at a time, and looks again until there is nothing. Throws if that does not come to an end.
 */
async function deleteUntilGone(store: ObjectStore, find: () => AsyncGenerator<string[]>): Promise<void> {
  let left: string | undefined;
  for (let passes = 0; passes < PASSES_MAX; passes++) {
    left = undefined;
    for await (const keys of find()) {
      left = keys[0] ?? left;
      await deleteBatch(store, keys);
    }
    if (left === undefined) return;
  }
  throw new BlockError(
    'UNAVAILABLE',
    `${store.urlOf(left ?? '')}: is still there after it was deleted ${PASSES_MAX} times`,
  );
}

async function deleteBatch(store: ObjectStore, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  for (const result of await store.delete(keys.map((key) => ({ key })))) {
    if (result instanceof BlockError) throw result;
  }
}
