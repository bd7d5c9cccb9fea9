import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { format } from './format.js';
import { type Cell, type Chart, type Report, type ReportSection, SERIES_MAX, type Table, type Unit } from './report.js';
import { STYLE } from './style.js';

const require = createRequire(import.meta.url);

/**
 * A report as one HTML file, which asks for nothing from anywhere: what draws the charts is in it, and its content security
 * policy lets nothing else run. Without scripts the tables are there.
 *
 * Rejects with a `RangeError` if a table or a chart does not fit together.
 *
 * @example
 * ```ts
 * import { reportHtml } from '@blockyard/report';
 *
 * const page = await reportHtml({ title: 'A run', summary: 'All is well.', sections: [] });
 * console.log(page.includes('<title>A run</title>')); // true
 * ```
 */
export async function reportHtml(report: Report): Promise<string> {
  const { title, summary, sections } = report;
  const charts = sections.flatMap((section) => section.charts ?? []);
  for (const chart of charts) checkChart(chart);
  const { scripts, styles, notice } = await parts();
  let at = 0;
  const body = sections.map((section) => sectionHtml(section, () => at++)).join('\n');
  return `<!doctype html>
<!-- The charts are drawn by uPlot.
${notice.replaceAll('--', '- -')}
-->
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf({ scripts, styles })}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
${styles.map((css) => `<style>${css}</style>`).join('\n')}
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(summary)}</p>
${body}
</main>
<script type="application/json" id="charts">${JSON.stringify(charts).replaceAll('<', '\\u003c')}</script>
${scripts.map((code) => `<script>${code}</script>`).join('\n')}
</body>
</html>
`;
}

interface Parts {
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
  /** What the license of the library asks to be kept with it. */
  readonly notice: string;
}

async function parts(): Promise<Parts> {
  const read = (path: string | URL) => readFile(path, 'utf8');
  const [plot, plotStyle, notice, client] = await Promise.all([
    read(require.resolve('uplot/dist/uPlot.iife.min.js')),
    read(require.resolve('uplot/dist/uPlot.min.css')),
    read(require.resolve('uplot/LICENSE')),
    read(new URL('../dist/client.js', import.meta.url)),
  ]);
  return { scripts: [plot, client], styles: [plotStyle, STYLE], notice };
}

/** Nothing is loaded, and nothing runs but what was put into the page here. */
function policyOf({ scripts, styles }: Pick<Parts, 'scripts' | 'styles'>): string {
  const hashes = (texts: readonly string[]) =>
    texts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ');
  const known = `script-src ${hashes(scripts)}; style-src ${hashes(styles)}`;
  return `default-src 'none'; ${known}; base-uri 'none'; form-action 'none'`;
}

function sectionHtml({ heading, text, tables = [], charts = [] }: ReportSection, nextChart: () => number): string {
  return [
    `<section>\n<h2>${escapeHtml(heading)}</h2>`,
    ...(text === undefined ? [] : [`<p>${escapeHtml(text)}</p>`]),
    ...tables.map((table) => tableHtml(table)),
    ...(charts.length === 0
      ? []
      : [`<div class="charts">${charts.map((each) => chartHtml(each, nextChart())).join('')}</div>`]),
    '</section>',
  ].join('\n');
}

function chartHtml(chart: Chart, at: number): string {
  const { title, x, y, series } = chart;
  const rows = x.values.map((value, place) => [value, ...series.map(({ values }) => values[place] ?? null)]);
  const columns = [{ label: x.label, unit: x.unit }, ...series.map(({ label }) => ({ label, unit: y.unit }))];
  const label = `${title}. The table below has the same numbers.`;
  return `<figure>
<figcaption>${escapeHtml(title)}</figcaption>
<div data-chart="${at}" role="img" aria-label="${escapeHtml(label)}"></div>
<details><summary>${escapeHtml(title)}, as a table</summary>${tableHtml({ caption: `${title}: ${y.label}`, columns, rows })}</details>
</figure>`;
}

function tableHtml({ caption, columns, rows }: Table): string {
  const head = columns
    .map(({ label, unit }) => `<th scope="col"${unit === undefined ? ' class="text"' : ''}>${escapeHtml(label)}</th>`)
    .join('');
  const body = rows.map((row) => {
    if (row.length !== columns.length) throw new RangeError(`a row of "${caption}" must have ${columns.length} cells`);
    return `<tr>${row.map((cell, at) => cellHtml(cell, columns[at]?.unit, at === 0)).join('')}</tr>`;
  });
  // What may have to be scrolled has to be reached by the keyboard, and then wants a name.
  return `<div class="scroll" role="group" aria-label="${escapeHtml(caption)}" tabindex="0"><table>
<caption>${escapeHtml(caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>${body.join('\n')}</tbody>
</table></div>`;
}

function cellHtml(cell: Cell, unit: Unit | undefined, isName: boolean): string {
  const text = cell === null ? '' : typeof cell === 'string' ? cell : format(cell, unit ?? 'count');
  if (isName) return `<th scope="row">${escapeHtml(text)}</th>`;
  return typeof cell === 'string' ? `<td class="text">${escapeHtml(text)}</td>` : `<td>${escapeHtml(text)}</td>`;
}

function checkChart({ title, x, series }: Chart): void {
  if (series.length === 0 || series.length > SERIES_MAX) {
    throw new RangeError(`"${title}" must have 1 to ${SERIES_MAX} series, not ${series.length}`);
  }
  const odd = series.find(({ values }) => values.length !== x.values.length);
  if (odd !== undefined) throw new RangeError(`"${odd.label}" must have ${x.values.length} values`);
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
