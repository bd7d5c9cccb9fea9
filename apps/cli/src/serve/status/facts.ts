import type { UriDevice } from '@blockyard/uri';

type CacheFacts = ReturnType<NonNullable<UriDevice['cacheSnapshot']>>;
type LogFacts = ReturnType<NonNullable<UriDevice['logSnapshot']>>;
type StoreFacts = ReturnType<NonNullable<UriDevice['storeSnapshot']>>;
type TierFacts = ReturnType<NonNullable<UriDevice['tier']>> & { readonly writeLog?: WriteLogFacts | null };

/** Of a write log on a local disk, where the tier has one. */
interface WriteLogFacts {
  readonly undrainedBytes: number;
  readonly oldestUndrainedMs: number | undefined;
  readonly medium: { readonly state: string };
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

export function factsOf(device: UriDevice): DeviceFacts {
  return {
    cache: device.cacheSnapshot?.(),
    log: device.logSnapshot?.(),
    store: device.storeSnapshot?.(),
    tier: device.tier?.(),
  };
}

/** What is not durable, as bytes and requests. */
export function unfinishedOf({ cache, log }: DeviceFacts): { readonly bytes: number; readonly requests: number } {
  const dirtyBytes = cache?.dirtyBytes ?? 0;
  if (log !== undefined) {
    const bytes = dirtyBytes + log.unflushedBytes;
    const zeroes = cache?.zeroRanges ?? 0;
    const isEmpty = bytes === 0 && zeroes === 0 && log.oldestUnflushedMs === undefined;
    return { bytes, requests: isEmpty ? 0 : Math.max(1, Math.ceil(bytes / SEGMENT_BYTES)) };
  }
  if (cache === undefined) return { bytes: 0, requests: 0 };
  const { dirtyLines, baseWrites, linesWrittenBack, zeroRanges } = cache;
  // Lines that are neighbours go together, as many as did so far.
  const requestsPerLine = linesWrittenBack === 0 ? 1 : baseWrites / linesWrittenBack;
  return { bytes: dirtyBytes, requests: Math.ceil(dirtyLines * requestsPerLine) + zeroRanges };
}

/** For how long the oldest change has waited that is not durable, in milliseconds. */
export function oldestUnflushedMsOf({ cache, log }: DeviceFacts): number | undefined {
  const ages = [cache?.oldestDirtyMs, cache?.oldestUnflushedMs, log?.oldestUnflushedMs];
  const known = ages.filter((age) => age !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/**
 * Whether the end of the process would lose anything that was accepted. What a file was told is the system's, which goes on; what
 * an NBD server was told is that one's.
 */
export function isSafe({ cache, log }: DeviceFacts): boolean {
  return cache?.oldestDirtyMs === undefined && log?.oldestUnflushedMs === undefined;
}

/** Work in the unit that tells best how long it takes: a log takes bytes, anything else writes, of which a line is one. */
export function workOf({ cache, log }: DeviceFacts): { readonly left: number; readonly done: number } {
  if (log !== undefined) return { left: (cache?.dirtyBytes ?? 0) + log.unflushedBytes, done: log.durableBytes };
  if (cache === undefined) return { left: 0, done: 0 };
  const { dirtyLines, zeroRanges, linesWrittenBack, baseZeroes } = cache;
  return { left: dirtyLines + zeroRanges, done: linesWrittenBack + baseZeroes };
}
