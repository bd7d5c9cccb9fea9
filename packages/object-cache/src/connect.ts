import { BlockError } from '@blockyard/block';
import { type CachedObjectStore, CachedStore } from './cached-store.js';
import { checkOptions, type ObjectCacheOptions } from './options.js';
import { Tier } from './tier.js';

/**
 * An object store over an object store, which keeps ranges of immutable objects on a medium, across restarts. It is ready at
 * once: what is on the medium is read behind the first requests. Store and medium are its own from now on: they end when it is
 * closed, or when this rejects.
 *
 * Rejects with `INVALID_ARGUMENT` if an option is wrong or unknown, or the medium is too small; `ALREADY_EXISTS` if something
 * else is on the medium; `CORRUPT` if it was damaged where it says what it is; `UNSUPPORTED` if a later version has written it.
 * A medium that fails is no reason: it is left out, and tried again later.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectObjectCache } from '@blockyard/object-cache';
 * import { MemoryStore, newId, readWhole } from '@blockyard/object-store';
 *
 * const store = new MemoryStore();
 * await store.put('packs/1', Buffer.from('never changes'), 'absent', newId());
 * const medium = await connectMemory({ sectorSize: 4096, sizeSectors: 2 ** 14 }); // a file, as a rule
 * const cached = await connectObjectCache({ store, medium, scopes: [{ prefix: 'packs/', id: 'a/packs' }] });
 * const found = await readWhole(cached, 'packs/1', 100);
 * console.log(new TextDecoder().decode(found?.bytes)); // never changes
 * cached.close();
 * await cached.ended;
 * ```
 */
export async function connectObjectCache(options: ObjectCacheOptions): Promise<CachedObjectStore> {
  try {
    const settings = checkOptions(options);
    const tier = new Tier(settings);
    await tier.open();
    return new CachedStore(settings, tier);
  } catch (error) {
    options?.store?.close?.();
    await options?.medium?.disconnect?.({ force: true });
    throw BlockError.from(error, { operation: 'connect', device: 'object cache' });
  }
}
