import { FAULT_KINDS, type FaultKind } from '@blockyard/conformance/simulator';
import { Command, InvalidArgumentError } from 'commander';
import { SUBJECTS } from './subjects/index.js';

/** What a command line asks for. */
export interface Settings {
  readonly subjects: readonly string[];
  /** How long to try seed after seed. */
  readonly seconds: number;
  /** The first seed. With `keep`, `without`, or no time given, the only one. */
  readonly seed: number | undefined;
  readonly once: boolean;
  readonly keep: readonly number[] | undefined;
  readonly without: readonly FaultKind[];
  readonly maxSteps: number;
  /** Print every event. */
  readonly log: boolean;
}

interface Output {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

interface Options {
  readonly subject?: readonly string[];
  readonly seconds?: number;
  readonly seed?: number;
  readonly keep?: readonly number[];
  readonly without?: readonly FaultKind[];
  readonly maxSteps: number;
  readonly log?: boolean;
}

const SECONDS = 60;
/** Default of `--max-steps`. */
export const STEPS_MAX = 2000;

const EXPLANATION = `
Each seed is a world of its own: a small device, what is under it, clients, time and faults. A broken clause is printed with its seed,
made smaller, and with the command that shows it again. Seeds that failed before (seeds.json) come first.

Exit codes: 0 nothing found, 1 a clause is broken, 2 the command line makes no sense.`;

/** Throws commander's `CommanderError`, once it has printed what is wrong, or what \`--help\` asks for. */
export function parseArguments(args: readonly string[], output: Output): Settings {
  const command = new Command('npm run simulate --')
    .description('Looks for broken promises of the cache and the backends in simulated worlds.')
    .option('--seconds <n>', `how long (default: ${SECONDS})`, toNumber)
    .option(
      '--seed <n>',
      'the first seed, or the only one if --seconds is not given (default: by the clock)',
      toInteger,
    )
    .option(
      '--subject <names>',
      `which of ${[...SUBJECTS.keys()].join(', ')}, with commas between (default: all)`,
      toSubjects,
    )
    .option('--max-steps <n>', 'operations of a world, at most', toInteger, STEPS_MAX)
    .option('--keep <steps>', 'run only these steps of the seed: 3,7,9-12', toSteps)
    .option('--without <kinds>', `leave faults out: ${FAULT_KINDS.join(', ')}`, toFaults)
    .option('--log', 'print every event')
    .addHelpText('after', EXPLANATION)
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({ writeOut: output.stdout, writeErr: output.stderr });
  command.parse(args, { from: 'user' });
  const { subject, seconds, seed, keep, without, maxSteps, log } = command.opts<Options>();
  if (keep !== undefined && seed === undefined) command.error('error: --keep is of the steps of one --seed');
  return {
    subjects: subject ?? [...SUBJECTS.keys()],
    seconds: seconds ?? SECONDS,
    seed,
    once: seed !== undefined && seconds === undefined,
    keep,
    without: without ?? [],
    maxSteps,
    log: log ?? false,
  };
}

function toNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0)) throw new InvalidArgumentError('It is no number.');
  return value;
}

function toInteger(text: string): number {
  const value = toNumber(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It is no whole number.');
  return value;
}

function toSubjects(text: string): readonly string[] {
  return text.split(',').map((name) => {
    if (!SUBJECTS.has(name.trim())) throw new InvalidArgumentError(`It is none of ${[...SUBJECTS.keys()].join(', ')}.`);
    return name.trim();
  });
}

function toFaults(text: string): readonly FaultKind[] {
  return text.split(',').map((name) => {
    const kind = FAULT_KINDS.find((known) => known === name.trim());
    if (kind === undefined) throw new InvalidArgumentError(`It is none of ${FAULT_KINDS.join(', ')}.`);
    return kind;
  });
}

/** `3,7,9-12` */
function toSteps(text: string): readonly number[] {
  if (text === 'none') return [];
  return text.split(',').flatMap((run) => {
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(run.trim()) ?? [];
    if (from === undefined || Number(to) < Number(from))
      throw new InvalidArgumentError('It is no list such as 3,7,9-12.');
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => Number(from) + i);
  });
}
