import type { UriScheme } from '@blockyard/block';
import { SCHEMES } from './all.js';
import { register } from './registry.js';

/**
 * Makes URIs of a scheme name devices, for every function of this package, in this process and for good.
 *
 * Throws `ALREADY_EXISTS` for a name that is known already, or registered with another scheme, `INVALID_ARGUMENT` for one that is no scheme's, and for
 * a scheme that lacks something.
 */
export function registerScheme(name: string, scheme: UriScheme): void {
  register(name, scheme, SCHEMES);
}
