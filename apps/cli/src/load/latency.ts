import { build, type Histogram } from 'hdr-histogram-js';

const NS_PER_MS = 1e6;
/** An hour. */
const LATENCY_NS_MAX = 3.6e12;

/** How long operations took, in milliseconds; quantiles true to three digits. All zero where there were none. */
export interface LatencySummary {
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** Where the curve of a distribution is told: each further nine in the same number of steps. */
const PERCENTILES = [
  0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 92.5, 95, 97.5, 99, 99.25, 99.5, 99.75, 99.9, 99.925, 99.95, 99.975, 99.99,
  99.9925, 99.995, 99.9975, 99.999,
];

/** Operations of one kind: how many, how large, how long. */
export class Tally {
  operations = 0;
  bytes = 0;
  readonly #latencyNs: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_NS_MAX,
    numberOfSignificantValueDigits: 3,
  });

  add(bytes: number, durationMs: number): void {
    this.operations++;
    this.bytes += bytes;
    this.#latencyNs.recordValue(Math.min(LATENCY_NS_MAX, Math.max(0, Math.round(durationMs * NS_PER_MS))));
  }

  /** Pairs of a percentile and the milliseconds that so many took at most; as far as there were operations to tell it. */
  percentiles(): [percentile: number, ms: number][] {
    const known = PERCENTILES.filter((percentile) => this.operations * (100 - percentile) >= 100);
    return known.map((percentile) => [percentile, this.#latencyNs.getValueAtPercentile(percentile) / NS_PER_MS]);
  }

  latency(): LatencySummary {
    const of = (percentile: number) => {
      return this.operations === 0 ? 0 : this.#latencyNs.getValueAtPercentile(percentile) / NS_PER_MS;
    };
    return {
      meanMs: this.operations === 0 ? 0 : this.#latencyNs.mean / NS_PER_MS,
      p50Ms: of(50),
      p90Ms: of(90),
      p99Ms: of(99),
      p999Ms: of(99.9),
      maxMs: of(100),
    };
  }
}

/** A tally for programs, over the time of a run. */
export function summaryOf(tally: Tally, seconds: number) {
  const { operations, bytes } = tally;
  return {
    operations,
    bytes,
    operationsPerSecond: seconds > 0 ? operations / seconds : 0,
    bytesPerSecond: seconds > 0 ? bytes / seconds : 0,
    latency: tally.latency(),
    percentiles: tally.percentiles(),
  };
}

export type Summary = ReturnType<typeof summaryOf>;
