import { ok } from 'node:assert';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';
import { PLANTED_BUGS } from './bugs.js';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const SECONDS_MAX = 60;

/** Runs the built command, and gives what it printed and its exit code. */
async function simulate(subject: string): Promise<{ output: string; exitCode: number | null }> {
  const args = ['--import', `${DIST}planted/register.js`, `${DIST}main.js`];
  const child = spawn(
    process.execPath,
    [...args, '--subject', subject, '--seconds', String(SECONDS_MAX), '--seed', '1', '--max-steps', '300'],
    { env: { ...process.env, BLOCKYARD_PLANTED_BUG: subject }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output, exitCode };
}

describe('a bug planted in the built code is found within a minute', () => {
  for (const { name, subject } of PLANTED_BUGS) {
    test(`${subject}: ${name}`, { timeout: 180_000 }, async () => {
      const { output, exitCode } = await simulate(subject);
      ok(output.includes(`planted: ${name}`), output);
      ok(exitCode === 1, output);
      ok(output.includes(`npm run simulate -- --subject ${subject} --seed`), output);
    });
  }
});
