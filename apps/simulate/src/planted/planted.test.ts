import { ok } from 'node:assert';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { PLANTED_BUGS, type PlantedBug } from './bugs.js';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
/** Short scripts, so that what is found is made smaller in some seconds. */
const STEPS_MAX = 60;
/** Once a change of the simulator has made the seeds show something else. */
const SEARCH_SECONDS_MAX = 60;

interface Ran {
  readonly output: string;
  readonly exitCode: number | null;
}

/** Runs the built command with the bug in it, and gives what it printed and its exit code. */
async function simulate({ subject, seed }: PlantedBug, ...more: readonly string[]): Promise<Ran> {
  const args = ['--import', `${DIST}planted/register.js`, `${DIST}main.js`];
  const which = ['--subject', subject, '--seed', `${seed}`, '--max-steps', `${STEPS_MAX}`, ...more];
  const child = spawn(process.execPath, [...args, ...which], {
    env: { ...process.env, BLOCKYARD_PLANTED_BUG: subject },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output, exitCode };
}

/** With the one seed that shows it, however slow the machine is; else by looking for another. */
async function find(bug: PlantedBug): Promise<Ran> {
  const ran = await simulate(bug);
  return ran.exitCode === 0 ? simulate(bug, '--seconds', `${SEARCH_SECONDS_MAX}`) : ran;
}

describe('a bug planted in the built code is found', () => {
  for (const bug of PLANTED_BUGS) {
    const { name, subject } = bug;
    test(`${subject}: ${name}`, { timeout: 180_000 }, async () => {
      const { output, exitCode } = await find(bug);
      ok(output.includes(`planted: ${name}`), output);
      ok(exitCode === 1, output);
      ok(output.includes(`npm run simulate -- --subject ${subject} --seed`), output);
    });
  }
});
