import { type BlockDevice, BlockError, checkBoolean, checkOptionNames, isBlockError } from '@blockyard/block';
import { type CacheDevice, type CacheOptions, checkCacheOptions, connectCache } from '@blockyard/cache';
import { openImage } from './image/open-image.js';
import { imageSettingsOf } from './image/settings.js';
import { schemeOf } from './schemes/all.js';
import { leavingOf } from './schemes/leaving.js';
import type { LoadedDevice } from './schemes/loaded.js';
import type { OpenedDevice, OpenOptions, UriDevice } from './schemes/scheme.js';
import { DeviceUri } from './syntax/device-uri.js';
import { invalid } from './syntax/invalid.js';
import type { TierLoss } from './tier/loss.js';
import { refuseLocal } from './tier/missing.js';
import { unknownTo } from './tier/on-tier.js';
import { type TierOptions, type TierSettings, tierSettingsOf } from './tier/settings.js';
import { snapshotOf } from './tier/snapshot.js';
import { type UriWarmStartOptions, warmStartOptionsOf, warmStartSettingsOf } from './warm-start/settings.js';

/** How to open a device, and what to put over it; for {@link connectUri}. */
export interface ConnectUriOptions {
  /** Refuse every change. Default: false; a moment of the past is read-only in any case. */
  readonly readOnly?: boolean;
  /** Longest that a store may be away before its requests fail, in milliseconds, where the URI has no `outage`. */
  readonly maxOutageMs?: number;
  /**
   * Whether a volume in a store is taken from a process that has it open and is alive. If not, that is `LOCKED`. Default: true.
   */
  readonly takeOver?: boolean;
  /** A folder on a local disk, for what is kept of the device there. Null: none. Default: what `?tier=` says. */
  readonly tier?: TierOptions | null;
  /**
   * Whether a volume is opened without the tier that has what was flushed to it last, too. For writing that is given up, for
   * good; for reading it is not seen. If not, that is `TIER_MISSING`. Default: what `?accept-loss=` says; else false.
   */
  readonly acceptLoss?: boolean;
  /** Told what is given up, before it is. Default: no one is told. */
  readonly onTierLoss?: (loss: TierLoss) => void;
  /** Told when a tier begins to fail; nothing else fails for that. Default: no one is told. */
  readonly onTierError?: (error: BlockError) => void;
  /** What need not be read of a log volume: from `loadUri`, or `left` by a device. Default: everything is read. */
  readonly loaded?: LoadedDevice;
  /** Puts a write-back cache of so many bytes before the device. Left out: no cache. */
  readonly cacheSizeBytes?: number;
  /** Further options of that cache. */
  readonly cache?: Omit<CacheOptions, 'maxSizeBytes'>;
  /**
   * Whether what that cache asks of the device is told on a channel, as `withTracing` of `@blockyard/layers/tracing` does.
   * Default: false.
   */
  readonly traceBase?: boolean;
  /** What is remembered of that cache for the next start. Default: nothing. */
  readonly warmStart?: UriWarmStartOptions;
}

const KNOWN: Readonly<Record<keyof ConnectUriOptions, true>> = {
  readOnly: true,
  maxOutageMs: true,
  takeOver: true,
  tier: true,
  acceptLoss: true,
  onTierLoss: true,
  onTierError: true,
  loaded: true,
  cacheSizeBytes: true,
  cache: true,
  traceBase: true,
  warmStart: true,
};

/** A device with the cache that was put before it. */
export type CachedUriDevice = UriDevice & CacheDevice;

/**
 * Opens the device that a URI names. With `cacheSizeBytes` it is a `CacheDevice`.
 *
 * Rejects with `INVALID_ARGUMENT` for an unknown scheme, or a parameter or option that is unknown, makes no sense or is not true of
 * the volume: before a volume is taken from the process that has it. Rejects also as the backend's own `connect` does; leaves
 * nothing behind then.
 *
 * @example
 * ```ts
 * import { connectUri } from '@blockyard/uri';
 *
 * const device = await connectUri('memory:?size=1G', { cacheSizeBytes: 2 ** 20 });
 * await device.write(0, [new Uint8Array(device.info.sectorSize).fill(1)]);
 * console.log(device.snapshot().dirtyBytes); // 512
 * await device.disconnect();
 * ```
 */
