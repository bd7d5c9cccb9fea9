/**
 * Runs the conformance kit and the simulator on other versions of Node, on Bun and on Deno, which it installs from the npm registry
 * into a folder of its own: `npm run runtimes [-- --only node-24,bun --cache DIR --seeds N]`.
 *
 * Prints a table: how many cases passed for each backend, and whether the simulator's events are those that this Node has
 * for the same seeds. Exit code 1 if a case failed or an event differs.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { RUNTIMES } from './runtimes.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const KIT = join(ROOT, 'apps/simulate/dist/runtimes/main.js');
const SIMULATE = join(ROOT, 'apps/simulate/dist/main.js');
/** Subjects without a store's client, which are the same code on every runtime. */
const SIMULATED = ['cache', 'file', 'log'];

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(RUNTIMES).join(',') },
    cache: { type: 'string', default: join(tmpdir(), 'blockyard-runtimes') },
    seeds: { type: 'string', default: '20' },
  },
});

/** What a program printed, and whether it ended well. */
async function run(program, args) {
  const options = { cwd: ROOT, maxBuffer: 512 * 2 ** 20 };
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, options);
    return { isGood: true, stdout, stderr };
  } catch (caught) {
    const error = /** @type {Error & { stdout?: string, stderr?: string }} */ (caught);
    return { isGood: false, stdout: error.stdout ?? '', stderr: error.stderr || String(error) };
  }
}

async function installed(name) {
  const runtime = RUNTIMES[name];
  if (runtime === undefined) throw new Error(`${name} is none of ${Object.keys(RUNTIMES).join(', ')}`);
  const { install, program, args } = runtime;
  const folder = join(values.cache, name);
  await mkdir(folder, { recursive: true });
  const result = await run('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', install]);
  if (!result.isGood) throw new Error(`${install} cannot be installed: ${result.stderr.slice(-500)}`);
  return { program: join(folder, 'node_modules', '.bin', program), args };
}

/** One digest of every event of so many seeds. */
async function eventsOf({ program, args }) {
  const digest = createHash('sha256');
  for (const subject of SIMULATED) {
    for (let seed = 1; seed <= Number(values.seeds); seed++) {
      const log = await run(program, [
        ...args,
        SIMULATE,
        '--subject',
        subject,
        '--seed',
        String(seed),
        '--log',
        '--max-steps',
        '200',
      ]);
      // The last line tells how long it took.
      digest.update(log.stdout.split('\n').slice(0, -2).join('\n'));
    }
  }
  return digest.digest('hex').slice(0, 12);
}

const expected = await eventsOf({ program: process.execPath, args: [] });
const rows = [];
for (const name of values.only.split(',')) {
  const runtime = await installed(name);
  const version = await run(runtime.program, ['--version']);
  const kit = await run(runtime.program, [...runtime.args, KIT]);
  const results = kit.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  if (!kit.isGood) console.error(`${name}:\n${kit.stderr.slice(-4000)}`);
  const events = await eventsOf(runtime);
  rows.push({
    runtime: name,
    version: version.stdout.split('\n')[0],
    ...Object.fromEntries(
      results.map(({ subject, passed, failed }) => [subject, failed === 0 ? passed : `${passed}, ${failed} failed`]),
    ),
    events: events === expected ? 'the same' : `${events}, not ${expected}`,
  });
  if (!kit.isGood || events !== expected) process.exitCode = 1;
}
console.table(rows);
