import { BlockError, isBlockError } from '@blockyard/block';
import { isId, newId, type ObjectStore, readWhole } from '@blockyard/object-store';
import { parseRoot } from '@blockyard/volume-root';
import { pinPrefix, rootKey } from '../format/keys.js';
import { ROOT_BYTES_MAX } from '../format/root.js';
import type { FoundVolume } from '../volume/volume-place.js';

/** What a pin says: which volume lives on the snapshot. */
interface Pin {
  readonly prefix: string;
  readonly volumeId: string;
}

const PIN_BYTES_MAX = 4096;
/** A pin without a clone may be of one that is being made. After a day it is not. */
const MAKING_MS_MAX = 86_400_000;

/** Says that a clone lives on a snapshot. Returns the key of the pin. */
export async function putPin({ store, prefix }: FoundVolume, snapshot: string, clone: Pin): Promise<string> {
  const key = pinPrefix(prefix, snapshot) + clone.volumeId;
  const body = Buffer.from(`${JSON.stringify({ prefix: clone.prefix, volumeId: clone.volumeId }, null, 2)}\n`);
  const result = await store.put(key, body, 'absent', newId());
  if (result.kind === 'failed') throw result.error;
  if (result.kind === 'lost') throw new BlockError('ALREADY_EXISTS', `${store.urlOf(key)} is there already`);
  return key;
}

export async function deleteObject(store: Pick<ObjectStore, 'delete'>, key: string): Promise<void> {
  const [result] = await store.delete([{ key }]);
  if (isBlockError(result)) throw result;
}

/** A clone that lives on the snapshot, or may be about to, in words; undefined if there are none. In doubt there is one. */
export async function findClone({ store, prefix }: FoundVolume, snapshot: string): Promise<string | undefined> {
  const before = pinPrefix(prefix, snapshot);
  for await (const objects of store.list(before)) {
    for (const { key, modifiedMs } of objects) {
      const pin = await readPin(store, key);
      if (pin === undefined) continue;
      const root = await readWhole(store, rootKey(pin.prefix), ROOT_BYTES_MAX);
      if (root === undefined) {
        const ageMs = (store.dates.latestMs ?? Date.now()) - modifiedMs;
        // The age is not a number where the store does not say it.
        if (ageMs > MAKING_MS_MAX) continue;
        return `a clone that may be being made (${store.urlOf(key)})`;
      }
      const { fields } = parseRoot(root.bytes, store.urlOf(rootKey(pin.prefix)));
      if (fields.volumeId === pin.volumeId) return `the clone ${store.urlOf(pin.prefix)}`;
    }
  }
  return undefined;
}

/** Undefined if it is gone. */
async function readPin(store: ObjectStore, key: string): Promise<Pin | undefined> {
  const found = await readWhole(store, key, PIN_BYTES_MAX);
  if (found === undefined) return undefined;
  try {
    const { prefix, volumeId } = JSON.parse(Buffer.from(found.bytes).toString()) as Record<string, unknown>;
    if (typeof prefix === 'string' && prefix !== '' && isId(volumeId)) return { prefix, volumeId };
  } catch {
    // As below.
  }
  throw new BlockError('CORRUPT', `${store.urlOf(key)}: is no pin`);
}
