import type { BlockDevice } from '@blockyard/block';
import { type CacheDevice, type CacheSnapshot, connectCache } from '@blockyard/cache';
import { type Stats, type StatsDevice, withStats } from '@blockyard/layers';
import { connectUri } from '@blockyard/uri';
import { connectOptions, type DeviceOptions, openDevice } from '../devices/device.js';
import type { Context } from '../terminal/context.js';

/** A device, with or without a cache, that can tell what reached its base. */
export interface Measured {
  readonly device: BlockDevice;
  readonly base: StatsDevice;
  readonly cache: CacheDevice | undefined;
}

export async function connectMeasured(
  context: Context,
  uri: string,
  { cache: cacheSizeBytes, ...options }: DeviceOptions,
): Promise<Measured> {
  const base = withStats(await openDevice(context, connectUri(uri, connectOptions(options))));
  if (cacheSizeBytes === undefined) return { device: base, base, cache: undefined };
  try {
    const cache = await connectCache(base, { maxSizeBytes: cacheSizeBytes });
    return { device: cache, base, cache };
  } catch (error) {
    await base.disconnect({ force: true });
    throw error;
  }
}

/** What reached the base, and what the cache kept from it. */
export function costsOf({ base, cache }: Measured) {
  return { cache: cache === undefined ? null : hitsOf(cache.snapshot()), base: baseOf(base.stats()) };
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
