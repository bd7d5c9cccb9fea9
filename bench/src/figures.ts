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

/** Where what was measured leaves its data: of all of a run, or by the work that a figure is of. */
export type DurabilityClass = string | Readonly<Record<string, string>>;

/**
 * Prints figures, each with its durability class, as a table, or, with facts of the run, as JSON. With `check` the process fails
 * where a goal is missed.
 */
export function report(
  figures: readonly Figure[],
  { json = false, check = false }: { readonly json?: boolean; readonly check?: boolean },
  { durability, ...facts }: { readonly durability: DurabilityClass } & Readonly<Record<string, unknown>>,
): void {
  const classOf = ({ work }: Figure) => (typeof durability === 'string' ? durability : (durability[work] ?? ''));
  const rows = figures.map((figure) => ({ ...figure, durability: classOf(figure) }));
  if (json) console.log(JSON.stringify({ ...facts, figures: rows }, undefined, 2));
  else console.log(tableOf(rows));
  if (check && figures.some(isMissed)) process.exitCode = 1;
}

function tableOf(figures: readonly (Figure & { readonly durability: string })[]): string {
  const table = new Table({ head: ['', '', 'measured', 'goal', 'durability class'] });
  for (const figure of figures) {
    const { work, name, value, unit, atMost, atLeast, durability } = figure;
    const goal = atMost !== undefined ? `<= ${atMost}` : atLeast !== undefined ? `>= ${atLeast}` : '';
    table.push([
      work,
      name,
      `${Number(value.toPrecision(3))} ${unit}`,
      isMissed(figure) ? `${goal} missed` : goal,
      durability,
    ]);
  }
  return table.toString();
}
