import type { VolumeKeys } from '@blockyard/backend-log';
import { BlockError } from '@blockyard/block';
import type { CachedObjectStore } from '@blockyard/object-cache';
import type { ObjectStore } from '@blockyard/object-store';
import { openMedium, TIER_FILES } from './folder.js';
import type { TierSettings } from './settings.js';
import { sharesOf } from './sizes.js';

/**
 * Puts the object cache of a tier before the store of a log volume, whose objects have these keys. Rejects, with the store
 * closed, as `connectObjectCache` and `openMedium` do. The tier is locked when this resolves.
 */
export async function openCachedStore(
  store: ObjectStore,
  { immutable: scopes }: VolumeKeys,
  { directory, maxSizeBytes, onError }: TierSettings,
): Promise<CachedObjectStore> {
  let isCached = false;
  try {
    const { connectObjectCache } = await import('@blockyard/object-cache');
    const size = { newBytes: sharesOf(maxSizeBytes).objectCacheBytes, isForced: maxSizeBytes !== undefined };
    const medium = await openMedium(directory, TIER_FILES.objectCache, size);
    isCached = true;
    return await connectObjectCache({ store, medium, scopes, onError });
  } catch (error) {
    if (!isCached) store.close();
    throw BlockError.from(error, { operation: 'connect' });
  }
}
