/** What is printed of the results. */

const CONFIDENCE_Z = 1.96;
const TEXT_MAX = 90;
export const KILLED = new Set(['killed', 'timeout']);

/** The share of `killed` among `total` with its 95 % interval (Wilson 1927), in per cent. */
export function scoreOf(killed, total) {
  if (total === 0) return { score: 100, low: 0, high: 100 };
  const share = killed / total;
  const z2 = CONFIDENCE_Z ** 2;
  const middle = (share + z2 / (2 * total)) / (1 + z2 / total);
  const half = (CONFIDENCE_Z * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total ** 2))) / (1 + z2 / total);
  return { score: 100 * share, low: 100 * (middle - half), high: 100 * (middle + half) };
}

/** A line for each file, and one for all. Mutants that no test comes past count as survivors. */
export function tableOf(name, results) {
  const files = [...new Set(results.map(({ mutant }) => mutant.file))].sort();
  const rows = [
    ...files.map((file) =>
      rowOf(
        file,
        results.filter(({ mutant }) => mutant.file === file),
      ),
    ),
  ];
  const lines = [
    `${name}`.padEnd(24) + ['mutants', 'killed', 'time-out', 'survived', 'uncovered', 'score'].map(cell).join(''),
  ];
  for (const row of [...rows, rowOf('all', results)]) lines.push(row);
  return lines.join('\n');
}

function rowOf(file, results) {
  const count = (status) => results.filter(({ result }) => result.status === status).length;
  const counts = ['killed', 'timeout', 'survived', 'uncovered'].map(count);
  const { score } = scoreOf(counts[0] + counts[1], results.length);
  return `  ${file}`.padEnd(24) + [results.length, ...counts, `${score.toFixed(1)} %`].map(cell).join('');
}

const cell = (value) => String(value).padStart(10);

/** Where a survivor is and what it does. */
export function survivorLine(directory, { mutant, result }) {
  const { file, line, column, mutator, original, replacement } = mutant;
  const note = result.status === 'uncovered' ? ' (uncovered)' : '';
  return `${directory}/src/${file}:${line}:${column} ${mutator}${note}: ${short(original)} -> ${short(replacement)}`;
}

function short(text) {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > TEXT_MAX ? `${line.slice(0, TEXT_MAX)}...` : line || 'nothing';
}
