import type { BlockDevice } from '@blockyard/block';
import { type CacheDevice, connectCache } from '@blockyard/cache';
import { type StatsDevice, withStats } from '@blockyard/layers';
import { formatSize } from '@blockyard/uri';
import type { Volume } from './places/place.js';
import type { Cleanup } from './process/cleanup.js';

/** A volume in use: the device to work with, and what it may tell of itself. */
export interface Session {
  readonly device: BlockDevice;
  /** The backend's device, counting what reaches it: beneath the cache, if there is one. */
  readonly base: StatsDevice;
  readonly cache: CacheDevice | undefined;
}

/** What reached a backend. */
export interface BaseCounts {
  readonly reads: number;
  readonly readBytes: number;
  readonly writes: number;
  readonly writeBytes: number;
  /** Discards and writes of zeroes, which carry no data. */
  readonly zeroes: number;
  readonly flushes: number;
}

/** Connects to the volume, through a cache of `cacheBytes` if that is given. `cleanup` ends it by force, whatever state it is in. */
export async function openSession(volume: Volume, cleanup: Cleanup, cacheBytes?: number): Promise<Session> {
  const backend = await volume.connect();
  const base = withStats(backend, { ownsBase: volume.outlivesDisconnect });
  cleanup.add(`disconnect ${backend.info.name}`, () => base.disconnect({ force: true }));
  if (cacheBytes === undefined) return { device: base, base, cache: undefined };
  const cache = await openCache(base, cacheBytes);
  cleanup.add(`disconnect ${cache.info.name}`, () => cache.disconnect({ force: true }));
  return { device: cache, base, cache };
}

async function openCache(base: BlockDevice, cacheBytes: number): Promise<CacheDevice> {
  try {
    return await connectCache(base, { maxSizeBytes: cacheBytes });
  } catch (error) {
    throw new Error(`a cache of ${formatSize(cacheBytes)}: ${(error as Error).message}`, { cause: error });
  }
}

export function countsOf(base: StatsDevice): BaseCounts {
  const { read, write, discard, writeZeroes, flush } = base.stats();
  return {
    reads: read.calls,
    readBytes: read.bytes,
    writes: write.calls,
    writeBytes: write.bytes,
    zeroes: discard.calls + writeZeroes.calls,
    flushes: flush.calls,
  };
}

export function sumOf(a: BaseCounts, b: BaseCounts): BaseCounts {
  return {
    reads: a.reads + b.reads,
    readBytes: a.readBytes + b.readBytes,
    writes: a.writes + b.writes,
    writeBytes: a.writeBytes + b.writeBytes,
    zeroes: a.zeroes + b.zeroes,
    flushes: a.flushes + b.flushes,
  };
}
