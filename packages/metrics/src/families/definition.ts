import type { DurationCounts } from '@blockyard/block';

export type Labels = Readonly<Record<string, string>>;

/** One value of a metric, with its labels but for `export`. */
export type Sample<V> = readonly [labels: Labels, value: V];

interface Described {
  /** By the conventions of Prometheus: `blockyard_`, the part, what it is, its unit; of a counter `_total`. */
  readonly name: string;
  readonly help: string;
  /** Names of labels beside `export`. */
  readonly labels?: readonly string[];
}

/** One metric, and how its values come from the snapshot `S`. Undefined, and an empty list: it has none now. */
export type Definition<S> = Described &
  (
    | {
        readonly type: 'counter' | 'gauge';
        /** A number where there are no labels beside `export`. */
        readonly of: (snapshot: S) => number | undefined | readonly Sample<number>[];
      }
    | { readonly type: 'histogram'; readonly of: (snapshot: S) => readonly Sample<DurationCounts>[] }
  );

/** Seconds of milliseconds that may be none, which is none too. */
export function secondsOf(ms: number | undefined): number {
  return (ms ?? 0) / 1000;
}

/** A sample for each of `values`, by the names that they have as the label. */
export function byLabel<V>(label: string, values: Readonly<Record<string, V | undefined>>): Sample<V>[] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[{ [label]: name }, value]]));
}
