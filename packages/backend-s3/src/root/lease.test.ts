import { BlockError } from '@blockyard/block';
import { Fence, type Sighting } from '@blockyard/volume-root';
import { beforeEach, expect, test } from 'vitest';
import { TestClock } from '../testing/clock.js';
import { gate } from '../testing/gate.js';
import { Lease } from './lease.js';

const LEASE_MS = 3000;
const RENEW_MS = 30_000;

/** A root whose looks a test answers when it likes. */
class FakeRoot {
  seen: Sighting | undefined;
  looksBegun = 0;
  isDoubtful = false;
  answer: () => Promise<void> = async () => {};
  readonly #clock: TestClock;
  readonly #dates: { latestMs: number | undefined };

  constructor(clock: TestClock, dates: { latestMs: number | undefined }) {
    this.#clock = clock;
    this.#dates = dates;
  }

  async verify(): Promise<void> {
    const sighting = { look: ++this.looksBegun, steadyMs: this.#clock.now(), wallMs: this.#clock.wallMs() };
    await this.answer();
    this.seen = { ...sighting, answeredMs: this.#dates.latestMs };
  }
}

let clock: TestClock;
let dates: { latestMs: number | undefined };
let root: FakeRoot;
let fence: Fence;
let lease: Lease;

beforeEach(async () => {
  clock = new TestClock();
  dates = { latestMs: 5000 };
  root = new FakeRoot(clock, dates);
  fence = new Fence(async () => undefined);
  lease = leaseOf(LEASE_MS);
  await root.verify();
});

function leaseOf(leaseMs: number): Lease {
  return new Lease({ root, fence, clock, dates }, { leaseMs, renewMs: RENEW_MS });
}

/** A change, which needs requests of the store for as long as `requests` takes. */
async function change(requests: Promise<void> = turn()): Promise<void> {
  lease.begin();
  try {
    await requests;
    await lease.confirm();
  } finally {
    lease.end();
  }
}

/** Long enough for a look beside to begin. */
async function turn(): Promise<void> {
  for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve));
}

