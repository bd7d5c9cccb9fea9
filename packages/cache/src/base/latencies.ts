import { type Clock, type DurationCounts, durationsOf, Histogram } from '@blockyard/block';

/** All durations so far, summed up, in microseconds, and as counts that can be subtracted. */
export interface LatencySummary extends DurationCounts {
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

/** How long things take. Hits that wait for nothing are not timed: reading the clock would cost as much as the hit. */
export class Latencies {
  readonly baseRead = new Histogram();
  readonly baseWrite = new Histogram();
  readonly baseFlush = new Histogram();
  /** Reads that waited for the base or for memory. */
  readonly readWait = new Histogram();
  /** Writes that waited for memory. */
  readonly writeWait = new Histogram();

  static readonly byteLength = 5 * new Histogram().byteLength;
}

/** Begins to time something; what it returns ends that. */
export function timed(clock: Clock, histogram: Histogram): () => void {
  const startMs = clock.now();
  return () => histogram.add((clock.now() - startMs) * 1000);
}

export function summaryOf(histogram: Histogram): LatencySummary {
  return {
    ...durationsOf(histogram),
    meanUs: histogram.mean,
    p50Us: histogram.quantile(0.5),
    p99Us: histogram.quantile(0.99),
    maxUs: histogram.max,
  };
}
