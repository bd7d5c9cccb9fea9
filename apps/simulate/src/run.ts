import { type SimulationOutcome, type SimulationSubject, shrink, simulate } from '@blockyard/conformance/simulator';
import { CommanderError } from 'commander';
import { parseArguments, type Settings } from './arguments.js';
import { readKnownSeeds } from './known-seeds.js';
import { describeFailure } from './report.js';
import { SUBJECTS } from './subjects/index.js';

/** What a subject gets before it is the next one's turn. */
const TURN_MS = 500;

interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** What was run. */
class Tally {
  readonly startMs = performance.now();
  seeds = 0;
  steps = 0;
  injected = 0;
  simulatedMs = 0;
  failures = 0;

  add(outcome: SimulationOutcome): void {
    this.seeds++;
    this.steps += outcome.steps;
    this.injected += outcome.injected;
    this.simulatedMs += outcome.simulatedMs;
    if (outcome.violation !== undefined) this.failures++;
  }

  get seconds(): number {
    return (performance.now() - this.startMs) / 1000;
  }
}

/** The command. Its exit code. */
export async function run(args: readonly string[], { stdout, stderr }: Streams): Promise<number> {
  let settings: Settings;
  try {
    settings = parseArguments(args, {
      stdout: (text) => stdout.write(text),
      stderr: (text) => stderr.write(text),
    });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  const tally = new Tally();
  if (settings.once) await runOnce(settings, tally, stdout);
  else await runForAWhile(settings, tally, stdout);
  const { seeds, steps, seconds, injected, simulatedMs, failures } = tally;
  stdout.write(
    `${seeds} seeds, ${steps} steps, ${injected} failures made up, ${Math.round(simulatedMs / 1000)} s simulated in ${seconds.toFixed(1)} s: ` +
      `${failures === 0 ? 'nothing found' : `${failures} failed`}\n`,
  );
  return failures === 0 ? 0 : 1;
}

async function runOnce(settings: Settings, tally: Tally, stdout: Streams['stdout']): Promise<void> {
  const { seed = 0, keep, without, maxSteps, log } = settings;
  for (const subject of subjectsOf(settings)) {
    const outcome = await simulate(subject, { seed, keep, without }, { maxSteps, keepsLog: log });
    tally.add(outcome);
    for (const line of outcome.log) stdout.write(`${line}\n`);
    if (outcome.violation === undefined) continue;
    if (keep !== undefined) stdout.write(`${subject.name}: ${outcome.violation.message}\n`);
    else stdout.write(describeFailure(subject.name, outcome, await shrink(subject, outcome, { maxSteps }), maxSteps));
  }
}

async function runForAWhile(settings: Settings, tally: Tally, stdout: Streams['stdout']): Promise<void> {
  const { without, maxSteps, seconds } = settings;
  const attempt = async (subject: SimulationSubject, seed: number) => {
    const outcome = await simulate(subject, { seed, without }, { maxSteps });
    tally.add(outcome);
    if (outcome.violation === undefined) return;
    stdout.write(describeFailure(subject.name, outcome, await shrink(subject, outcome, { maxSteps }), maxSteps));
  };
  for (const { subject: name, seed } of await readKnownSeeds()) {
    const subject = settings.subjects.includes(name) ? SUBJECTS.get(name) : undefined;
    if (subject !== undefined && tally.failures === 0) await attempt(subject, seed);
  }
  let seed = settings.seed ?? Date.now() * 1000;
  while (tally.seconds < seconds && tally.failures === 0) {
    for (const subject of subjectsOf(settings)) {
      const endsAt = Math.min(tally.seconds + TURN_MS / 1000, seconds);
      while (tally.seconds < endsAt && tally.failures === 0) await attempt(subject, seed++);
    }
  }
}

function subjectsOf({ subjects }: Settings): SimulationSubject[] {
  return subjects.flatMap((name) => SUBJECTS.get(name) ?? []);
}
