/**
 * What a write log costs: a flush beside a bare file's, and what happens while the store is away. The store is in memory, and
 * far away; the medium is a file. Durability class of a flush: local disk.
 */
import { tmpdir } from 'node:os';
import { Command } from 'commander';
import { type Figure, report } from './figures.js';
import { away } from './tier/away.js';
import { flush } from './tier/flush.js';

const program = new Command('tier')
  .description('Flushes of a write log beside those of a bare file, and a store that is away')
  .option('--rtt-ms <n>', 'the round trip to the store', Number, 40)
  .option('--works <list>', 'which to run: flush, away', (list) => list.split(','), ['flush', 'away'])
  .option('--rounds <n>', 'flush: rounds in which the two sides alternate', Number, 9)
  .option('--seconds <n>', 'flush: how long each side takes in a round', Number, 1)
  .option('--seconds-away <n>', 'away: for how long the store is', Number, 600)
  .option('--directory <path>', 'where the medium and the bare file are made', tmpdir())
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed');
program.parse();
const options = program.opts<{
  rttMs: number;
  works: string[];
  rounds: number;
  seconds: number;
  secondsAway: number;
  directory: string;
  json?: true;
  check?: true;
}>();

const { rttMs: roundTripMs, rounds, directory } = options;
const figures: Figure[] = [];
if (options.works.includes('flush')) {
  figures.push(...(await flush({ roundTripMs, directory, rounds, secondsOfRound: options.seconds })));
}
if (options.works.includes('away')) {
  figures.push(...(await away({ roundTripMs, directory, secondsAway: options.secondsAway })));
}
report(figures, options, { durability: 'local disk', rttMs: roundTripMs });
