/** Hands mutants to worker processes and collects their results. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const WORKER = new URL('./worker.mjs', import.meta.url);
/** Processor time in ms that a test may take, beside a multiple of what it took in the dry run. */
const LIMIT_MS = 2_000;
const LIMIT_FACTOR = 10;
const HITS_FACTOR = 100;
const HITS_EXTRA = 10_000;
/** Tests that take longer find too little for it. Left out for every mutant. */
const TEST_MS_MAX = 700;

export class Pool {
  #targetName;
  #out;
  #names;
  #tests = [];
  /** Mutants that are come past while files are imported. */
  #atImport = {};
  #kills = new Map();
  #queue = [];

  constructor(targetName, out, names) {
    this.#targetName = targetName;
    this.#out = out;
    this.#names = names;
  }

  /** Runs every test on the code as it is. Throws if one fails. */
  async dryRun() {
    const worker = await this.#start('covering');
    const { tests, atImport } = await ask(worker.process, { dryRun: true });
    worker.process.kill();
    const failed = tests.filter(({ failure }) => failure !== undefined);
    if (failed.length > 0) throw new Error(failed.map((each) => `${each.name}: ${each.failure.message}`).join('\n'));
    this.#tests = tests.map((each, index) => ({ ...each, index })).filter(({ cpuMs }) => cpuMs <= TEST_MS_MAX);
    this.#atImport = atImport;
    return { tests: tests.length, used: this.#tests.length, cpuMs: tests.reduce((sum, each) => sum + each.cpuMs, 0) };
  }

  /** Calls `report` with each mutant and its result. */
  async run(mutants, concurrency, report) {
    this.#queue = [...mutants];
    const work = async () => {
      let worker;
      for (let mutant = this.#queue.shift(); mutant !== undefined; mutant = this.#queue.shift()) {
        const tests = this.#testsFor(mutant);
        // What runs while files are imported has to find the mutant switched on.
        const isAtImport = mutant.id in this.#atImport;
        if (tests.length > 0 && (isAtImport || worker === undefined)) {
          worker?.process.kill();
          worker = await this.#start('switched', isAtImport ? mutant.id : undefined);
        }
        const result = await judge(mutant, tests, worker);
        this.#learn(mutant, result);
        report(mutant, result);
        // A test that hangs may go on at any time.
        if (!isAtImport && result.status !== 'timeout') continue;
        worker?.process.kill();
        worker = undefined;
      }
      worker?.process.kill();
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  }

  /** Begins no other mutant. */
  stop() {
    this.#queue.splice(0);
  }

  /** The tests that come past the mutant; first those that have killed others of its file, and quick ones. */
  #testsFor({ id, file }) {
    const kills = this.#kills.get(file) ?? new Map();
    const covering = id in this.#atImport ? this.#tests : this.#tests.filter(({ hits }) => hits[id] > 0);
    const worth = ({ index, cpuMs }) => ((kills.get(index) ?? 0) + 0.2) / (cpuMs + 0.5);
    return covering.sort((a, b) => worth(b) - worth(a));
  }

  #learn({ file }, { by }) {
    if (by === undefined) return;
    const kills = this.#kills.get(file) ?? new Map();
    this.#kills.set(file, kills.set(by, (kills.get(by) ?? 0) + 1));
  }

  async #start(build, mutant) {
    const env = mutant === undefined ? process.env : { ...process.env, BLOCKYARD_MUTANT: mutant };
    const args = [this.#targetName, join(this.#out, build), JSON.stringify(this.#names)];
    const child = fork(WORKER, args, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const [ready] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [{ error: 'ended' }])]);
    if (ready.error && mutant === undefined) throw new Error(ready.error);
    return { process: child, importError: ready.error };
  }
}

/** The result of one mutant. */
async function judge(mutant, tests, worker) {
  if (tests.length === 0) return { status: 'uncovered' };
  if (worker.importError) return { status: 'killed', message: worker.importError };
  const request = { mutant: Number(mutant.id), tests: tests.map(limited), hitLimit: hitLimitOf(mutant, tests) };
  return await ask(worker.process, request);
}

function limited({ index, cpuMs }) {
  return { index, limitMs: LIMIT_MS + LIMIT_FACTOR * cpuMs };
}

function hitLimitOf({ id }, tests) {
  return HITS_FACTOR * tests.reduce((sum, { hits }) => sum + (hits[id] ?? 0), 0) + HITS_EXTRA;
}

/** The worker's answer. One that ends without had to be stopped, or ran out of memory. */
async function ask(child, message) {
  const stopping = new AbortController();
  const { signal } = stopping;
  try {
    const answer = once(child, 'message', { signal }).then(([reply]) => reply);
    const end = once(child, 'exit', { signal }).then(() => ({ status: 'timeout', message: 'runs in circles' }));
    for (const either of [answer, end]) either.catch(() => {});
    child.send(message);
    return await Promise.race([answer, end]);
  } finally {
    stopping.abort();
  }
}
