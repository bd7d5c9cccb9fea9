import { BlockError } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import {
  checkPrefix,
  holderStateOf,
  readRoot,
  systemVolumeClock,
  type VolumeHolder,
  volumeHolderOf,
} from '@blockyard/volume-root';
import { keysOf, LONGEST_KEY_BYTES } from './layout/keys.js';
import { ROOT_FORMAT } from './root/root.js';

/** Where a volume of chunks is: what its keys begin with, in a store that is open, and stays so. */
export interface VolumePlace {
  readonly store: ObjectStore;
  readonly prefix: string;
}

/** What a volume is, as its root says. */
export interface VolumeSummary {
  readonly volumeId: string;
  readonly sizeBytes: number;
  readonly sectorSize: number;
  /** Bytes of the volume in one object. */
  readonly objectSizeBytes: number;
  /** Who has it open for writing; null for no one. */
  readonly holder: VolumeHolder | null;
  /** Times that it was opened for writing. */
  readonly epoch: number;
}

/**
 * Looks at a volume beside a process that has it open, by one request. Rejects with `NOT_FOUND` if there is none, `CORRUPT` or
 * `UNSUPPORTED` if its root cannot be used, and what the store fails with.
 */
export async function inspectVolume({ store, prefix }: VolumePlace, clock = systemVolumeClock): Promise<VolumeSummary> {
  checkPrefix(prefix, LONGEST_KEY_BYTES);
  const key = keysOf(prefix).root;
  try {
    store.dates.watch(key);
    const { root } = await readRoot({ store, key, format: ROOT_FORMAT });
    const { volumeId, sectorSize, sizeSectors, objectSizeBytes, writerEpoch } = root;
    const holder = volumeHolderOf(holderStateOf(root, store.dates.watched, clock));
    const sizeBytes = sizeSectors * sectorSize;
    return { volumeId, sizeBytes, sectorSize, objectSizeBytes, holder, epoch: writerEpoch };
  } catch (error) {
    throw BlockError.from(error, { device: store.urlOf(prefix) });
  }
}
