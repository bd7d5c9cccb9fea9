import type { Histogram } from './histogram.js';

/**
 * Durations that a {@link DurationCounts} counts by, in microseconds: 25, and each the double of the one before, up to 52
 * seconds. A {@link Histogram} of microseconds is exact at all of them.
 */
export const DURATION_BOUNDS_US: readonly number[] = Array.from({ length: 22 }, (_, doublings) => 25 * 2 ** doublings);

/**
 * How long things took, as counts since the beginning: a monitor makes rates, means and quantiles of any time of the difference
 * between two of them.
 */
export interface DurationCounts {
  readonly count: number;
  /** Microseconds in all. */
  readonly sumUs: number;
  /** For each of {@link DURATION_BOUNDS_US}, how many took less. */
  readonly below: readonly number[];
}

/** Counts of a histogram of microseconds; a copy. */
export function durationsOf(histogram: Histogram): DurationCounts {
  return { count: histogram.count, sumUs: histogram.sum, below: histogram.below(DURATION_BOUNDS_US) };
}
