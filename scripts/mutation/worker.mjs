/** A process that holds one build and runs its tests, with one mutant after another switched on. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { beginFile, collected, describe, test } from './runner.mjs';
import { isLooping, switchOff, switchOn, takeCounts } from './switches.mjs';
import { targetOf } from './targets.mjs';

/** A test that waits for nothing that happens: so many looks in a row at which the process has done nothing. */
const LOOK_MS = 50;
const IDLE_LOOKS_MAX = 30;
const IDLE_CPU_MS = 3;
const DRY_LIMIT_MS = 120_000;

const [targetName = '', out = '', namesJson = '[]'] = process.argv.slice(2);
// Errors of what an earlier test left behind say nothing about the mutant that is switched on now.
for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, () => {});

// An interrupt is meant for the parent, which ends its workers when it has their answers.
process.on('SIGINT', () => {});

const shared = new SharedArrayBuffer(8);
const deadline = new Float64Array(shared);
new Worker(new URL('./watchdog.mjs', import.meta.url), { workerData: shared }).unref();

/**
 * What the parent asks: every test with no mutant, or some with one.
 *
 * @typedef {object} Request
 * @property {boolean} [dryRun]
 * @property {number} mutant
 * @property {{ index: number, limitMs: number }[]} tests
 * @property {number} hitLimit
 */

const error = await load().catch((caught) => caught);
const atImport = takeCounts();
process.on('message', (message) => {
  answer(/** @type {Request} */ (message)).then((reply) => process.send?.(reply));
});
process.send?.({ ready: true, error: error && String(error.stack ?? error) });

async function load() {
  const target = targetOf(targetName);
  const build = pathToFileURL(`${out}/`);
  await import(new URL('seed.js', build).href);
  for (const name of JSON.parse(namesJson)) {
    if (!target.runs(name)) continue;
    beginFile();
    await import(pathToFileURL(join(out, name.replace(/\.ts$/, '.js'))).href);
  }
  beginFile();
  for (const declare of target.declares) await declare(build, { describe, test });
}

/** @param {Request} request */
async function answer({ dryRun, mutant, tests, hitLimit }) {
  return dryRun ? await runAll() : await runMutant(mutant, tests, hitLimit);
}

/** Every test with no mutant: how long it takes and which mutants it comes past. */
async function runAll() {
  const tests = [];
  for (const [index, { name }] of collected.entries()) {
    const startMs = cpuMs();
    const failure = await run(index, DRY_LIMIT_MS);
    tests.push({ name, failure, cpuMs: cpuMs() - startMs, hits: takeCounts() });
  }
  return { tests, atImport };
}

/** The tests in this order, until one fails. */
async function runMutant(mutant, tests, hitLimit) {
  switchOn(mutant, hitLimit);
  for (const { index, limitMs } of tests) {
    const failure = await run(index, limitMs);
    if (failure === undefined) continue;
    const status = isLooping() || failure.hangs ? 'timeout' : 'killed';
    switchOff();
    // What the test leaves behind ends on sound code.
    await new Promise((resolve) => setImmediate(resolve));
    return { status, by: index, ...failure };
  }
  switchOff();
  return { status: 'survived' };
}

/** Undefined if the test passes. */
async function run(index, limitMs) {
  deadline[0] = cpuMs() + limitMs;
  let timer;
  const hangs = new Promise((resolve) => {
    timer = onceIdle(() => resolve({ hangs: true, message: 'waits for nothing' }));
  });
  const runs = (async () => {
    try {
      await collected[index]?.run();
      return undefined;
    } catch (error) {
      return { message: (error instanceof Error ? error.message : String(error)).slice(0, 300) };
    }
  })();
  const failure = await Promise.race([runs, hangs]);
  clearInterval(timer);
  deadline[0] = 0;
  return failure;
}

function onceIdle(callback) {
  let looks = 0;
  let before = cpuMs();
  return setInterval(() => {
    const now = cpuMs();
    looks = now - before < IDLE_CPU_MS ? looks + 1 : 0;
    before = now;
    if (looks === IDLE_LOOKS_MAX) callback();
  }, LOOK_MS);
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
