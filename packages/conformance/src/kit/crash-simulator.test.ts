import { ok, rejects } from 'node:assert';
import { test } from 'vitest';
import { conformanceCases, runCase } from '../conformance.js';
import { wrapperSubject } from '../saboteurs/pass-through.js';
import { type Lies, writeBack } from '../saboteurs/write-back.js';
import type { Case } from './case.js';

/** Random workloads over a base, with a look at every state that a crash may leave after each of its events. */
const simulator = conformanceCases().find(({ title }) => title.startsWith('D4: any crash of the base')) as Case;

function simulate(lies: Lies, runs = 20): Promise<void> {
  const subject = wrapperSubject('write-back', (base) => writeBack(base, lies));
  return runCase(simulator, subject, 512, { seed: 7, runs, deadlineMs: 5_000 });
}

test('an honest write-back cache survives every crash', async () => {
  ok(simulator !== undefined);
  await simulate({});
});

test.each<[keyof Lies, RegExp]>([
  ['flushNothing', /a crash may leave sector \d+ as/],
  ['skipBaseFlush', /a crash may leave sector \d+ as/],
  ['flushTooEarly', /a crash may leave sector \d+ as/],
  ['cleanTheNewer', /reads as|a crash may leave/],
  ['keepDirtyPastTheEnd', /reads as|past the device/],
  ['extentsOfTheBase', /reads as/],
])('one that lies does not: %s', async (lie, expected) => {
  // The first workload that tells ends the search; which one that is depends on how macrotasks fall.
  await rejects(simulate({ [lie]: true }, 200), expected);
});
