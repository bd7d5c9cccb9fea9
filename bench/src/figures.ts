import Table from 'cli-table3';

/** One measurement, with its goal if it has one. */
export interface Figure {
  readonly work: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export function isMissed({ value, atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY }: Figure) {
  return !(value <= atMost && value >= atLeast);
}

/** Prints figures as a table, or, with facts of the run, as JSON. With `check` the process fails where a goal is missed. */
export function report(
  figures: readonly Figure[],
  { json = false, check = false }: { readonly json?: boolean; readonly check?: boolean },
  facts: object = {},
): void {
  if (json) console.log(JSON.stringify({ ...facts, figures }, undefined, 2));
  else console.log(tableOf(figures));
  if (check && figures.some(isMissed)) process.exitCode = 1;
}

function tableOf(figures: readonly Figure[]): string {
  const table = new Table({ head: ['', '', 'measured', 'goal'] });
  for (const figure of figures) {
    const { work, name, value, unit, atMost, atLeast } = figure;
    const goal = atMost !== undefined ? `<= ${atMost}` : atLeast !== undefined ? `>= ${atLeast}` : '';
    table.push([work, name, `${Number(value.toPrecision(3))} ${unit}`, isMissed(figure) ? `${goal} missed` : goal]);
  }
  return table.toString();
}
