import Table from 'cli-table3';

const NO_LINES = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((part) => [part, '']),
);

export interface TableOptions {
  readonly head?: readonly string[];
  readonly align?: readonly ('left' | 'right')[];
  /** Characters of each column, for tables that go on in a further one. */
  readonly widths?: readonly number[];
}

/** A table without lines and colours, which a file or `awk` can take too. */
export function plainTable(rows: readonly (readonly (string | number)[])[], options: TableOptions = {}): string {
  const { head, align, widths } = options;
  const table = new Table({
    chars: { ...NO_LINES, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    ...(head === undefined ? {} : { head: [...head] }),
    ...(align === undefined ? {} : { colAligns: [...align] }),
    ...(widths === undefined ? {} : { colWidths: [...widths] }),
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
