import { deepStrictEqual, strictEqual } from 'node:assert';
import { describe, test } from 'vitest';
import { readWriters, writeStamped } from '../model/expect.js';
import { writerOf } from '../model/stamp.js';
import { replay } from './crash-medium.js';
import { type CrashState, crashStates } from './crash-states.js';
import { createRecording, openCrashState } from './recording.js';

const SHAPE = { sectorSize: 512, sizeSectors: 4 };

/** A state as one number per sector. */
function writers({ sizeSectors, sectors }: CrashState): number[] {
  return Array.from({ length: sizeSectors }, (_, sector) => {
    const bytes = sectors.get(sector);
    return bytes === undefined ? 0 : writerOf(bytes, sector);
  });
}

function all(states: Iterable<CrashState>): string[] {
  return [...states].map((state) => writers(state).join('')).sort();
}

describe('the states that a crash may leave', () => {
  test('are what is durable with any subset of the sectors of later writes', async () => {
    const { device, medium } = createRecording(SHAPE);
    await writeStamped(device, 1, 0, 2);
    await device.flush();
    await writeStamped(device, 2, 1, 2);
    deepStrictEqual(all(crashStates(medium)), ['1100', '1120', '1200', '1220']);
  });

  test('are of any order of the later writes to one sector', async () => {
    const { device, medium } = createRecording(SHAPE);
    for (const writer of [1, 2, 3]) await writeStamped(device, writer, 0, 1);
    await device.discard(0, 1);
    deepStrictEqual(all(crashStates(medium)), ['0000', '1000', '2000', '3000']);
  });

  test('include writes in flight, and those that were in flight when the last flush was called', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const pace = (operation: string) => (operation === 'write' ? gate : Promise.resolve());
    const { device, medium } = createRecording(SHAPE, { pace });
    const write = writeStamped(device, 1, 3, 1);
    const flush = device.flush();
    await flush;
    open();
    await write;
    deepStrictEqual(all(crashStates(medium)), ['0000', '0001']);
    await device.flush();
    deepStrictEqual(all(crashStates(medium)), ['0001']);
  });

  test('have any size since the last flush', async () => {
    const { device, medium } = createRecording(SHAPE);
    await writeStamped(device, 1, 0, 4);
    await device.flush();
    await device.resize(3);
    deepStrictEqual(all(crashStates(medium)), ['111', '111', '1110', '1111']);
    await device.flush();
    deepStrictEqual(all(crashStates(medium)), ['111']);
  });

  test('are drawn by seed, with the two extremes among them, where they are too many', async () => {
    const { device, medium } = createRecording({ sectorSize: 512, sizeSectors: 40 });
    await writeStamped(device, 1, 0, 40);
    const draw = (seed: number) => all(crashStates(medium, { maxStates: 50, seed }));
    strictEqual(draw(1).length, 50);
    deepStrictEqual(draw(1), draw(1));
    strictEqual(draw(1).join() === draw(2).join(), false);
    strictEqual(draw(1).includes('0'.repeat(40)) && draw(1).includes('1'.repeat(40)), true);
  });

  test('can be opened, and what is found there is durable', async () => {
    const { device, medium } = createRecording(SHAPE);
    await writeStamped(device, 1, 0, 3);
    for (const state of crashStates(medium)) {
      const opened = openCrashState(state);
      deepStrictEqual(await readWriters(opened.device), writers(state));
      await writeStamped(opened.device, 2, 3, 1);
      const left = all(crashStates(opened.medium));
      deepStrictEqual(left, [writers(state).join(''), `${writers(state).slice(0, 3).join('')}2`].sort());
    }
  });
});

test('a log can be replayed up to any event', async () => {
  const { device, log, medium } = createRecording(SHAPE);
  await writeStamped(device, 1, 0, 1);
  await device.flush();
  await device.writeZeroes(0, 1);
  deepStrictEqual(all(crashStates(replay(SHAPE, log))), all(crashStates(medium)));
  const states = Array.from({ length: log.length + 1 }, (_, length) => all(crashStates(replay(SHAPE, log, length))));
  deepStrictEqual(
    states.map((each) => each.join()),
    ['0000', '0000,1000', '0000,1000', '0000,1000', '1000', '0000,1000', '0000,1000'],
  );
});
