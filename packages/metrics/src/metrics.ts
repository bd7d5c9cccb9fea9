import {
  BlockError,
  checkFunction,
  checkOptionNames,
  DURATION_BOUNDS_US,
  type DurationCounts,
  type KnownOptions,
} from '@blockyard/block';
import { type Prices, pricesOf } from '@blockyard/object-store';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { allMetrics, type Placed, type Reading } from './families/all.js';
import type { Labels, Sample } from './families/definition.js';
import type { Snapshots } from './families/sources.js';

/** What to tell, and where; for {@link createMetrics}. */
export interface MetricsOptions {
  /** Gives the snapshots of the moment. Called when metrics are collected, and at no other time. Must not throw. */
  readonly snapshots: () => Snapshots;
  /** Where to register the metrics. Default: a registry of their own. */
  readonly registry?: Registry;
  /** What a store costs. Default: the list prices of S3 Standard. */
  readonly prices?: Partial<Prices>;
  /** Whether those of the process are told too: processor time, memory, event loop. Default: true for a registry of their own. */
  readonly process?: boolean;
}

/** Metrics for Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  /** Of the text: `text/plain; version=0.0.4; charset=utf-8`. */
  readonly contentType: string;
  /** What Prometheus reads, of this moment. */
  text(): Promise<string>;
}

const KNOWN: KnownOptions<MetricsOptions> = { snapshots: true, registry: true, prices: true, process: true };

/**
 * Registers the metrics of all that Blockyard has. What a snapshot does not have is left out of the text.
 *
 * Throws `INVALID_ARGUMENT` for a wrong option, and if the registry has such metrics already.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectCache } from '@blockyard/cache';
 * import { createMetrics } from '@blockyard/metrics';
 *
 * const disk = await connectCache(await connectMemory({ sizeSectors: 2048 }), { maxSizeBytes: 2 ** 20 });
 * const metrics = createMetrics({ snapshots: () => ({ exports: { disk: { cache: disk.snapshot() } } }) });
 * console.log((await metrics.text()).includes('blockyard_cache_dirty_bytes{export="disk"} 0')); // true
 * await disk.disconnect();
 * ```
 */
export function createMetrics(options: MetricsOptions): Metrics {
  checkOptionNames(options, KNOWN);
  const {
    snapshots,
    registry = new Registry(),
    prices = {},
    process: isProcessTold = options.registry === undefined,
  } = options;
  checkFunction(snapshots, 'snapshots');
  const metrics = allMetrics(pricesOf(prices));
  const taken = metrics.find(({ definition }) => registry.getSingleMetric(definition.name) !== undefined);
  if (taken !== undefined) {
    throw new BlockError('INVALID_ARGUMENT', `the registry has ${taken.definition.name} already`);
  }
  const moment = momentary(snapshots);
  for (const placed of metrics) register(registry, placed, moment);
  if (isProcessTold) collectDefaultMetrics({ register: registry });
  return { registry, contentType: registry.contentType, text: () => registry.metrics() };
}

/** All metrics that are collected together are of one moment, and ask once. */
function momentary(take: () => Snapshots): () => Snapshots {
  let present: Snapshots | undefined;
  return () => {
    if (present === undefined) {
      present = take();
      setImmediate(() => {
        present = undefined;
      });
    }
    return present;
  };
}

function register(registry: Registry, { definition, isOfExport, read }: Placed, moment: () => Snapshots): void {
  const { name, help, type, labels = [] } = definition;
  const labelNames = isOfExport ? ['export', ...labels] : [...labels];
  const shared = { name, help, labelNames, registers: [registry] };
  if (type === 'histogram') {
    new SnapshotHistogram(shared, () => samplesOf<DurationCounts>(read(moment())));
  } else if (type === 'counter') {
    new Counter({
      ...shared,
      collect() {
        this.reset();
        // Without labels it begins with a 0 that no snapshot tells.
        this.remove({});
        for (const [labelled, value] of samplesOf<number>(read(moment()))) this.inc(labelled, value);
      },
    });
  } else {
    new Gauge({
      ...shared,
      collect() {
        this.reset();
        this.remove({});
        for (const [labelled, value] of samplesOf<number>(read(moment()))) this.set(labelled, value);
      },
    });
  }
}

function samplesOf<V>(readings: readonly Reading[]): Sample<V>[] {
  return readings.flatMap(({ export: name, values }) => {
    const own: Labels = name === undefined ? {} : { export: name };
    const samples = (
      typeof values === 'object' ? values : values === undefined ? [] : [[{}, values]]
    ) as readonly Sample<V>[];
    return samples.map(([labels, value]) => [{ ...own, ...labels }, value] as const);
  });
}

const SECOND_US = 1e6;

/** A histogram whose counts are kept elsewhere. */
class SnapshotHistogram extends Histogram {
  readonly #read: () => readonly Sample<DurationCounts>[];
  readonly #name: string;
  readonly #help: string;

  constructor(shared: ConstructorParameters<typeof Histogram>[0], read: () => readonly Sample<DurationCounts>[]) {
    super({ ...shared, buckets: DURATION_BOUNDS_US.map((bound) => bound / SECOND_US) });
    this.#read = read;
    this.#name = shared.name;
    this.#help = shared.help;
  }

  override async get(): ReturnType<Histogram['get']> {
    const name = this.#name;
    const values = this.#read().flatMap(([labels, { count, sumUs, below }]) => [
      ...DURATION_BOUNDS_US.map((bound, at) => ({
        metricName: `${name}_bucket`,
        labels: { le: bound / SECOND_US, ...labels },
        value: below[at] ?? count,
      })),
      { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
      { metricName: `${name}_sum`, labels, value: sumUs / SECOND_US },
      { metricName: `${name}_count`, labels, value: count },
    ]);
    // The enumeration of types is there for the compiler alone.
    return { name, help: this.#help, type: 'histogram' as never, aggregator: 'sum', values, collect: () => {} };
  }

  /** What the registry asks for where it can. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get();
  }
}
