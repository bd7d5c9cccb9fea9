import { BlockError, checkOptionNames, isBlockError } from '@blockyard/block';
import { type CacheOptions, connectCache } from '@blockyard/cache';
import { schemeOf } from './schemes/all.js';
import type { OpenOptions, UriDevice } from './schemes/scheme.js';
import { DeviceUri } from './syntax/device-uri.js';
import { invalid } from './syntax/invalid.js';
import { type TierOptions, tierSettingsOf } from './tier/settings.js';
import { snapshotOf } from './tier/snapshot.js';

export interface ConnectUriOptions {
  /** Refuse every change. Default: false; a moment of the past is read-only in any case. */
  readonly readOnly?: boolean;
  /** Longest that a store may be away before its requests fail, in milliseconds, where the URI has no `outage`. */
  readonly maxOutageMs?: number;
  /**
   * Whether a volume in a store is taken from a process that has it open and is alive. If not, that is `LOCKED`. Default: true.
   */
  readonly takeOver?: boolean;
  /** A folder on a local disk, for what is kept of the device there. Default: what `?tier=` says. */
  readonly tier?: TierOptions;
  /** Told when a tier begins to fail; nothing else fails for that. Default: no one is told. */
  readonly onTierError?: (error: BlockError) => void;
  /** Puts a write-back cache of so many bytes before the device. Left out: no cache. */
  readonly cacheSizeBytes?: number;
  /** Further options of that cache. */
  readonly cache?: Omit<CacheOptions, 'maxSizeBytes'>;
}

const KNOWN: Readonly<Record<keyof ConnectUriOptions, true>> = {
  readOnly: true,
  maxOutageMs: true,
  takeOver: true,
  tier: true,
  onTierError: true,
  cacheSizeBytes: true,
  cache: true,
};

/**
 * Opens the device that a URI names. With a cache it is a `CacheDevice`.
 *
 * Rejects with `INVALID_ARGUMENT` for an unknown scheme, parameter or option, and as the backend's own `connect` does; leaves
 * nothing behind then.
 */
export async function connectUri(text: string, options: ConnectUriOptions = {}): Promise<UriDevice> {
  try {
    checkOptionNames(options, KNOWN);
    const { readOnly = false, takeOver = true, maxOutageMs, cacheSizeBytes, cache = {} } = options;
    const { onTierError = () => {} } = options;
    const uri = new DeviceUri(text);
    const tier = tierSettingsOf(uri, options.tier, onTierError);
    const device = await open(uri, { readOnly, takeOver, maxOutageMs, tier });
    if (tier !== undefined && device.tier === undefined) Object.assign(device, { tier: () => snapshotOf(tier) });
    if (cacheSizeBytes === undefined) return device;
    try {
      const cached = await connectCache(device, { ...cache, maxSizeBytes: cacheSizeBytes });
      return Object.assign(cached, { cacheSnapshot: () => cached.snapshot() }, factsBelow(device));
    } catch (error) {
      await device.disconnect({ force: true });
      throw error;
    }
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect' });
  }
}

const BELOW = ['storeTraffic', 'storeSnapshot', 'logSnapshot', 'tier'] as const;

/** What a cache does not hide. */
function factsBelow(device: UriDevice): Pick<UriDevice, (typeof BELOW)[number]> {
  return Object.fromEntries(BELOW.filter((name) => device[name] !== undefined).map((name) => [name, device[name]]));
}

/** Where there is no past an @ is a character like any other, and may have been meant for more. */
async function open(uri: DeviceUri, options: OpenOptions): Promise<UriDevice> {
  const scheme = schemeOf(uri);
  if (options.tier !== undefined && !scheme.parameters.includes('tier')) {
    throw invalid(`${uri.scheme}: ends with its process, so that a tier has nothing to keep for it`);
  }
  try {
    return await scheme.open(uri, options);
  } catch (error) {
    if (scheme.volumes !== undefined || uri.place === uri.rest || !isBlockError(error, 'NOT_FOUND')) throw error;
    const what = `${error.message}; ${uri.scheme}: has no past, so what stands behind the @ is part of the name`;
    throw new BlockError('UNSUPPORTED', what, { cause: error });
  }
}
