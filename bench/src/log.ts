/**
 * What a log volume costs: round trips, requests and bytes, over a store in memory that is a round trip away. Durability class:
 * memory. `s3.js` measures it on a real store.
 */
import { Command } from 'commander';
import { type Figure, report } from './figures.js';
import { GIB } from './log/volume.js';
import { idle, type LogWork, large, latency, overwritten, scattered, uniform, zipf } from './log/works.js';

const WORKS: readonly LogWork[] = [latency, scattered, overwritten, zipf, uniform, large, idle];

const program = new Command('log')
  .description('Round trips, requests and bytes of a log volume, over a store in memory that is a round trip away')
  .option('--rtt-ms <n>', 'the round trip', Number, 20)
  .option('--steady-gib <n>', 'GiB that are overwritten in a steady state, on a volume of an eighth', Number, 10)
  .option('--works <list>', `which to run: ${WORKS.map(({ name }) => name).join(', ')}`, (list) => list.split(','))
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed');
program.parse();
const options = program.opts<{ rttMs: number; steadyGib: number; works?: string[]; json?: true; check?: true }>();

const found: Figure[] = [];
for (const work of WORKS) {
  if (options.works !== undefined ? !options.works.includes(work.name) : work === idle) continue;
  const figures = await work.run({ roundTripMs: options.rttMs, steadyBytes: options.steadyGib * GIB });
  found.push(...figures.map((figure) => ({ ...figure, work: work.name })));
}
report(found, options, { durability: 'memory', rttMs: options.rttMs });
