import { BlockError } from '@blockyard/block';
import { openStore } from './client.js';
import { nameOf } from './connect.js';
import { indexOfKey, type Keys, keysOf } from './keys.js';
import { checkDeleteOptions, type StoreOptions } from './options.js';
import { isId } from './root.js';
import { BATCH_KEYS_MAX, type ObjectStore } from './store.js';

/**
 * Deletes a volume with all its data, also a damaged one, and what is left of one that was deleted in part. Nothing else under
 * the prefix is touched.
 *
 * The root goes last, so that a deletion that was interrupted can be made again. A writer that is connected finds the volume gone
 * at its next flush; disconnect it first, or it may leave objects behind.
 *
 * Rejects with `NOT_FOUND` if there is nothing to delete, `ACCESS_DENIED`, `INVALID_ARGUMENT`, `UNAVAILABLE`, `TIMEOUT`.
 */
export async function deleteVolume(options: StoreOptions): Promise<void> {
  try {
    const settings = checkDeleteOptions(options);
    const store = openStore(settings, 1);
    try {
      await deleteAll(store, keysOf(settings.prefix));
    } finally {
      store.close();
    }
  } catch (error) {
    throw BlockError.from(error, { device: nameOf(options) });
  }
}

async function deleteAll(store: ObjectStore, keys: Keys): Promise<void> {
  const root = await store.head(keys.root);
  const data = await deleteListed(store, keys.dataPrefix, (key) => indexOfKey(keys, key) !== undefined);
  // Left there by a process that died while it tried the store out.
  await deleteListed(store, keys.probePrefix, (key) => isId(key.slice(keys.probePrefix.length)));
  if (root !== undefined) await deleteBatch(store, [keys.root]);
  else if (data === 0) throw new BlockError('NOT_FOUND', `no volume here: ${store.urlOf(keys.root)} does not exist`);
}

/** Deletes those of the keys under `prefix` that are ours, and says how many. */
async function deleteListed(store: ObjectStore, prefix: string, isOurs: (key: string) => boolean): Promise<number> {
  let deleted = 0;
  let after: string | undefined;
  for (;;) {
    const { objects, more } = await store.list(prefix, after, BATCH_KEYS_MAX);
    const ours = objects.map(({ key }) => key).filter(isOurs);
    await deleteBatch(store, ours);
    deleted += ours.length;
    after = objects.at(-1)?.key;
    if (!more || after === undefined) return deleted;
  }
}

async function deleteBatch(store: ObjectStore, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  for (const result of await store.deleteBatch(keys.map((key) => ({ key })))) {
    if (result instanceof BlockError) throw result;
  }
}
