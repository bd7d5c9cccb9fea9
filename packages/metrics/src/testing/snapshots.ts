import type { LogStatistics } from '@blockyard/backend-log';
import { type DurationCounts, durationsOf, Histogram } from '@blockyard/block';
import type { CacheSnapshot } from '@blockyard/cache';
import type { ExportStats, ServerStats } from '@blockyard/nbd';
import type { ObjectCacheSnapshot } from '@blockyard/object-cache';
import type { Counts, Traffic } from '@blockyard/object-store';
import type { S3StoreSnapshot } from '@blockyard/object-store-s3';
import type { WriteLogSnapshot } from '@blockyard/write-log';
import type { ExportSnapshots, Snapshots } from '../families/sources.js';

/** Numbers of which no two are the same, so that a metric that tells another's is found out. */
class Numbers {
  #last: number;

  constructor(first: number) {
    this.#last = first - 1;
  }

  readonly next = (): number => ++this.#last;
}

/** So many durations, of which no two counts are of the same sum. */
export function durations(count: number): DurationCounts {
  const histogram = new Histogram();
  for (let at = 0; at < count; at++) histogram.add(10 * 3 ** at);
  return durationsOf(histogram);
}

function traffic(next: () => number): Traffic {
  const counts = (): Counts => ({
    requests: { get: next(), head: next(), put: next(), delete: next(), list: next() },
    uploadBytes: next(),
    downloadBytes: next(),
  });
  return { ...counts(), classes: { data: counts(), root: counts() } };
}

function cache(next: () => number): CacheSnapshot {
  const latency = (count: number) => ({
    ...durations(count),
    meanUs: next(),
    p50Us: next(),
    p99Us: next(),
    maxUs: next(),
  });
  return {
    lookups: next(),
    hits: next(),
    narrowFetches: next(),
    wholeFetches: next(),
    probeReuse: 0.5,
    baseReads: next(),
    baseReadBytes: next(),
    baseWrites: next(),
    baseWriteBytes: next(),
    baseZeroes: next(),
    baseFlushes: next(),
    baseErrors: next(),
    linesWrittenBack: next(),
    heldBytes: next(),
    maxSizeBytes: next(),
    lineBytes: next(),
    lines: next(),
    linesMax: next(),
    dirtyLines: next(),
    dirtyBytes: next(),
    oldestDirtyMs: next(),
    oldestUnflushedMs: next(),
    parkedLines: next(),
    zeroRanges: next(),
    isFlushing: true,
    writeBackFailure: undefined,
    waitingRequests: next(),
    readsInFlight: next(),
    writesInFlight: next(),
    linesLent: next(),
    linesAhead: next(),
    warmUps: next(),
    warmUpReads: next(),
    warmUpReadBytes: next(),
    warmUpFailures: next(),
    linesWarmed: next(),
    linesWarmedUsed: next(),
    latencies: {
      baseRead: latency(2),
      baseWrite: latency(3),
      baseFlush: latency(4),
      readWait: latency(5),
      writeWait: latency(6),
    },
  };
}

function store(next: () => number): S3StoreSnapshot {
  return {
    traffic: traffic(next),
    attempts: [{ class: 'data', kind: 'get', failed: next(), retries: next(), durations: durations(7) }],
    requestsInFlight: next(),
    requestsHeldBack: next(),
    concurrency: next(),
    availability: { isAway: true, awayMs: next(), nextTryMs: next(), error: undefined },
  };
}

function log(next: () => number): LogStatistics {
  return {
    unflushedBytes: next(),
    oldestUnflushedMs: next(),
    durableBytes: next(),
    segmentMemoryBytes: next(),
    mapMemoryBytes: next(),
    space: { liveBytes: next(), dataBytes: 3 * next(), mapBytes: next(), objects: next(), sharedBytes: next() },
    aliveShare: 0.25,
    objectsToDelete: next(),
    checkpoint: { generation: next(), segmentsBehind: next(), ageMs: next() },
    cleaning: { packs: next(), movedBytes: next() },
    traffic: traffic(next),
  };
}

function objectCache(next: () => number): ObjectCacheSnapshot {
  const medium = { readBytes: next(), readCalls: next(), writtenBytes: next(), failingMs: next() };
  return {
    medium: { name: 'disk', state: 'good', ...medium },
    isLoading: true,
    ranges: next(),
    capacityBytes: next(),
    memoryBytes: next(),
    hits: next(),
    partialHits: next(),
    misses: next(),
    hitBytes: next(),
    fetchedBytes: next(),
    keptBytes: next(),
    carriedBytes: next(),
    evictedRegions: next(),
    damagedRanges: next(),
  };
}

function writeLog(next: () => number): WriteLogSnapshot {
  return {
    durability: 'medium',
    tierId: 'tier',
    isDurable: true,
    isAttached: true,
    undrainedBytes: next(),
    undrainedRecords: next(),
    oldestUndrainedMs: next(),
    ringBytes: next(),
    ringUsedShare: 0.75,
    memoryBytes: next(),
    medium: { state: 'good', error: undefined, failingMs: next(), nextProbeMs: next() },
    drainError: undefined,
    acceptedBytes: next(),
    mediumWrittenBytes: next(),
    mediumFlushes: next(),
    flushes: next(),
    drains: next(),
  };
}

/** Everything that there can be, for one export. */
export function fullExport(first: number): ExportSnapshots {
  const { next } = new Numbers(first);
  return {
    cache: cache(next),
    traffic: traffic(next),
    store: store(next),
    log: log(next),
    objectCache: objectCache(next),
    writeLog: writeLog(next),
  };
}

function exportStats(next: () => number): ExportStats {
  return {
    connections: next(),
    requestsInFlight: next(),
    requests: {
      read: next(),
      write: next(),
      flush: next(),
      trim: next(),
      cache: next(),
      writeZeroes: next(),
      blockStatus: next(),
      unknown: next(),
    },
    failures: next(),
    readBytes: next(),
    writtenBytes: next(),
    durations: { read: durations(8), writeZeroes: durations(9) },
  };
}

function serverStats(first: number, names: readonly string[]): ServerStats {
  const { next } = new Numbers(first);
  return {
    connections: {
      open: next(),
      accepted: next(),
      refused: next(),
      displaced: next(),
      violations: next(),
      timedOut: next(),
      stalled: next(),
    },
    exports: Object.fromEntries(names.map((name) => [name, exportStats(next)])),
    requests: exportStats(next).requests,
    failures: next(),
    readBytes: next(),
    writtenBytes: next(),
    handOvers: { isUnderWay: true, failed: next() },
    requestsInFlight: next(),
    inFlightBytes: next(),
    pooledBytes: next(),
  };
}

/** A server with one export that has everything, and one that has nothing. */
export function fullSnapshots(): Snapshots {
  return { nbd: serverStats(1000, ['web-1', 'bare']), exports: { 'web-1': fullExport(5000), bare: {} } };
}
