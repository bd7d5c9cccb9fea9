import { BlockError, type TierAttachment } from '@blockyard/block';
import { readWhole } from '@blockyard/object-store';
import { dataPrefix, mapPrefix, rootKey } from '../format/keys.js';
import { ROOT_BYTES_MAX, volumesIn } from '../format/root.js';
import { checkPlaceOptions, type LogPlace } from '../volume/options.js';

/** Keys that begin alike, whose objects never change under their name. */
export interface ImmutableKeys {
  readonly prefix: string;
  /** What the objects are of: the id of a volume, and their kind. */
  readonly id: string;
}

/** Of a volume, for the tiers above and below it. */
export interface VolumeKeys {
  readonly volumeId: string;
  /** Its own, and those of the volumes that it has objects of. */
  readonly immutable: readonly ImmutableKeys[];
  /** The local tier that has what was flushed and is not in the store; null for none. */
  readonly tier: TierAttachment | null;
}

/**
 * Keys of a volume's objects that never change: all but its root. Reads the root, and believes it: no secret is needed. Compare
 * the id with that of the device that is opened afterwards, since another volume may be made in its place in between.
 *
 * Rejects with `NOT_FOUND` if there is no volume, `CORRUPT` or `UNSUPPORTED` if its root cannot be read.
 */
export async function immutableKeysOf(options: LogPlace): Promise<VolumeKeys> {
  const { store, prefix } = checkPlaceOptions(options);
  const key = rootKey(prefix);
  const where = store.urlOf(key);
  const found = await readWhole(store, key, ROOT_BYTES_MAX);
  if (found === undefined) throw new BlockError('NOT_FOUND', `no volume here: ${where} does not exist`);
  const { volumeId, bases, tier } = volumesIn(found.bytes, where);
  const immutable = new Map<string, string>();
  for (const volume of [{ volumeId, prefix }, ...bases]) {
    for (const each of [
      dataPrefix(volume.prefix, 'log'),
      dataPrefix(volume.prefix, 'pack'),
      mapPrefix(volume.prefix),
    ]) {
      if (!immutable.has(each)) immutable.set(each, `${volume.volumeId}/${each.slice(volume.prefix.length + 1, -1)}`);
    }
  }
  return { volumeId, immutable: [...immutable].map(([prefix, id]) => ({ prefix, id })), tier };
}
