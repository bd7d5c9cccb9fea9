import { match, ok, strictEqual } from 'node:assert';
import { createDevice } from '@blockyard/block';
import { describe, test } from 'vitest';
import { type Lies, writeBack } from '../saboteurs/write-back.js';
import { crashAtEachCall } from './crash-at-each-call.js';
import { failEachCall } from './fail-each-call.js';
import { shrink } from './shrink.js';
import { type SimulationOutcome, simulate } from './simulate.js';
import { overSimulatedBase } from './simulated-system.js';

const SHORT = { maxSteps: 200, maxSectors: 48 };
const honest = subject({});

function subject(lies: Lies) {
  return overSimulatedBase('write-back', async (base) => writeBack(base, lies));
}

/** The first of these seeds that breaks a clause. */
async function search(lies: Lies, seeds = 400): Promise<SimulationOutcome> {
  for (let seed = 0; seed < seeds; seed++) {
    const outcome = await simulate(subject(lies), { seed }, SHORT);
    if (outcome.violation !== undefined) return outcome;
  }
  throw new Error(`nothing found in ${seeds} seeds`);
}

describe('a seed', () => {
  test('is one history: the same events, however often it runs', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const [first, second] = [await simulate(honest, { seed }, SHORT), await simulate(honest, { seed }, SHORT)];
      strictEqual(first.hash, second.hash);
      strictEqual(first.steps, second.steps);
    }
  });

  test('differs from another', async () => {
    const hashes = new Set<number>();
    for (let seed = 0; seed < 20; seed++) hashes.add((await simulate(honest, { seed }, SHORT)).hash);
    strictEqual(hashes.size, 20);
  });

  test('can be run in part, without some of its faults', async () => {
    const { script, injected } = await simulate(honest, { seed: 3, keep: [0, 2, 5], without: ['fail', 'down'] }, SHORT);
    strictEqual(script.length, 3);
    strictEqual(injected, 0);
  });
});

describe('a device', () => {
  test('that keeps the contract passes', async () => {
    for (let seed = 0; seed < 100; seed++) strictEqual((await simulate(honest, { seed }, SHORT)).violation, undefined);
  });

  test.each<keyof Lies>([
    'flushNothing',
    'skipBaseFlush',
    'flushTooEarly',
    'cleanTooEarly',
    'cleanTheNewer',
    'keepDirtyPastTheEnd',
    'extentsOfTheBase',
  ])('that lies does not: %s', async (lie) => {
    ok((await search({ [lie]: true })).violation);
  });

  test('that never answers is found out', async () => {
    const silent = overSimulatedBase('silent', async ({ info: { sectorSize, sizeSectors } }) =>
      createDevice({
        name: 'silent',
        sectorSize,
        sizeSectors,
        read() {},
        write: () => new Promise<void>(() => {}),
        flush() {},
        resize() {},
        disconnect() {},
      }),
    );
    const { violation } = await simulate(silent, { seed: 1 }, SHORT);
    match(violation?.message ?? '', /^O2: /);
  });
});

test('a failure is made smaller, and still fails', async () => {
  const found = await search({ skipBaseFlush: true });
  const smaller = await shrink(subject({ skipBaseFlush: true }), found, { ...SHORT, maxTries: 400 });
  strictEqual(smaller.violation?.clauses, found.violation?.clauses);
  ok(smaller.script.length <= 5, `${smaller.script.length} steps are left`);
});

test('each call of the base fails once, and nothing is lost for it', async () => {
  const { outcome, runs } = await failEachCall(honest, { seed: 5 }, { maxSteps: 60, maxSectors: 16 });
  strictEqual(outcome.violation, undefined);
  ok(runs > 10, `${runs} runs`);
});

test('the process dies once at each call of the base, and a device that keeps the contract loses nothing for it', async () => {
  const { outcome, runs } = await crashAtEachCall(honest, { seed: 5 }, { maxSteps: 60, maxSectors: 16 });
  strictEqual(outcome.violation, undefined);
  ok(runs > 10, `${runs} runs`);
});

test('a device that forgets to flush its base is found out by some crash', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const { outcome } = await crashAtEachCall(
      subject({ skipBaseFlush: true }),
      { seed },
      { maxSteps: 30, maxSectors: 16 },
    );
    if (outcome.violation !== undefined) return;
  }
  throw new Error('nothing found');
});
