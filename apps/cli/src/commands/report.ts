import { basename } from 'node:path';
import type { Command } from 'commander';
import { defineCommand } from '../arguments/define.js';
import { readRun } from '../report/read-run.js';
import { type NamedRun, runsReport } from '../report/runs.js';
import { checkReport, writeReport } from '../report/write-report.js';
import type { Context } from '../terminal/context.js';
import { UsageError } from '../terminal/failure.js';

/** Reads and writes of each: as many lines as can be told apart in a chart. */
const RUNS_MAX = 4;

export function defineReport(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'report <runs...>',
    summary: `Shows runs side by side in one HTML file: up to ${RUNS_MAX} files with what bench --json or replay --json printed.`,
    example: 'blockyard report chunks.json log.json --out compared.html',
  })
    .requiredOption('--out <file>', 'the report, a file that ends in .html')
    .action((files: string[], { out }: { readonly out: string }) => report(context, files, out));
}

async function report(context: Context, files: readonly string[], out: string): Promise<void> {
  if (files.length > RUNS_MAX) throw new UsageError(`a report has at most ${RUNS_MAX} runs, not ${files.length}`);
  await checkReport(out, '--out');
  const names = files.map((file) => basename(file).replace(/\.json$/i, ''));
  // Of the same name in two folders the paths tell which is which.
  const isAmbiguous = new Set(names).size < names.length;
  const runs: NamedRun[] = [];
  for (const [at, file] of files.entries()) {
    runs.push({ name: isAmbiguous ? file : (names[at] ?? file), run: await readRun(file) });
  }
  await writeReport(out, runsReport(runs));
  await context.print(`report in ${out}`);
}
