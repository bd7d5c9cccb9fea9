import { BlockError, checkOptionNames } from '@blockyard/block';
import { imageSettingsOf } from './image/settings.js';
import { schemeOf } from './schemes/all.js';
import type { LoadedUri } from './schemes/loaded.js';
import { DeviceUri } from './syntax/device-uri.js';
import { type TierOptions, tierSettingsOf } from './tier/settings.js';

/** For {@link loadUri}. */
export interface LoadUriOptions {
  /** As of {@link ConnectUriOptions}. */
  readonly maxOutageMs?: number;
  /** As of {@link ConnectUriOptions}. */
  readonly tier?: TierOptions | null;
}

/**
 * Reads of the volume that a URI names what opening it would have to read, beside the process that has it, changing nothing that
 * counts. `connectUri` takes it as `loaded`, and has then little to read but what has come since the last `catchUp`. Undefined
 * where there is nothing to be read beforehand: it is not a log volume as it is now.
 *
 * Rejects as `connectUri` does.
 */
export async function loadUri(text: string, options: LoadUriOptions = {}): Promise<LoadedUri | undefined> {
  try {
    checkOptionNames(options, { maxOutageMs: true, tier: true });
    const uri = new DeviceUri(text);
    if (imageSettingsOf(uri).format !== 'raw' || uri.moment !== undefined) return undefined;
    const scheme = await schemeOf(uri);
    const tier = tierSettingsOf(uri, options.tier, () => {});
    return await scheme.volumes?.load?.(uri, { maxOutageMs: options.maxOutageMs, tier });
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect' });
  }
}
