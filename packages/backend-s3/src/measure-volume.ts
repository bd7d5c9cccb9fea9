import { BlockError } from '@blockyard/block';
import { MAX_BATCH_KEYS } from '@blockyard/object-store';
import { checkPrefix, readRoot } from '@blockyard/volume-root';
import type { VolumePlace } from './inspect-volume.js';
import { Geometry } from './layout/geometry.js';
import { keysOf, LONGEST_KEY_BYTES } from './layout/keys.js';
import { listObjects } from './objects/listing.js';
import { ROOT_FORMAT } from './root/root.js';

/** What the data of a volume take in the store. */
export interface VolumeSpace {
  /** Bytes of the objects that hold data. */
  readonly dataBytes: number;
  readonly objects: number;
}

/** Ranges of the volume that are listed at once. */
const LISTS_MAX = 16;

/**
 * Measures a volume beside a process that has it open. Lists all its data, a thousand objects with each request. Rejects as
 * `inspectVolume` does.
 */
export async function measureVolume({ store, prefix }: VolumePlace): Promise<VolumeSpace> {
  checkPrefix(prefix, LONGEST_KEY_BYTES);
  const keys = keysOf(prefix);
  const space = { dataBytes: 0, objects: 0 };
  try {
    const { root } = await readRoot({ store, key: keys.root, format: ROOT_FORMAT });
    const add = ({ sizeBytes }: { readonly sizeBytes: number }) => {
      space.dataBytes += sizeBytes;
      space.objects++;
    };
    const split = { maxConcurrency: LISTS_MAX, maxKeys: MAX_BATCH_KEYS };
    await listObjects(store, keys, new Geometry(root), add, split);
    return space;
  } catch (error) {
    throw BlockError.from(error, { device: store.urlOf(prefix) });
  }
}
