import type { Cell, Chart, Report, Series, Table } from '@blockyard/report';
import { classText } from '../devices/tier-log.js';
import { PART_MEANINGS, PART_NAMES, PARTS } from '../explain/parts.js';
import { sharesOf } from '../explain/text.js';
import type { Summary } from '../load/latency.js';
import type { RunRecord } from '../load/run-record.js';

type Kind = 'reads' | 'writes';
const KINDS: readonly Kind[] = ['reads', 'writes'];

/** A run under the name that tells it from others. */
export interface NamedRun {
  readonly name: string;
  readonly run: RunRecord;
}

/** What there is to show of one run, or of several side by side. */
export function runsReport(runs: readonly NamedRun[]): Report {
  const [first] = runs;
  const isOne = runs.length === 1;
  const title = isOne && first !== undefined ? `${first.run.command}: ${first.run.what}` : `${runs.length} runs`;
  const summary =
    isOne && first !== undefined
      ? `${first.run.device}, ${first.run.startedAt}, Blockyard ${first.run.version}.`
      : 'What each run was is in the table of runs.';
  const shown = shownOf(runs);
  const charts = [throughput(shown, 'Operations'), throughput(shown, 'Bytes'), percentiles(shown)];
  return {
    title,
    summary,
    sections: [
      {
        heading: 'Results',
        text: 'Durability is where data are once a write, and once a flush, is answered. Requests and dollars are those of the store, in all of the run.',
        tables: [resultsOf(runs), factsOf(runs)],
      },
      ...(shown.length === 0 ? [] : [{ heading: 'Over time, and how long it took', charts }]),
      ...explainedSections(runs),
      { heading: 'What reached the base', tables: [baseOf(runs), ...storeTables(runs)] },
    ],
  };
}

interface Shown {
  readonly label: string;
  readonly kind: Kind;
  readonly run: RunRecord;
}

/** Kinds of operations that there were any of. */
function shownOf(runs: readonly NamedRun[]): Shown[] {
  return runs.flatMap(({ name, run }) =>
    KINDS.filter((kind) => run[kind].operations > 0).map((kind) => ({
      kind,
      run,
      label: runs.length === 1 ? kind : `${name}: ${kind}`,
    })),
  );
}

function resultsOf(runs: readonly NamedRun[]): Table {
  const ms = ['mean', 'median', '90 %', '99 %', '99.9 %', 'longest'].map((label) => ({ label, unit: 'ms' as const }));
  return {
    caption: 'Operations',
    columns: [
      { label: '' },
      { label: 'durability' },
      { label: 'requests', unit: 'count' },
      { label: 'dollars', unit: 'usd' },
      { label: 'operations', unit: 'count' },
      { label: 'bytes', unit: 'bytes' },
      { label: 'per second', unit: 'count' },
      { label: 'bytes per second', unit: 'bytes' },
      ...ms,
    ],
    rows: runs.flatMap(({ name, run }) =>
      KINDS.map((kind) => [
        runs.length === 1 ? kind : `${name}: ${kind}`,
        durabilityText(run),
        requestsOf(run),
        run.store?.cost?.totalUsd ?? null,
        ...figuresOf(run[kind]),
      ]),
    ),
  };
}

