/**
 * What the live page costs a server, and how smooth it is. `cost`: clients of a cached volume in memory, over NBD, with a viewer and
 * without one, in turn. `frames`: the map of an 8 TiB device with a million lines, of which some change all the time, in
 * Chromium.
 */
import { Command, Option } from 'commander';
import { report } from './figures.js';
import { costFigures } from './page/cost.js';
import { frameFigures } from './page/frames.js';

const WORKS = ['cost', 'frames'] as const;

const program = new Command('page')
  .description('What the live page costs, and how smooth it is')
  .addOption(new Option('--works <names...>', 'what to measure').choices(WORKS).default([...WORKS]))
  .option('--rounds <n>', 'pairs with a viewer and without', Number, 40)
  .option('--seconds <n>', 'of each half of a pair, and of the frames', Number, 0.5)
  .option('--json', 'print JSON')
  .option('--check', 'exit with 1 if a goal is missed');
program.parse();
const options = program.opts<{
  works: (typeof WORKS)[number][];
  rounds: number;
  seconds: number;
  json?: true;
  check?: true;
}>();

const figures = [
  ...(options.works.includes('cost') ? await costFigures(options.rounds, options.seconds) : []),
  ...(options.works.includes('frames') ? await frameFigures(Math.max(5, options.seconds)) : []),
];
report(figures, options, { durability: 'memory' });
