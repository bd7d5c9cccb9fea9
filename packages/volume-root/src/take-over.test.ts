import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeEach, expect, test } from 'vitest';
import { expiryMs, type Holder, takeOverWaitMs } from './holder.js';
import { isKnownDead, thisProcess } from './process-identity.js';
import { claimOver, holderStateOf, refuseIfHeld } from './take-over.js';
import { TestClock } from './testing/clock.js';

let clock: TestClock;

beforeEach(() => {
  clock = new TestClock();
});

const holder: Holder = {
  host: 'elsewhere',
  process: 1,
  boot: null,
  started: null,
  since: '2026-01-01T00:00:00.000Z',
  renewed: '2026-01-01T00:00:00.000Z',
  renewMs: 30_000,
  leaseMs: 3000,
  settled: true,
};

test('a holder counts as alive for as long as it may have missed some renewals, by the clocks of the store', () => {
  const storedMs = 5_000_000;
  const stateAfter = (ms: number) => holderStateOf({ holder }, { storedMs, answeredMs: storedMs + ms }, clock)?.state;
  expect(stateAfter(0)).toBe('alive');
  expect(stateAfter(-5000)).toBe('alive');
  expect(stateAfter(expiryMs(holder))).toBe('alive');
  expect(stateAfter(expiryMs(holder) + 1000)).toBe('silent');
  expect(holderStateOf({ holder: null }, undefined, clock)).toBeNull();
});

test('without dates of the store a holder is judged by what it says itself', () => {
  expect(holderStateOf({ holder }, undefined, clock)?.state).toBe('alive');
  clock.advance(expiryMs(holder) + 1);
  expect(holderStateOf({ holder }, undefined, clock)?.state).toBe('silent');
});

test('a process of this host that has ended is known to be dead; one that runs is not, nor one of elsewhere', async () => {
  const self = thisProcess();
  expect(self.boot, 'these tests need Linux').not.toBeNull();
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const running = { ...self, process: child.pid ?? 0, started: null };
  expect(isKnownDead(running, self)).toBe(false);
  expect(isKnownDead({ ...running, started: '1' }, self), 'its number was given out again').toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isKnownDead(running, self)).toBe(true);
  expect(isKnownDead({ ...running, boot: null }, self)).toBe(false);
  expect(isKnownDead({ ...running, boot: 'another/1' }, self)).toBe(false);
  expect(isKnownDead({ ...running, host: 'elsewhere' }, self)).toBe(false);
  expect(isKnownDead(self, self)).toBe(false);
});

test.each([
  ['no one', null, 0],
  ['a process that is alive', { holder, state: 'alive', silentMs: 0 }, takeOverWaitMs(holder)],
  ['a process that is silent, and may come back', { holder, state: 'silent', silentMs: 1e6 }, takeOverWaitMs(holder)],
  ['a process that is gone', { holder, state: 'dead', silentMs: 0 }, 0],
  [
    'a process that went while it waited for the lease of another one',
    { holder: { ...holder, leaseMs: 20_000, settled: false }, state: 'dead', silentMs: 0 },
    40_000,
  ],
] as const)('after %s the next writer waits as long as it must', (_, held, waitMs) => {
  const claim = claimOver(held, 3000, clock);
  expect(claim.waitMs).toBe(waitMs);
  expect(claim.holder.settled).toBe(waitMs === 0);
  if (waitMs > 0) expect(takeOverWaitMs(claim.holder)).toBeGreaterThanOrEqual(waitMs);
});

test('only who has it alive keeps others out, and is named', () => {
  const found = (state: 'alive' | 'silent' | 'dead') => ({ holder, state, silentMs: 12_000 });
  refuseIfHeld(null, 'memory:/a');
  refuseIfHeld(found('silent'), 'memory:/a');
  refuseIfHeld(found('dead'), 'memory:/a');
  expect(() => refuseIfHeld(found('alive'), 'memory:/a')).toThrow(
    expect.objectContaining({
      code: 'LOCKED',
      message: `memory:/a: is open for writing by process 1 on elsewhere, since ${holder.since}, last heard of 12 s ago`,
    }),
  );
});
