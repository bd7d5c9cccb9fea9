import type { ExportSnapshots, Snapshots } from '@blockyard/metrics';
import { costOf, storageUsdPerMonth } from '@blockyard/object-store';
import type { Counters } from '../shared/messages.js';

type ServerStats = NonNullable<Snapshots['nbd']>;

/** Share of a cache's lines that may be dirty before writers wait: docs/cache.md, "Writing back". */
const DIRTY_SHARE_MAX = 0.5;

/** What the charts are drawn of. */
export function countersOf({ nbd, exports }: Snapshots): Counters {
  const [entry] = Object.entries(exports);
  if (entry === undefined) return {};
  const [name, own] = entry;
  return {
    ...clientOf(nbd?.exports[name]),
    ...cacheOf(own),
    ...storeOf(own),
    ...logOf(own),
    ...tierOf(own),
  };
}

function clientOf(stats: ServerStats['exports'][string] | undefined): Pick<Counters, 'client'> {
  if (stats === undefined) return {};
  const { requests, readBytes, writtenBytes, durations } = stats;
  const { read: reads, write: writes, flush: flushes } = requests;
  const [readsBelow, writesBelow] = [durations.read?.below ?? [], durations.write?.below ?? []];
  return { client: { reads, writes, flushes, readBytes, writtenBytes, readsBelow, writesBelow } };
}

function cacheOf({ cache }: ExportSnapshots): Pick<Counters, 'cache' | 'base'> {
  if (cache === undefined) return {};
  const { baseReads, baseWrites, baseReadBytes, baseWriteBytes, baseErrors, linesMax, lineBytes } = cache;
  const { lookups, hits, dirtyBytes, heldBytes, maxSizeBytes } = cache;
  return {
    base: {
      reads: baseReads,
      writes: baseWrites,
      readBytes: baseReadBytes,
      writeBytes: baseWriteBytes,
      errors: baseErrors,
    },
    cache: {
      lookups,
      hits,
      dirtyBytes,
      dirtyLimitBytes: linesMax * lineBytes * DIRTY_SHARE_MAX,
      heldBytes,
      maxSizeBytes,
    },
  };
}

function storeOf({ traffic, log }: ExportSnapshots): Pick<Counters, 'store'> {
  if (traffic === undefined) return {};
  const { uploadBytes, downloadBytes } = traffic;
  const requests = Object.values(traffic.requests).reduce((sum, count) => sum + count, 0);
  const usd = costOf(traffic).totalUsd;
  if (log === undefined) return { store: { requests, uploadBytes, downloadBytes, usd } };
  const storageUsd = storageUsdPerMonth(log.space.dataBytes + log.space.mapBytes);
  return { store: { requests, uploadBytes, downloadBytes, usd, storageUsdPerMonth: storageUsd } };
}

function logOf({ log }: ExportSnapshots): Pick<Counters, 'space' | 'cleaning'> {
  if (log === undefined) return {};
  const { dataBytes, liveBytes } = log.space;
  const { packs, movedBytes } = log.cleaning;
  return {
    space: { aliveBytes: liveBytes, deadBytes: Math.max(0, dataBytes - liveBytes) },
    cleaning: { packs, movedBytes },
  };
}

function tierOf({ objectCache, writeLog }: ExportSnapshots): Pick<Counters, 'tier'> {
  if (objectCache === undefined && writeLog === undefined) return {};
  return {
    tier: { undrainedBytes: writeLog?.undrainedBytes ?? null, ringUsedShare: writeLog?.ringUsedShare ?? null },
  };
}
