import type { BlockDevice } from '@blockyard/block';
import { type CacheDevice, type CacheSnapshot, connectCache } from '@blockyard/cache';
import { type Stats, type StatsDevice, withStats } from '@blockyard/layers';
import { type Prices, type Traffic, trafficBetween } from '@blockyard/object-store';
import { connectUri, type Durability } from '@blockyard/uri';
import { connectOptions, type DeviceOptions, openDevice } from '../devices/device.js';
import type { Explaining } from '../explain/explaining.js';
import type { Context } from '../terminal/context.js';
import { type StoreCosts, storeCostsOf } from './store-costs.js';

/** A device, with or without a cache, that can tell what reached its base. */
export interface Measured {
  /** What the device below is called. */
  readonly name: string;
  readonly durability: Durability;
  /** Null: no cache. */
  readonly cacheBytes: number | null;
  readonly device: BlockDevice;
  readonly base: StatsDevice;
  readonly cache: CacheDevice | undefined;
  /** What went to the store and came from it since the device was opened. Undefined where there is none. */
  readonly storeTraffic: (() => Traffic) | undefined;
}

export async function connectMeasured(
  context: Context,
  uri: string,
  { cache: cacheSizeBytes, explaining, ...options }: DeviceOptions & { readonly explaining?: Explaining | undefined },
): Promise<Measured> {
  const opened = await openDevice(context, connectUri(uri, connectOptions(options)));
  const storeTraffic = sinceNow(opened.storeTraffic);
  const base = withStats(opened);
  const { durability } = opened;
  const { name } = opened.info;
  const top = <D extends BlockDevice>(device: D, hasBase: boolean) => explaining?.top(device, { hasBase }) ?? device;
  if (cacheSizeBytes === undefined) {
    return { device: top(base, false), base, cache: undefined, cacheBytes: null, name, durability, storeTraffic };
  }
  try {
    const cache = await connectCache(explaining?.below(base) ?? base, { maxSizeBytes: cacheSizeBytes });
    const shared = { name, durability: { ...durability, write: 'memory' as const }, cacheBytes: cacheSizeBytes };
    return { ...shared, device: top(cache, true), base, cache, storeTraffic };
  } catch (error) {
    await base.disconnect({ force: true });
    throw error;
  }
}

function sinceNow(traffic: (() => Traffic) | undefined): (() => Traffic) | undefined {
  if (traffic === undefined) return undefined;
  const before = traffic();
  return () => trafficBetween(before, traffic());
}

/** What reached the base and its store, and what the cache kept from them. */
export function costsOf({ base, cache, storeTraffic }: Measured, prices: Prices | undefined) {
  const store: StoreCosts | null = storeTraffic === undefined ? null : storeCostsOf(storeTraffic(), prices);
  return { cache: cache === undefined ? null : hitsOf(cache.snapshot()), base: baseOf(base.stats()), store };
}

export type Costs = ReturnType<typeof costsOf>;

/** Counted in lines of the cache: one look-up for each line of each read. */
function hitsOf({ lookups, hits }: CacheSnapshot) {
  return { lookups, hits, misses: lookups - hits, hitRatio: lookups === 0 ? null : hits / lookups };
}

function baseOf({ read, write, writeZeroes, discard, flush }: Stats) {
  return {
    reads: read.calls,
    readBytes: read.bytes,
    writes: write.calls,
    writeBytes: write.bytes,
    zeroes: writeZeroes.calls + discard.calls,
    flushes: flush.calls,
  };
}
