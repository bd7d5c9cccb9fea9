import type { VolumeKeys } from '@blockyard/backend-log';
import { BlockError } from '@blockyard/block';
import type { CachedObjectStore } from '@blockyard/object-cache';
import type { ObjectStore } from '@blockyard/object-store';
import { openMedium, TIER_FILES } from './folder.js';
import type { TierSettings } from './settings.js';
import { sharesOf } from './sizes.js';

/** After an opening for which clients wait, its indexes are read once they have been served: so many milliseconds later. */
const LATE_LOAD_MS = 100;

/**
 * Puts the object cache of a tier before the store of a log volume, whose objects have these keys. Rejects, with the store
 * closed, as `connectObjectCache` and `openMedium` do. The tier is locked when this resolves. `isHurried`: clients wait for it.
 */
export async function openCachedStore(
  store: ObjectStore,
  { immutable: scopes }: VolumeKeys,
  { directory, maxSizeBytes, onError }: TierSettings,
  isHurried: boolean,
): Promise<CachedObjectStore> {
  let isCached = false;
  try {
    const { connectObjectCache } = await import('@blockyard/object-cache');
    const size = { newBytes: sharesOf(maxSizeBytes).objectCacheBytes, isForced: maxSizeBytes !== undefined };
    const medium = await openMedium(directory, TIER_FILES.objectCache, size);
    isCached = true;
    return await connectObjectCache({ store, medium, scopes, onError, loadDelayMs: isHurried ? LATE_LOAD_MS : 0 });
  } catch (error) {
    if (!isCached) store.close();
    throw BlockError.from(error, { operation: 'connect' });
  }
}
