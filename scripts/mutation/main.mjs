#!/usr/bin/env node
/** Changes the code in thousands of small ways, one at a time, and tells which of them no test notices. */
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { buildMutants } from './build.mjs';
import { Pool } from './pool.mjs';
import { KILLED, scoreOf, survivorLine, tableOf } from './report.mjs';
import { TARGET_NAMES, targetOf } from './targets.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRESS_MUTANTS = 100;

const USAGE = `Usage: npm run mutation -- [cache] [block] [options]

  --files a.ts,b.ts   only mutants of these files of src
  --sample N          a random sample of N mutants of each package
  --seed S            of the sample and of the order; default 1
  --concurrency N     processes; default: as many as processors
  --min PERCENT       exit with 1 if the score of a package is below
  --report FILE       write what became of each mutant, as JSON
  --again FILE        only the mutants that survived in that report

Prints survivors, the score of each file, and the score of each package, of a sample with its 95 % interval.
Interrupted (Ctrl-C), it reports on what it has done, which is a random sample too.`;

const options = readOptions();
const again = options.again === undefined ? undefined : readSurvivors(options.again);
const report = [];
for (const name of options.packages) {
  const results = await mutate(name);
  report.push(...results.map(({ mutant, result }) => ({ package: name, ...mutant, ...result })));
}
if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(report, undefined, 1)}\n`);

async function mutate(name) {
  const target = targetOf(name);
  const { out, mutants, names } = await buildMutants(ROOT, target);
  const pool = new Pool(name, out, names);
  const { tests, used, cpuMs } = await pool.dryRun();
  const wanted = mutants.filter((mutant) => isWanted(name, mutant));
  const chosen = shuffled(wanted).slice(0, options.sample);
  console.log(`${name}: ${chosen.length} of ${mutants.length} mutants, ${used} of ${tests} tests (${seconds(cpuMs)})`);
  const results = [];
  process.once('SIGINT', () => pool.stop());
  await pool.run(chosen, options.concurrency, (mutant, result) => {
    results.push({ mutant, result });
    if (results.length % PROGRESS_MUTANTS === 0) console.error(`${results.length} of ${chosen.length}`);
  });
  await rm(out, { recursive: true });
  results.sort((a, b) => Number(a.mutant.id) - Number(b.mutant.id));
  for (const each of results) if (!KILLED.has(each.result.status)) console.log(survivorLine(target.directory, each));
  console.log(tableOf(name, results));
  const killed = results.filter(({ result }) => KILLED.has(result.status)).length;
  const { score, low, high } = scoreOf(killed, results.length);
  const interval = results.length < wanted.length ? `, 95 % interval ${low.toFixed(1)} to ${high.toFixed(1)} %` : '';
  console.log(`${name}: ${killed} of ${results.length} mutants killed, ${score.toFixed(1)} %${interval}`);
  if (score < options.min) process.exitCode = 1;
  return results;
}

function isWanted(name, mutant) {
  return (options.files?.has(mutant.file) ?? true) && (again?.has(placeOf(name, mutant)) ?? true);
}

/** In random order, so that what is done at an interrupt is a sample. The same seed is the same order. */
function shuffled(mutants) {
  const random = xoroshiro128plus(options.seed);
  const left = [...mutants];
  return Array.from(mutants, () => left.splice(uniformInt(random, 0, left.length - 1), 1)[0]);
}

function readSurvivors(path) {
  const before = JSON.parse(readFileSync(path, 'utf8'));
  return new Set(before.filter(({ status }) => !KILLED.has(status)).map((each) => placeOf(each.package, each)));
}

function placeOf(name, { file, line, column, mutator, original, replacement }) {
  return JSON.stringify([name, file, line, column, mutator, original, replacement]);
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        files: { type: 'string' },
        sample: { type: 'string' },
        seed: { type: 'string', default: '1' },
        concurrency: { type: 'string', default: String(availableParallelism()) },
        min: { type: 'string', default: '0' },
        report: { type: 'string' },
        again: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    for (const name of positionals) targetOf(name);
    return {
      ...values,
      packages: positionals.length > 0 ? positionals : TARGET_NAMES,
      files: values.files === undefined ? undefined : new Set(values.files.split(',')),
      sample: values.sample ? count(values.sample, 'sample') : Number.POSITIVE_INFINITY,
      seed: count(values.seed, 'seed'),
      concurrency: count(values.concurrency, 'concurrency'),
      min: Number(values.min),
    };
  } catch (error) {
    console.error(`error: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
}

function count(text, name) {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} must be a positive integer, not ${text}`);
  return value;
}
