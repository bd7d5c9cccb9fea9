import type { Fetcher } from '../base/fetcher.js';
import { type Latencies, type LatencySummary, summaryOf } from '../base/latencies.js';
import type { Lender } from '../lines/lender.js';
import type { Lines } from '../lines/lines.js';
import type { Admission } from '../memory/admission.js';
import type { LinesAhead } from '../read-ahead/lines-ahead.js';
import type { WarmUps } from '../read-ahead/warm-ups.js';
import type { FetchWidth } from '../requests/fetch-width.js';
import type { ReadCounts } from '../requests/read-request.js';
import type { ZeroRanges } from '../unwritten/zero-ranges.js';
import type { WriteBack, WriteBackFailure } from '../write-back/write-back.js';
import { type Unwritten, type UnwrittenContext, unwrittenOf } from './unwritten.js';

/** What keeps the numbers. */
export interface SnapshotContext extends UnwrittenContext {
  readonly counts: ReadCounts;
  readonly fetcher: Pick<Fetcher, 'counts' | 'inFlight'>;
  readonly fetchWidth: Pick<FetchWidth, 'counts' | 'probeReuse'>;
  readonly writeBack: UnwrittenContext['writeBack'] &
    Pick<WriteBack, 'counts' | 'dirtyCount' | 'inFlight' | 'isFlushing' | 'failure'>;
  readonly lines: Lines;
  readonly zeroes: UnwrittenContext['zeroes'] & Pick<ZeroRanges, 'pendingCount' | 'inFlightCount'>;
  readonly admission: Pick<Admission, 'count'>;
  readonly lender: Pick<Lender, 'count'>;
  readonly linesAhead: Pick<LinesAhead, 'inFlight'>;
  readonly warmUps: Pick<WarmUps, 'counts' | 'count'>;
  readonly latencies: Latencies;
  readonly heldBytes: number;
  readonly maxSizeBytes: number;
}

/** Counters since `connectCache`, and gauges. Plain numbers; copies, so they do not change. */
export interface CacheSnapshot extends Unwritten {
  /** Lines that reads asked for, one count for each line of each request. */
  readonly lookups: number;
  /** Of them, those answered from memory. */
  readonly hits: number;
  /** Misses for which a part of the line was fetched, and those for which all that was absent of it was. */
  readonly narrowFetches: number;
  readonly wholeFetches: number;
  /** Of the lines that are fetched in part to see whether the rest is asked for, the share of which it was lately; 0 to 1. */
  readonly probeReuse: number;
  /** Calls of the base, their bytes, and how many failed. */
  readonly baseReads: number;
  readonly baseReadBytes: number;
  readonly baseWrites: number;
  readonly baseWriteBytes: number;
  readonly baseZeroes: number;
  readonly baseFlushes: number;
  readonly baseErrors: number;
  /** Lines that became clean by being written back. */
  readonly linesWrittenBack: number;
  /** Bytes held now, and the lines they hold. Never above `maxSizeBytes`. */
  readonly heldBytes: number;
  readonly maxSizeBytes: number;
  readonly lineBytes: number;
  readonly lines: number;
  readonly linesMax: number;
  readonly dirtyLines: number;
  readonly parkedLines: number;
  readonly zeroRanges: number;
  /** Whether a flush waits for what is written back, so that this goes as fast as it can. */
  readonly isFlushing: boolean;
  /** That the base fails what is written back; undefined while it does not. */
  readonly writeBackFailure: WriteBackFailure | undefined;
  /** Requests that wait for memory. */
  readonly waitingRequests: number;
  readonly readsInFlight: number;
  readonly writesInFlight: number;
  /** Lines that are lent to callers, one count for each loan. */
  readonly linesLent: number;
  /** Lines on their way in before a request asked for them. */
  readonly linesAhead: number;
  /** Warm-ups under way, what they read from the base, and how many ended since a read failed. */
  readonly warmUps: number;
  readonly warmUpReads: number;
  readonly warmUpReadBytes: number;
  readonly warmUpFailures: number;
  /** Lines that warm-ups brought in, and those of them that requests have asked for. */
  readonly linesWarmed: number;
  readonly linesWarmedUsed: number;
  readonly latencies: {
    readonly baseRead: LatencySummary;
    readonly baseWrite: LatencySummary;
    readonly baseFlush: LatencySummary;
    /** Reads that waited for the base or for memory, and writes that waited for memory. */
    readonly readWait: LatencySummary;
    readonly writeWait: LatencySummary;
  };
}

export function snapshotOf(context: SnapshotContext): CacheSnapshot {
  const { counts, fetcher, fetchWidth, lender, writeBack, lines, zeroes, admission, linesAhead, warmUps, latencies } =
    context;
  return {
    lookups: counts.lookups,
    hits: counts.hits,
    narrowFetches: fetchWidth.counts.narrow,
    wholeFetches: fetchWidth.counts.whole,
    probeReuse: fetchWidth.probeReuse,
    baseReads: fetcher.counts.reads,
    baseReadBytes: fetcher.counts.readBytes,
    baseWrites: writeBack.counts.writes,
    baseWriteBytes: writeBack.counts.writeBytes,
    baseZeroes: writeBack.counts.zeroes,
    baseFlushes: writeBack.counts.flushes,
    baseErrors: fetcher.counts.failed + writeBack.counts.failed,
    linesWrittenBack: writeBack.counts.lines,
    heldBytes: context.heldBytes,
    maxSizeBytes: context.maxSizeBytes,
    lineBytes: context.geometry.lineSize,
    lines: lines.count,
    linesMax: lines.slotsMax,
    dirtyLines: writeBack.dirtyCount,
    ...unwrittenOf(context),
    parkedLines: lines.parked,
    zeroRanges: zeroes.pendingCount + zeroes.inFlightCount,
    isFlushing: writeBack.isFlushing,
    writeBackFailure: writeBack.failure,
    waitingRequests: admission.count,
    readsInFlight: fetcher.inFlight,
    writesInFlight: writeBack.inFlight,
    linesLent: lender.count,
    linesAhead: linesAhead.inFlight,
    warmUps: warmUps.count,
    warmUpReads: warmUps.counts.reads,
    warmUpReadBytes: warmUps.counts.readBytes,
    warmUpFailures: warmUps.counts.failures,
    linesWarmed: warmUps.counts.lines,
    linesWarmedUsed: warmUps.counts.linesUsed,
    latencies: {
      baseRead: summaryOf(latencies.baseRead),
      baseWrite: summaryOf(latencies.baseWrite),
      baseFlush: summaryOf(latencies.baseFlush),
      readWait: summaryOf(latencies.readWait),
      writeWait: summaryOf(latencies.writeWait),
    },
  };
}
