import { match, notStrictEqual, ok, strictEqual } from 'node:assert';
import { BlockError } from '@blockyard/block';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRecording } from '../bases/recording.js';
import { spoil } from '../saboteurs/saboteur.js';
import { type Lies, writeBack } from '../saboteurs/write-back.js';
import { type SimulationOutcome, simulate } from './simulate.js';
import { overSimulatedBase, type SimulationSubject } from './simulated-system.js';

const SHORT = { maxSteps: 60, maxSectors: 24 };

function subject(lies: Lies): SimulationSubject {
  return overSimulatedBase('write-back', async (base) => writeBack(base, lies));
}

/** Runs the subject as fast-check's scheduler has it, over and over. The outcome of each run. */
async function explore(which: SimulationSubject, numRuns: number): Promise<SimulationOutcome[]> {
  const outcomes: SimulationOutcome[] = [];
  const property = fc.asyncProperty(fc.nat(), fc.scheduler(), async (seed, scheduler) => {
    outcomes.push(await simulate(which, { seed }, { ...SHORT, scheduler }));
  });
  await fc.assert(property, { seed: 1, numRuns });
  return outcomes;
}

test('a device that keeps the contract keeps it in every order that the scheduler of fast-check chooses', async () => {
  for (const { violation } of await explore(subject({}), 20)) strictEqual(violation, undefined);
});

test('the scheduler finds a device that begins the flush of its base too early', async () => {
  const found = (await explore(subject({ flushTooEarly: true }), 20)).find(({ violation }) => violation !== undefined);
  match(found?.violation?.message ?? '', /^D1, D4: /);
});

test('the same scheduler is the same history, and another is another', async () => {
  const hashes = async (numRuns: number) => (await explore(subject({}), numRuns)).map(({ hash }) => hash);
  const first = await hashes(8);
  expect(await hashes(8)).toEqual(first);
  strictEqual(new Set(first).size, 8);
});

test('one seed has another history with another scheduler', async () => {
  const hashes: number[] = [];
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    hashes.push((await simulate(subject({}), { seed: 7 }, { ...SHORT, scheduler })).hash);
  });
  await fc.assert(property, { seed: 1, numRuns: 2 });
  notStrictEqual(hashes[0], hashes[1]);
});

test('timers of the device fire, in the order in which they are due, however the scheduler chooses', async () => {
  const fired: number[] = [];
  const timed = overSimulatedBase('timed', async (base, _, { clock }) => {
    for (const delayMs of [30, 10, 20]) clock.set(() => fired.push(delayMs), delayMs);
    return writeBack(base, {});
  });
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    fired.splice(0);
    await simulate(timed, { seed: 3, without: ['fail', 'down'], keep: [0, 1, 2] }, { ...SHORT, scheduler });
    const firstLife = fired.slice(0, 3);
    expect(firstLife).toEqual([10, 20, 30]);
  });
  await fc.assert(property, { seed: 1, numRuns: 10 });
});

test('a timer that throws is a violation', async () => {
  const thrower = overSimulatedBase('thrower', async (base, _, { clock }) => {
    clock.set(() => {
      throw new BlockError('IO', 'a timer has failed');
    }, 1);
    return spoil(writeBack(base, {}), () => ({}));
  });
  const found = (await explore(thrower, 5)).map(({ violation }) => violation?.message);
  ok(
    found.every((message) => message === 'O2: a timer has failed'),
    found.join('\n'),
  );
});

test('the scheduler can also order what a recording base does, as `pace`', async () => {
  const orders = new Set<string>();
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const ended: number[] = [];
    const pace = (operation: string) => scheduler.schedule(Promise.resolve(), operation);
    const { device } = createRecording({ sectorSize: 512, sizeSectors: 8 }, { pace });
    const writes = [0, 1, 2].map((at) => device.write(at, [new Uint8Array(512)]).then(() => ended.push(at)));
    await scheduler.waitFor(Promise.all(writes));
    orders.add(ended.join());
  });
  await fc.assert(property, { seed: 1, numRuns: 40 });
  strictEqual(orders.size, 6);
});
