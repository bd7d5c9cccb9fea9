import { type CacheOptions, checkOptions } from './options.js';
import { planMemory } from './plan.js';

/**
 * Throws what `connectCache` would reject with, over a device with sectors of that size in bytes: `INVALID_ARGUMENT`. For what a
 * device is opened for that is not to be opened in vain.
 *
 * @example
 * ```ts
 * import { checkCacheOptions } from '@blockyard/cache';
 *
 * checkCacheOptions({ maxSizeBytes: 2 ** 20 }, 4096);
 * ```
 */
export function checkCacheOptions(options: CacheOptions, sectorSize: number): void {
  planMemory(checkOptions(options, sectorSize), sectorSize);
}
