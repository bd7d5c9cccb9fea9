import { BlockError } from '@blockyard/block';
import type { CachedObjectStore } from '@blockyard/object-cache';
import type { ObjectStore } from '@blockyard/object-store';
import { openMedium, TIER_FILES } from './folder.js';
import type { TierSettings } from './settings.js';
import { sharesOf } from './sizes.js';

/** A log volume's store with an object cache before it. */
export interface CachedVolumeStore {
  readonly store: CachedObjectStore;
  /** The volume whose objects are kept. */
  readonly volumeId: string;
}

/**
 * Puts the object cache of a tier before the store of a log volume. Rejects, with the store closed, as `connectObjectCache` does,
 * as `openMedium` does, and if there is no volume. The tier is locked when this resolves.
 */
export async function openCachedStore(
  store: ObjectStore,
  prefix: string,
  { directory, maxSizeBytes, onError }: TierSettings,
): Promise<CachedVolumeStore> {
  let isCached = false;
  try {
    const [{ immutableKeysOf }, { connectObjectCache }] = await Promise.all([
      import('@blockyard/backend-log'),
      import('@blockyard/object-cache'),
    ]);
    const { volumeId, immutable: scopes } = await immutableKeysOf({ store, prefix });
    const size = { newBytes: sharesOf(maxSizeBytes).objectCacheBytes, isForced: maxSizeBytes !== undefined };
    const medium = await openMedium(directory, TIER_FILES.objectCache, size);
    isCached = true;
    return { store: await connectObjectCache({ store, medium, scopes, onError }), volumeId };
  } catch (error) {
    if (!isCached) store.close();
    throw BlockError.from(error, { operation: 'connect' });
  }
}
