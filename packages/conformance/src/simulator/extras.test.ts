import { match, ok, strictEqual } from 'node:assert';
import type { BlockDevice } from '@blockyard/block';
import { describe, test } from 'vitest';
import { spoil } from '../saboteurs/saboteur.js';
import { writeBack } from '../saboteurs/write-back.js';
import type { Life } from './life.js';
import type { Action } from './script.js';
import { type SimulationOutcome, simulate } from './simulate.js';
import { overSimulatedBase, type SimulationSubject } from './simulated-system.js';
import type { World } from './world.js';

const SHORT = { maxSteps: 100, maxSectors: 48 };
const SEEDS = 200;
const LATE_MS = 500;

/** A write-back cache with some of its methods replaced. */
function spoiled(sabotage: (good: BlockDevice, world: World, life: Life) => Partial<BlockDevice>): SimulationSubject {
  return overSimulatedBase('spoiled', async (base, world, life) =>
    spoil(writeBack(base), (good) => sabotage(good, world, life)),
  );
}

/** The first seed that breaks a clause in a world where no call of the medium fails by chance. */
async function search(subject: SimulationSubject): Promise<SimulationOutcome> {
  for (let seed = 0; seed < SEEDS; seed++) {
    const outcome = await simulate(subject, { seed, without: ['fail', 'down'] }, SHORT);
    if (outcome.violation !== undefined) return outcome;
  }
  throw new Error(`nothing found in ${SEEDS} seeds`);
}

describe('a forced end during a resize', () => {
  test('finds a timer that throws in a process that lives on', async () => {
    const thrower = spoiled((good, _, { clock }) => ({
      resize: (sizeSectors) =>
        good.resize(sizeSectors).catch((error: unknown) => {
          clock.set(() => {
            throw new Error('there is nothing left to write');
          }, LATE_MS);
          throw error;
        }),
    }));
    const { violation, script } = await search(thrower);
    match(violation?.message ?? '', /O2: there is nothing left to write/);
    ok(script.some(({ step }) => step.kind === 'forceResize'));
  });

  test('finds a resize that never settles then', async () => {
    const silent = spoiled((good) => ({
      resize: (sizeSectors) => good.resize(sizeSectors).catch(() => new Promise<never>(() => {})),
    }));
    const { violation } = await search(silent);
    match(violation?.message ?? '', /O2: .* nothing more will happen/);
  });

  test('finds what is asked of the medium after the end', async () => {
    const haunted = spoiled((good, world, life) => ({
      async disconnect(options) {
        await good.disconnect(options);
        const call = { name: 'late flush', parts: 1, apply: () => {}, done: () => {} };
        if (options?.force) life.clock.set(() => void world.call(life, call), LATE_MS);
      },
    }));
    const { violation } = await search(haunted);
    match(violation?.message ?? '', /E4: late flush was called after the end/);
  });
});

describe('an action', () => {
  /** Runs seeds with a subject that acts like this. */
  async function actions(act: (action: Action, device: BlockDevice) => Promise<void>): Promise<SimulationOutcome[]> {
    const subject = overSimulatedBase(
      'actor',
      async (base) => writeBack(base),
      undefined,
      (device, action) => act(action, device),
    );
    const outcomes: SimulationOutcome[] = [];
    for (let seed = 0; seed < 40; seed++) outcomes.push(await simulate(subject, { seed }, SHORT));
    return outcomes;
  }

  test('comes at any moment, and so many microtasks after resizes of the medium', async () => {
    const seen: Action[] = [];
    const outcomes = await actions(async (action) => {
      seen.push(action);
    });
    strictEqual(
      outcomes.find(({ violation }) => violation !== undefined),
      undefined,
    );
    ok(seen.some(({ microtasksAfterResize }) => microtasksAfterResize === undefined));
    ok(seen.some(({ microtasksAfterResize = 0 }) => microtasksAfterResize > 0));
  });

  test('has to settle', async () => {
    const outcomes = await actions(() => new Promise(() => {}));
    ok(outcomes.some(({ violation }) => violation?.clauses === 'O2'));
  });

  test('may fail only as operations may', async () => {
    const outcomes = await actions(async () => {
      throw new Error('as it may not');
    });
    ok(outcomes.some(({ violation }) => violation?.message === 'C1: as it may not'));
  });
});
