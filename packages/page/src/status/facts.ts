import type { BlockDevice } from '@blockyard/block';
import type { ExportSnapshots } from '@blockyard/metrics';
import type { HolderStatus } from './status.js';

type CacheFacts = NonNullable<ExportSnapshots['cache']>;
type LogFacts = NonNullable<ExportSnapshots['log']>;
type StoreFacts = NonNullable<ExportSnapshots['store']>;

/** What the tier of a device tells. */
export interface TierFacts {
  readonly directory: string;
  readonly objectCache: NonNullable<ExportSnapshots['objectCache']> | null;
  readonly writeLog: NonNullable<ExportSnapshots['writeLog']> | null;
}

/** A device that tells of what it is made of, as those of `connectUri` do. */
export interface StatusDevice extends BlockDevice {
  /** Who had it open for writing before; left out where that is not recorded. */
  readonly heldBy?: (Omit<HolderStatus, 'state'> & { readonly state: Exclude<HolderStatus['state'], 'self'> }) | null;
  readonly cacheSnapshot?: () => CacheFacts;
  readonly logSnapshot?: () => LogFacts | undefined;
  readonly storeSnapshot?: () => StoreFacts;
  readonly tier?: () => TierFacts;
}

/** What the parts of a device tell of one moment. */
export interface DeviceFacts {
  readonly cache: CacheFacts | undefined;
  readonly log: LogFacts | undefined;
  readonly store: StoreFacts | undefined;
  readonly tier: TierFacts | undefined;
}

/** Bytes of a segment of a log, when nothing better is known. */
const SEGMENT_BYTES = 8 * 2 ** 20;

export function factsOf(device: StatusDevice): DeviceFacts {
  return {
    cache: device.cacheSnapshot?.(),
    log: device.logSnapshot?.(),
    store: device.storeSnapshot?.(),
    tier: device.tier?.(),
  };
}

/** What is not safe, as bytes and requests. */
export function unfinishedOf(facts: DeviceFacts): { readonly bytes: number; readonly requests: number } {
  const { cache, log } = facts;
  const below = belowCache(facts);
  const bytes = (cache?.dirtyBytes ?? 0) + below.bytes;
  if (log !== undefined) {
    const isEmpty = bytes === 0 && (cache?.zeroRanges ?? 0) === 0 && below.isSafe;
    return { bytes, requests: isEmpty ? 0 : Math.max(1, Math.ceil(bytes / SEGMENT_BYTES)) };
  }
  if (cache === undefined) return { bytes, requests: 0 };
  const { dirtyLines, baseWrites, linesWrittenBack, zeroRanges } = cache;
  // Lines that are neighbours go together, as many as did so far.
  const requestsPerLine = linesWrittenBack === 0 ? 1 : baseWrites / linesWrittenBack;
  return { bytes, requests: Math.ceil(dirtyLines * requestsPerLine) + zeroRanges };
}

/** For how long the oldest change has waited that is not durable, in milliseconds. */
export function oldestUnflushedMsOf(facts: DeviceFacts): number | undefined {
  const { cache, log } = facts;
  const below = belowCache(facts).isSafe ? [] : [log?.oldestUnflushedMs, facts.tier?.writeLog?.oldestUndrainedMs];
  const known = [cache?.oldestDirtyMs, cache?.oldestUnflushedMs, ...below].filter((age) => age !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/**
 * Whether the end of the process would lose nothing that was accepted. What a file was told is the system's, which goes on; what
 * an NBD server was told is that one's.
 */
export function isSafe(facts: DeviceFacts): boolean {
  return facts.cache?.oldestDirtyMs === undefined && belowCache(facts).isSafe;
}

/** Work in the unit that tells best how long it takes: a log takes bytes, anything else writes, of which a line is one. */
export function workOf(facts: DeviceFacts): { readonly left: number; readonly done: number } {
  const { cache, log, tier } = facts;
  if (log !== undefined && !isOnTier(facts)) {
    const left = (cache?.dirtyBytes ?? 0) + belowCache(facts).bytes;
    const writeLog = tier?.writeLog;
    return { left, done: writeLog ? writeLog.acceptedBytes - writeLog.undrainedBytes : log.durableBytes };
  }
  if (cache === undefined) return { left: 0, done: 0 };
  const { dirtyLines, zeroRanges, linesWrittenBack, baseZeroes } = cache;
  return { left: dirtyLines + zeroRanges, done: linesWrittenBack + baseZeroes };
}

/** Whether a flush is durable on a local disk, and waits for no store. */
function isOnTier({ tier }: DeviceFacts): boolean {
  return tier?.writeLog?.durability === 'medium' && tier.writeLog.medium.state === 'good';
}

/** What was accepted below the cache and would be lost with the process. */
function belowCache(facts: DeviceFacts): { readonly bytes: number; readonly isSafe: boolean } {
  const { log, tier } = facts;
  const writeLog = tier?.writeLog;
  if (writeLog) {
    if (isOnTier(facts) || writeLog.isDurable) return { bytes: 0, isSafe: writeLog.isDurable };
    return { bytes: writeLog.undrainedBytes, isSafe: false };
  }
  if (log === undefined) return { bytes: 0, isSafe: true };
  return { bytes: log.unflushedBytes, isSafe: log.oldestUnflushedMs === undefined };
}
