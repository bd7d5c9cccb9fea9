import type { UriScheme } from '@blockyard/block';
import { SCHEMES } from './all.js';
import { register } from './registry.js';

/**
 * Makes URIs of a scheme name devices, for every function of this package, in this process and for good.
 *
 * Throws `ALREADY_EXISTS` for a name that is known already, or registered with another scheme, `INVALID_ARGUMENT` for one that is no scheme's, and for
 * a scheme that lacks something.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectUri, registerScheme } from '@blockyard/uri';
 *
 * registerScheme('scratch', {
 *   example: 'scratch:1000',
 *   parameters: [],
 *   durability: { write: 'memory', flush: 'memory' },
 *   connect: ({ path }) => connectMemory({ sizeSectors: Number(path) }),
 * });
 * const device = await connectUri('scratch:1000');
 * console.log(device.info.sizeSectors); // 1000
 * ```
 */
export function registerScheme(name: string, scheme: UriScheme): void {
  register(name, scheme, SCHEMES);
}
