/**
 * What a start costs whose data are a round trip away: a guest's, cold, from lists and warm (the store is in memory; durability
 * class: memory, and nothing is written); and a server's whose object cache is full (the store is a directory; durability class:
 * local disk, and none for the cache, which holds what is elsewhere).
 */
import { tmpdir } from 'node:os';
import { Command } from 'commander';
import { boot } from './boot/boot.js';
import { restart } from './boot/restart.js';
import { type Figure, report } from './figures.js';

const program = new Command('boot')
  .description('Starts over a store that is a round trip away: of a guest, and of a server whose object cache is full')
  .option('--rtt-ms <n>', 'the round trip', Number, 40)
  .option('--works <list>', 'which to run: boot, restart', (list) => list.split(','), ['boot'])
  .option('--gib <n>', 'restart: GiB of the volume, all of them in the object cache', Number, 10)
  .option('--seconds <n>', 'restart: how long the load lasts before and after', Number, 60)
  .option('--directory <path>', 'restart: where store and medium are made, twice as many GiB and some', tmpdir())
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed');
program.parse();
const options = program.opts<{
  rttMs: number;
  works: string[];
  gib: number;
  seconds: number;
  directory: string;
  json?: true;
  check?: true;
}>();

const figures: Figure[] = [];
if (options.works.includes('boot')) figures.push(...(await boot(options.rttMs)));
if (options.works.includes('restart')) {
  const { rttMs: roundTripMs, gib, seconds, directory } = options;
  figures.push(...(await restart({ roundTripMs, gib, seconds, directory })));
}
const durability = { boot: 'memory', restart: 'local disk' };
report(figures, options, { durability, rttMs: options.rttMs });
