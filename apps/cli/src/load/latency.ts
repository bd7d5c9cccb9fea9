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
  };
}

export type Summary = ReturnType<typeof summaryOf>;
