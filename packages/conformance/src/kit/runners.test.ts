import { match, ok, strictEqual } from 'node:assert';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'vitest';

const RUNNERS_FOLDER = fileURLToPath(new URL('../testing/runners/', import.meta.url));
const require = createRequire(import.meta.url);
const MOCHA = join(dirname(require.resolve('mocha/package.json')), 'bin', 'mocha.js');

/** How many tests passed, failed and were not run, and all that was printed. */
interface Report {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly output: string;
}

const RUNNERS: Readonly<
  Record<string, { readonly args: readonly string[]; readonly count: (output: string) => number[] }>
> = {
  'node:test': {
    args: ['--test', '--test-reporter=tap', join(RUNNERS_FOLDER, 'node-test.mjs')],
    count: (output) =>
      ['pass', 'fail', 'skipped'].map((kind) => Number(new RegExp(`^# ${kind} (\\d+)$`, 'm').exec(output)?.[1])),
  },
  mocha: {
    args: [MOCHA, '--reporter', 'json', join(RUNNERS_FOLDER, 'mocha.mjs')],
    count: (output) => {
      const { stats } = JSON.parse(output) as { stats: { passes: number; failures: number; pending: number } };
      return [stats.passes, stats.failures, stats.pending];
    },
  },
  vitest: {
    args: [join(RUNNERS_FOLDER, 'vitest.mjs')],
    count: (output) => {
      const report = JSON.parse(/^\{.*\}$/ms.exec(output)?.[0] ?? '') as Record<string, number>;
      return [report.numPassedTests, report.numFailedTests, report.numPendingTests].map(Number);
    },
  },
};

async function run(runner: string, isBroken: boolean): Promise<Report> {
  const { args = [], count = () => [] } = RUNNERS[runner] ?? {};
  const { NODE_OPTIONS: _, VITEST: __, NODE_TEST_CONTEXT: ___, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    env: { ...env, BLOCKYARD_BROKEN: String(isBroken) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (errors += data));
  await new Promise((resolve) => child.on('close', resolve));
  const [passed = -1, failed = -1, skipped = -1] = count(output);
  return { passed, failed, skipped, output: output + errors };
}

describe.each(Object.keys(RUNNERS))('with %s as its runner the kit', (runner) => {
  test('passes a device that is right, and reports what was left out', async () => {
    const { passed, failed, skipped, output } = await run(runner, false);
    ok(passed > 50, output);
    strictEqual(failed, 0, output);
    strictEqual(skipped, 6, output);
    match(output, /left out: 4 cases of read-only devices: readOnly is false/);
  });

  test('ends at once where the plainest case fails: one failure, the rest not run', async () => {
    const { passed, failed, skipped, output } = await run(runner, true);
    strictEqual(passed, 0, output);
    strictEqual(failed, 1, output);
    ok(skipped > 50, output);
    match(output, /at first: sectors 0 to \d+ are bytes 0xa5 throughout, must be zeroes/);
  });
});
