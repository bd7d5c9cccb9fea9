/**
 * What a log volume costs: round trips, requests and bytes, over a store in memory that is a round trip away. Durability class:
 * memory. `s3.js` measures it on a real store.
 */
import Table from 'cli-table3';
import { Command } from 'commander';
import { GIB } from './log/volume.js';
import { type Figure, idle, type LogWork, large, latency, scattered, uniform, zipf } from './log/works.js';

const WORKS: readonly LogWork[] = [latency, scattered, zipf, uniform, large, idle];

const program = new Command('log')
  .description('Round trips, requests and bytes of a log volume, over a store in memory that is a round trip away')
  .option('--rtt-ms <n>', 'the round trip', Number, 20)
  .option('--steady-gib <n>', 'GiB that are overwritten in a steady state, on a volume of an eighth', Number, 10)
  .option('--works <list>', `which to run: ${WORKS.map(({ name }) => name).join(', ')}`, (list) => list.split(','))
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed');
program.parse();
const options = program.opts<{ rttMs: number; steadyGib: number; works?: string[]; json?: true; check?: true }>();

const found: (Figure & { readonly work: string })[] = [];
for (const work of WORKS) {
  if (options.works !== undefined ? !options.works.includes(work.name) : work === idle) continue;
  const figures = await work.run({ roundTripMs: options.rttMs, steadyBytes: options.steadyGib * GIB });
  found.push(...figures.map((figure) => ({ ...figure, work: work.name })));
}
const isMissed = ({ value, atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY }: Figure) =>
  !(value <= atMost && value >= atLeast);

if (options.json) {
  console.log(JSON.stringify({ durability: 'memory', rttMs: options.rttMs, figures: found }, undefined, 2));
} else {
  const table = new Table({ head: ['', '', 'measured', 'goal'] });
  for (const figure of found) {
    const { work, name, value, unit, atMost, atLeast } = figure;
    const goal = atMost !== undefined ? `<= ${atMost}` : atLeast !== undefined ? `>= ${atLeast}` : '';
    table.push([work, name, `${Number(value.toPrecision(3))} ${unit}`, isMissed(figure) ? `${goal} missed` : goal]);
  }
  console.log(table.toString());
}
if (options.check && found.some(isMissed)) process.exitCode = 1;