export async function connectUri(
  text: string,
  options: ConnectUriOptions & { readonly cacheSizeBytes: number },
): Promise<CachedUriDevice>;
export async function connectUri(text: string, options?: ConnectUriOptions): Promise<UriDevice>;
export async function connectUri(text: string, options: ConnectUriOptions = {}): Promise<UriDevice> {
  try {
    checkOptionNames(options, KNOWN);
    const { readOnly = false, takeOver = true, maxOutageMs, cacheSizeBytes, cache = {}, traceBase = false } = options;
    checkBoolean(traceBase, 'traceBase');
    const { onTierError = () => {}, onTierLoss = () => {}, loaded } = options;
    const uri = new DeviceUri(text);
    const tier = tierSettingsOf(uri, options.tier, onTierError);
    const acceptLoss = options.acceptLoss ?? uri.flag('accept-loss') ?? false;
    checkBoolean(acceptLoss, 'acceptLoss');
    const hasCache = cacheSizeBytes !== undefined;
    const { scheme } = uri;
    const warmth = warmStartSettingsOf(options.warmStart, { scheme, hasCache, tierFolder: tier?.directory });
    const cacheOptions = hasCache ? { ...cache, maxSizeBytes: cacheSizeBytes } : undefined;
    const checkSectors = (sectorSize: number) => {
      if (cacheOptions !== undefined) checkCacheOptions(cacheOptions, sectorSize);
    };
    const common = { readOnly, takeOver, maxOutageMs, tier, acceptLoss, onTierLoss, loaded };
    const device = await openWithImage(uri, { ...common, checkSectors });
    if (cacheOptions === undefined) return device;
    try {
      const base = traceBase ? await tracedBase(device) : device;
      const cached = await connectCache(base, cacheOptions);
      let remember = async () => {};
      if (warmth !== undefined) {
        const { warmStart } = await import('@blockyard/warm-start');
        const warm = await warmStart(cached, await warmStartOptionsOf(warmth, device.volumeId ?? device.info.name));
        remember = () => warm.remember();
      }
      const durability = { ...device.durability, write: 'memory' as const };
      const facts = { cacheSnapshot: () => cached.snapshot(), durability, ...tierRangesBelow(cached, device) };
      const flush = async () => {
        await remember();
        await cached.flush();
      };
      const below = { prepareToLeave: async () => device.prepareToLeave?.(), stay: () => device.stay?.() };
      const leaving = leavingOf([{ prepareToLeave: flush, stay: () => {} }, below]);
      return Object.assign(cached, facts, factsBelow(device), leaving);
    } catch (error) {
      await device.disconnect({ force: true });
      throw error;
    }
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect' });
  }
}

/** Under its own name: there is nothing in it that people have to know of. */
async function tracedBase(device: UriDevice): Promise<BlockDevice> {
  const { withTracing } = await import('@blockyard/layers/tracing');
  return withTracing(device, { name: device.info.name });
}

const BELOW = [
  'volumeId',
  'fileId',
  'heldBy',
  'storeTraffic',
  'storeSnapshot',
  'logSnapshot',
  'tier',
  'drain',
  'left',
  'image',
] as const;

/** What a cache does not hide. */
function factsBelow(device: UriDevice): Pick<UriDevice, (typeof BELOW)[number]> {
  return Object.fromEntries(BELOW.filter((name) => device[name] !== undefined).map((name) => [name, device[name]]));
}

function tierRangesBelow(cache: CacheDevice, { onTier }: UriDevice): Pick<UriDevice, 'onTier'> {
  return onTier === undefined ? {} : { onTier: (start, count) => unknownTo(cache, onTier(start, count)) };
}

/** A tier that has no use says so itself. */
function tierOf({ tier }: OpenedDevice, settings: TierSettings | undefined): Pick<UriDevice, 'tier'> {
  return settings === undefined || tier !== undefined ? {} : { tier: () => snapshotOf(settings) };
}

/** The disk in an image is only read, and so is what the image lies on. */
async function openWithImage(uri: DeviceUri, options: OpenOptions): Promise<UriDevice> {
  const settings = imageSettingsOf(uri);
  if (settings.format === 'raw') return open(settings.uri, options);
  // The sectors are those of the disk in the image, and nothing is taken from anyone to read it.
  const checkSectors = () => {};
  return openImage(settings, (below) => open(below, { ...options, readOnly: true, checkSectors }));
}

/** Where there is no past an @ is a character like any other, and may have been meant for more. */
async function open(uri: DeviceUri, options: OpenOptions): Promise<UriDevice> {
  const scheme = await schemeOf(uri);
  if (options.tier !== undefined && !scheme.parameters.includes('tier')) {
    const why = scheme.durability.flush === 'memory' ? 'ends with its process' : 'stores no objects that never change';
    throw invalid(`${uri.scheme}: ${why}, so that a tier has nothing to keep for it`);
  }
  if (scheme.volumes === undefined) refuseLocal(options.tier, `what ${uri.scheme}: names`);
  try {
    const { durability } = scheme;
    const device = await scheme.open(uri, options);
    return Object.assign(device, { durability: device.durability ?? durability }, tierOf(device, options.tier));
  } catch (error) {
    if (scheme.volumes !== undefined || uri.place === uri.rest || !isBlockError(error, 'NOT_FOUND')) throw error;
    const what = `${error.message}; ${uri.scheme}: has no past, so what stands behind the @ is part of the name`;
    throw new BlockError('UNSUPPORTED', what, { cause: error });
  }
}