/** Whether it settles without anything else happening. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const settled = () => {
    pending = false;
  };
  promise.then(settled, settled);
  await turn();
  return pending;
}

const looksOf = async (run: () => Promise<void>) => {
  const before = root.looksBegun;
  await run();
  return root.looksBegun - before;
};

test('a change within the lease needs no look', async () => {
  expect(await looksOf(() => change())).toBe(0);
});

test('a change that begins late in a lease begins a look beside it, and does not wait for it', async () => {
  const { passed, open } = gate();
  clock.advance(LEASE_MS / 3);
  root.answer = () => passed;
  expect(await looksOf(() => change())).toBe(1);
  open();
});

test('a change after a pause waits for the look that began with it, and for no other', async () => {
  clock.advance(LEASE_MS);
  const { passed, open } = gate();
  root.answer = () => passed;
  const changing = change();
  expect(await isPending(changing)).toBe(true);
  open();
  await changing;
  expect(root.looksBegun).toBe(2);
});

test('a change that took longer than a lease looks once more before it is acknowledged', async () => {
  const requests = gate();
  const changing = change(requests.passed);
  await turn();
  clock.advance(LEASE_MS);
  const look = gate();
  root.answer = () => look.passed;
  requests.open();
  expect(await isPending(changing)).toBe(true);
  look.open();
  await changing;
});

test('a look that took longer than a lease counts if it began after the answers of the store', async () => {
  clock.advance(10 * LEASE_MS);
  root.answer = async () => clock.advance(2 * LEASE_MS);
  await change();
});

test.each([
  ['the steady clock', () => clock.advanceSteady(LEASE_MS)],
  ['the wall clock, as when the machine was asleep', () => clock.advanceWall(LEASE_MS)],
  ['the dates of the store, as when a virtual machine stood still', () => (dates.latestMs = 5000 + LEASE_MS)],
])('a lease ends by %s alone', async (_, pass) => {
  lease.begin();
  await turn();
  pass();
  const look = gate();
  root.answer = () => look.passed;
  const confirmed = lease.confirm();
  expect(await isPending(confirmed)).toBe(true);
  look.open();
  await confirmed;
  lease.end();
});

test('a wall clock that is set back ends no lease, and prolongs none', async () => {
  clock.advanceWall(-3_600_000);
  expect(await looksOf(() => lease.confirm())).toBe(0);
  clock.advanceSteady(LEASE_MS);
  expect(await looksOf(() => lease.confirm())).toBe(1);
});

test('a store without dates, and a clock without a wall, are done without', async () => {
  dates.latestMs = undefined;
  await root.verify();
  expect(await looksOf(() => lease.confirm())).toBe(0);
});

test('without a lease every change looks after the answers of the store', async () => {
  lease = leaseOf(0);
  expect(await looksOf(() => change())).toBe(1);
  expect(await looksOf(() => change())).toBe(1);
});

test('a change fails with what the look fails with, and the next one looks again', async () => {
  clock.advance(LEASE_MS);
  root.answer = () => Promise.reject(new BlockError('UNAVAILABLE', 'no answer'));
  await expect(change()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  root.answer = async () => {};
  await change();
});

test('while a change of the root is in doubt, the root is looked at', async () => {
  root.isDoubtful = true;
  expect(await looksOf(() => lease.confirm())).toBe(1);
});

test('a writer that finds itself replaced by a look beside a change fails that change and all later ones', async () => {
  clock.advance(LEASE_MS / 3);
  root.answer = async () => fence.raise('taken');
  const requests = gate();
  const changing = change(requests.passed);
  await turn();
  requests.open();
  await expect(changing).rejects.toMatchObject({ code: 'FENCED' });
  await expect(change()).rejects.toMatchObject({ code: 'FENCED' });
});

test('a flush wants a look that began beside the last change or later', async () => {
  await change();
  expect(await looksOf(() => lease.confirmFlush())).toBe(1);
  expect(await looksOf(() => lease.confirmFlush())).toBe(0);
});

test('where flushes follow on few changes, each has its look beside the change', async () => {
  await change();
  await lease.confirmFlush();
  for (let round = 0; round < 3; round++) {
    expect(await looksOf(() => change())).toBe(1);
    expect(await looksOf(() => lease.confirmFlush())).toBe(0);
  }
  // Where they do not, looks beside every change would be many.
  for (let changes = 0; changes < 100; changes++) await change();
  await lease.confirmFlush();
  expect(await looksOf(() => change())).toBe(0);
});

test('what asks nothing of the store asks for no look either', async () => {
  clock.advance(LEASE_MS / 3);
  expect(await looksOf(() => change(Promise.resolve()))).toBe(0);
});

test('an open volume is looked at from time to time, more often while it is changed, and no more once it is closed', async () => {
  lease.start();
  const looksIn = (ms: number) =>
    looksOf(async () => {
      clock.advance(ms);
      await turn();
    });
  expect(await looksIn(RENEW_MS - 1)).toBe(0);
  expect(await looksIn(1)).toBe(1);
  const requests = gate();
  const changing = change(requests.passed);
  for (let looks = 0; looks < 3; looks++) expect(await looksIn(LEASE_MS / 3)).toBe(1);
  requests.open();
  await changing;
  await looksIn(LEASE_MS / 3);
  expect(await looksIn(LEASE_MS)).toBe(0);
  lease.stop();
  expect(await looksIn(10 * RENEW_MS)).toBe(0);
});

test('a writer that was replaced looks no more', async () => {
  lease.start();
  root.answer = async () => fence.raise('taken');
  clock.advance(RENEW_MS);
  await turn();
  const looks = root.looksBegun;
  clock.advance(10 * RENEW_MS);
  await turn();
  expect(root.looksBegun).toBe(looks);
});
