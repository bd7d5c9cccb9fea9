import { connectMemory } from '@blockyard/backend-memory';
import { systemClock } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { Admission } from './admission.js';
import { Backlog } from './changes/backlog.js';
import type { LogRecord } from './changes/change.js';
import type { Drainer } from './drain/drainer.js';
import type { Committer } from './log/committer.js';

/** Changes that wait to be logged when writers begin to be throttled, and writers that come then. */
const OPEN = 1000;
const WRITERS = 1500;

async function throttled() {
  const backlog = new Backlog(2 ** 24);
  const committer = { wake() {}, durable: () => new Promise<void>(() => {}) } as unknown as Committer;
  const drainer = { wake() {}, makeRoom() {} } as unknown as Drainer;
  const admission = new Admission(
    { base: await connectMemory({ sizeSectors: OPEN }), backlog, committer, drainer, phases: { phase: 'logging' } },
    { clock: systemClock, maxChangeBytes: 2 ** 16, onFirst: () => {} },
  );
  const write = (sector: number) => admission.write(sector, [new Uint8Array(512)], 512);
  for (let sector = 0; sector < OPEN; sector++) expect(write(sector)).toBeUndefined();
  admission.throttle(true);
  for (let writer = 0; writer < WRITERS; writer++) void write(writer);
  /** Makes a record of the first changes that wait. */
  const log = async (count: number) => {
    backlog.log({ changes: backlog.open.slice(0, count) } as unknown as LogRecord);
    await settled();
  };
  return { backlog, admission, log };
}

test('writers that are throttled go on half as fast as the log, until little waits to be logged', async () => {
  const { backlog, log } = await throttled();
  await settled();
  expect(backlog.accepted).toBe(OPEN);
  await log(100);
  expect([backlog.accepted, backlog.open.length]).toEqual([OPEN + 50, OPEN - 50]);
  await log(500);
  expect([backlog.accepted, backlog.open.length]).toEqual([OPEN + 300, OPEN - 300]);
  for (let records = 0; records < 4; records++) await log(backlog.open.length);
  expect(backlog.open.length).toBe(64);
});

test('and go on as ever once they are not', async () => {
  const { backlog, admission } = await throttled();
  admission.throttle(false);
  await settled();
  expect(backlog.accepted).toBe(OPEN + WRITERS);
});
