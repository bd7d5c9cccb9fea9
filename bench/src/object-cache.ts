/**
 * What an object cache costs: how soon it is ready after a restart, its memory, and what is written to its medium for each byte
 * that is read. The store is in memory, the medium a file. Durability class: none, since a cache holds what is elsewhere.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Figure, report } from './figures.js';
import { restart } from './object-cache/restart.js';
import { GIB } from './object-cache/scene.js';
import { wear } from './object-cache/wear.js';

const program = new Command('object-cache')
  .description('Restarts, memory and wear of an object cache whose medium is a file')
  .option(
    '--gib <list>',
    'sizes of the media that are opened again, in GiB',
    (list) => list.split(',').map(Number),
    [10],
  )
  .option('--works <list>', 'which to run: restart, wear', (list) => list.split(','), ['restart', 'wear'])
  .option('--directory <path>', 'where the media are made', tmpdir())
  .option('--cold', 'drop the page cache before a restart (Linux, root)')
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed');
program.parse();
const options = program.opts<{
  gib: number[];
  works: string[];
  directory: string;
  cold?: true;
  json?: true;
  check?: true;
}>();

const directory = await mkdtemp(join(options.directory, 'blockyard-object-cache-'));
const figures: Figure[] = [];
try {
  if (options.works.includes('restart')) {
    for (const gib of options.gib) figures.push(...(await restart(directory, gib * GIB, options.cold === true)));
  }
  if (options.works.includes('wear')) figures.push(...(await wear(directory)));
} finally {
  await rm(directory, { recursive: true });
}
report(figures, options, { durability: 'none: a cache' });
