/** What a number counts, which says how it is shown. `percentile`: 0 to 100, on an axis on which each further nine is one step. */
export type Unit = 'count' | 'bytes' | 'ms' | 'seconds' | 'share' | 'percentile' | 'usd';

/** What is shown: sections, one after the other. Texts are shown as they are, whatever is in them. */
export interface Report {
  readonly title: string;
  /** What it is about, in a sentence. */
  readonly summary: string;
  readonly sections: readonly ReportSection[];
}

/** A part of a report under a heading. */
export interface ReportSection {
  readonly heading: string;
  readonly text?: string;
  readonly tables?: readonly Table[];
  readonly charts?: readonly Chart[];
}

/** A text, or a number that is shown in its column's unit; null: nothing. */
export type Cell = string | number | null;

/** A table, with a unit for each column of numbers. */
export interface Table {
  readonly caption: string;
  readonly columns: readonly { readonly label: string; readonly unit?: Unit }[];
  /** As many cells in each as there are columns. The first one names the row. */
  readonly rows: readonly (readonly Cell[])[];
}

/** An axis of a chart. */
export interface ChartAxis {
  readonly label: string;
  readonly unit: Unit;
  /** Default: false. */
  readonly isLogarithmic?: boolean;
}

/** A line in a chart. */
export interface Series {
  readonly label: string;
  /** One for each place on the x axis; null where there is none. */
  readonly values: readonly (number | null)[];
}

/** A chart, and the same as a table. */
export interface Chart {
  readonly title: string;
  readonly x: ChartAxis & { readonly values: readonly number[] };
  readonly y: ChartAxis;
  /** At most 8, which is how many can be told apart. */
  readonly series: readonly Series[];
}

export const SERIES_MAX = 8;