function figuresOf({ operations, bytes, operationsPerSecond, bytesPerSecond, latency }: Summary): Cell[] {
  const { meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = latency;
  const times = operations === 0 ? Array<null>(6).fill(null) : [meanMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs];
  return [operations, bytes, operationsPerSecond, bytesPerSecond, ...times];
}

function durabilityText({ durability }: RunRecord): string {
  return `written ${classText(durability.write)}, flushed ${classText(durability.flush)}`;
}

function requestsOf({ store }: RunRecord): number | null {
  return store === null ? null : Object.values(store.requests).reduce((sum, count) => sum + count, 0);
}

function factsOf(runs: readonly NamedRun[]): Table {
  return {
    caption: 'Runs',
    columns: [
      { label: '' },
      { label: 'load' },
      { label: 'device' },
      { label: 'size', unit: 'bytes' },
      { label: 'cache', unit: 'bytes' },
      { label: 'began' },
      { label: 'took', unit: 'seconds' },
      { label: 'flush at the end', unit: 'seconds' },
    ],
    rows: runs.map(({ name, run }) => [
      name,
      `${run.command}: ${run.what}`,
      run.device,
      run.sizeBytes,
      run.cacheBytes ?? 'none',
      run.startedAt,
      run.seconds,
      run.flushSeconds,
    ]),
  };
}

/** Of runs whose parts have different lengths, each has its own places. */
function throughput(shown: readonly Shown[], what: 'Operations' | 'Bytes'): Chart {
  const isBytes = what === 'Bytes';
  const places = new Set(shown.flatMap(({ run }) => endsOf(run)));
  const values = [...places].sort((a, b) => a - b);
  const series = shown.map(({ label, kind, run }): Series => {
    const { everySeconds, readOperations, readBytes, writeOperations, writeBytes } = run.timeline;
    const [operations, bytes] = kind === 'reads' ? [readOperations, readBytes] : [writeOperations, writeBytes];
    const ends = endsOf(run);
    const known = new Map(
      (isBytes ? bytes : operations).map((amount, at) => {
        const end = ends[at] ?? 0;
        const length = end - at * everySeconds;
        return [end, length > 0 ? amount / length : null] as const;
      }),
    );
    return { label, values: values.map((at) => known.get(at) ?? null) };
  });
  return {
    title: `${what} per second`,
    x: { label: 'time', unit: 'seconds', values },
    y: { label: `${what.toLowerCase()} per second`, unit: isBytes ? 'bytes' : 'count' },
    series,
  };
}

/** When each part of a run ended, in seconds from its beginning. The last part is as long as the run was. */
function endsOf({ timeline, seconds }: RunRecord): number[] {
  const { everySeconds, readOperations } = timeline;
  return readOperations.map((_, at) =>
    at + 1 < readOperations.length ? (at + 1) * everySeconds : Math.max(seconds, at * everySeconds),
  );
}

function percentiles(shown: readonly Shown[]): Chart {
  const places = new Set(shown.flatMap(({ run, kind }) => run[kind].percentiles.map(([percentile]) => percentile)));
  const values = [...places].sort((a, b) => a - b);
  return {
    title: 'Latency by percentile',
    x: { label: 'percentile', unit: 'percentile', values },
    y: { label: 'latency', unit: 'ms', isLogarithmic: true },
    series: shown.map(({ label, run, kind }) => {
      const known = new Map(run[kind].percentiles.map(([percentile, ms]) => [percentile, ms]));
      // What took no measurable time has no place on a logarithmic axis.
      return { label, values: values.map((at) => known.get(at) || null) };
    }),
  };
}

function baseOf(runs: readonly NamedRun[]): Table {
  return {
    caption: 'Base, and what the cache kept from it',
    columns: [
      { label: '' },
      { label: 'reads', unit: 'count' },
      { label: 'read', unit: 'bytes' },
      { label: 'writes', unit: 'count' },
      { label: 'written', unit: 'bytes' },
      { label: 'zeroings', unit: 'count' },
      { label: 'flushes', unit: 'count' },
      { label: 'hits', unit: 'count' },
      { label: 'misses', unit: 'count' },
      { label: 'hit ratio', unit: 'share' },
    ],
    rows: runs.map(({ name, run: { base, cache } }) => [
      name,
      base.reads,
      base.readBytes,
      base.writes,
      base.writeBytes,
      base.zeroes,
      base.flushes,
      cache?.hits ?? null,
      cache?.misses ?? null,
      cache?.hitRatio ?? null,
    ]),
  };
}

/** What the slowest requests waited for, of the runs that were told to tell it. */
function explainedSections(runs: readonly NamedRun[]): Report['sections'][number][] {
  const rows = runs.flatMap(({ name, run }) => {
    if (run.explained === undefined || run.explained.length === 0) return [];
    const shares = new Map(sharesOf(run.explained).map(({ part, share }) => [part, share]));
    return [[name, run.explained.length, ...PARTS.map((part) => shares.get(part) ?? 0)]];
  });
  if (rows.length === 0) return [];
  const parts = PARTS.map((part) => ({ label: PART_NAMES[part], unit: 'share' as const }));
  const columns = [{ label: '' }, { label: 'requests', unit: 'count' as const }, ...parts];
  const text = PARTS.map((part) => `${PART_NAMES[part]}: ${PART_MEANINGS[part]}`).join('; ');
  const tables = [{ caption: 'Parts of the time of the slowest requests', columns, rows }];
  return [{ heading: 'What the slowest requests waited for', text: `${text}.`, tables }];
}

/** Requests by class of objects, of the runs that had a store. */
function storeTables(runs: readonly NamedRun[]): Table[] {
  const kinds = ['get', 'head', 'put', 'delete', 'list'] as const;
  const rows = runs.flatMap(({ name, run: { store } }) => {
    if (store === null) return [];
    return [...Object.entries(store.classes), ['all', store] as const].map(([className, counts]): Cell[] => [
      runs.length === 1 ? className : `${name}: ${className}`,
      ...kinds.map((kind) => counts.requests[kind]),
      counts.uploadBytes,
      counts.downloadBytes,
      counts.cost?.totalUsd ?? null,
    ]);
  });
  if (rows.length === 0) return [];
  return [
    {
      caption: 'Store: requests, bytes and dollars by class of objects',
      columns: [
        { label: '' },
        ...kinds.map((label) => ({ label: label.toUpperCase(), unit: 'count' as const })),
        { label: 'up', unit: 'bytes' },
        { label: 'down', unit: 'bytes' },
        { label: 'dollars', unit: 'usd' },
      ],
      rows,
    },
  ];
}
