import {
  type BlockDevice,
  type BlockErrorCode,
  type Clock,
  checkClock,
  checkDevice,
  checkOptionNames,
  Histogram,
  type KnownOptions,
  OPERATIONS,
  type Operation,
  systemClock,
} from '@blockyard/block';
import { checkOwnsBase } from './check.js';
import { createLayer, type Intercept, type LayerOptions, rangeOf } from './layer.js';
import { type Ended, timed } from './timed.js';

/** How long operations took, in milliseconds. All zero before the first has ended. */
export interface LatencyStats {
  readonly minMs: number;
  readonly meanMs: number;
  readonly maxMs: number;
  /** Quantiles, too large by less than one in 32. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** What one kind of operation did. */
export interface OperationStats {
  /** Calls that have ended, failures included. */
  readonly calls: number;
  readonly errors: number;
  readonly errorsByCode: Readonly<Partial<Record<BlockErrorCode, number>>>;
  /** Bytes of the ranges of successful calls. */
  readonly bytes: number;
  readonly inFlight: number;
  readonly maxInFlight: number;
  readonly latency: LatencyStats;
}

/** A copy, which no longer changes. */
export type Stats = { readonly [O in Operation]: OperationStats };

/** A device that knows what it did. */
export interface StatsDevice extends BlockDevice {
  /** What the device has done so far. */
  stats(): Stats;
  /** Starts to count anew. What is in flight stays so. */
  resetStats(): void;
}

/** Options of {@link withStats}. */
export interface StatsOptions extends LayerOptions {
  /** Default: the system's. */
  readonly clock?: Clock;
}

const KNOWN: KnownOptions<StatsOptions> = { ownsBase: true, clock: true };

/**
 * The base, counting and timing every operation, those of a `disconnect` and of emulation included.
 *
 * Throws `INVALID_ARGUMENT` if an option is wrong or unknown.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { withStats } from '@blockyard/layers';
 *
 * const device = withStats(await connectMemory({ sizeSectors: 16 }));
 * await device.read(0, [new Uint8Array(1024)]);
 * const { read } = device.stats();
 * console.log(read.calls, read.bytes); // 1 1024
 * ```
 */
export function withStats(base: BlockDevice, options: StatsOptions = {}): StatsDevice {
  checkDevice(base, 'base');
  checkOptionNames(options, KNOWN);
  const { clock = systemClock } = options;
  checkClock(clock);
  const { sectorSize } = base.info;
  const counters = tableOf(() => new Counter());

  const intercept: Intercept = (operation, args, send) => {
    const counter = counters[operation];
    const sectors = rangeOf(operation, args, sectorSize)?.count ?? 0;
    counter.begin();
    return timed(
      clock,
      () => send(args),
      (ended) => counter.end(ended, sectors * sectorSize),
    );
  };
  return Object.assign(createLayer(base, { name: 'stats', ownsBase: checkOwnsBase(options), intercept }), {
    stats: () => tableOf((operation) => counters[operation].snapshot()),
    resetStats: () => {
      for (const operation of OPERATIONS) counters[operation].reset();
    },
  });
}

function tableOf<T>(make: (operation: Operation) => T): Record<Operation, T> {
  return Object.fromEntries(OPERATIONS.map((operation) => [operation, make(operation)])) as Record<Operation, T>;
}

class Counter {
  #calls = 0;
  #errors = 0;
  #errorsByCode: Partial<Record<BlockErrorCode, number>> = {};
  #bytes = 0;
  #inFlight = 0;
  #maxInFlight = 0;
  /** Microseconds. */
  #latency = new Histogram();

  begin(): void {
    this.#inFlight++;
    this.#maxInFlight = Math.max(this.#maxInFlight, this.#inFlight);
  }

  end({ error, durationMs }: Ended, bytes: number): void {
    this.#calls++;
    this.#inFlight--;
    this.#latency.add(durationMs * 1000);
    if (error === undefined) {
      this.#bytes += bytes;
    } else {
      this.#errors++;
      this.#errorsByCode[error] = (this.#errorsByCode[error] ?? 0) + 1;
    }
  }

  reset(): void {
    this.#calls = 0;
    this.#errors = 0;
    this.#errorsByCode = {};
    this.#bytes = 0;
    this.#maxInFlight = this.#inFlight;
    this.#latency = new Histogram();
  }

  snapshot(): OperationStats {
    const latency = this.#latency;
    const quantileMs = (share: number) => latency.quantile(share) / 1000;
    return {
      calls: this.#calls,
      errors: this.#errors,
      errorsByCode: { ...this.#errorsByCode },
      bytes: this.#bytes,
      inFlight: this.#inFlight,
      maxInFlight: this.#maxInFlight,
      latency: {
        minMs: latency.min / 1000,
        meanMs: latency.mean / 1000,
        maxMs: latency.max / 1000,
        p50Ms: quantileMs(0.5),
        p99Ms: quantileMs(0.99),
        p999Ms: quantileMs(0.999),
      },
    };
  }
}
