import { describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../clock.js';
import { stateOf } from '../testing.js';
import { Yielder, yielderOf } from './yielder.js';

const MiB = 1 << 20;

/** Time and macrotasks that come when the test says so. */
function byHand() {
  let nowMs = 0;
  let looks = 0;
  const asked: (() => void)[] = [];
  const clock: Clock = {
    now: () => {
      looks++;
      return nowMs;
    },
    set: () => undefined,
    clear: () => {},
    macrotask: (callback) => asked.push(callback),
  };
  return {
    clock,
    asked,
    looks: () => looks,
    pass: (ms: number) => {
      nowMs += ms;
    },
    macrotask: () => {
      for (const callback of asked.splice(0)) callback();
    },
  };
}

describe('Yielding to the event loop', () => {
  test('costs no look at the clock for each call', () => {
    const { clock, looks } = byHand();
    const yielder = new Yielder(clock);
    for (let i = 0; i < 255; i++) yielder.spend(4096);
    expect(looks()).toBe(0);
    yielder.spend(4096);
    expect(looks()).toBe(1);
  });

  test('begins after ten milliseconds without a macrotask, and lasts until there is one, for all callers', async () => {
    const { clock, asked, pass, macrotask } = byHand();
    const yielder = new Yielder(clock);
    expect(yielder.spend(MiB)).toBeUndefined();
    pass(9);
    expect(yielder.spend(MiB)).toBeUndefined();
    pass(1);
    const waiting = [yielder.spend(MiB), yielder.spend(1), yielder.spend(1)];
    expect(asked).toHaveLength(1);
    for (const promise of waiting) expect(await stateOf(Promise.resolve(promise))).toBe('pending');
    macrotask();
    await Promise.all(waiting);
    expect(yielder.spend(1)).toBeUndefined();
    expect(yielder.spend(MiB)).toBeUndefined();
  });

  test('does not begin sooner where the clock is far from zero, or below it', () => {
    for (const startMs of [1e12, -1e12]) {
      const { clock, pass } = byHand();
      pass(startMs);
      const yielder = new Yielder(clock);
      expect(yielder.spend(MiB)).toBeUndefined();
      pass(9);
      expect(yielder.spend(MiB)).toBeUndefined();
      pass(1);
      expect(yielder.spend(MiB)).toBeDefined();
    }
  });

  test('does not begin where macrotasks come by themselves, however long the work lasts', () => {
    const { clock, pass, macrotask } = byHand();
    const yielder = new Yielder(clock);
    for (let i = 0; i < 100; i++) {
      expect(yielder.spend(MiB)).toBeUndefined();
      macrotask();
      pass(1000);
    }
  });

  test('is never asked of what uses a clock that is moved by hand', () => {
    const { clock, pass } = byHand();
    const { macrotask: _, ...still } = clock;
    const yielder = new Yielder(still);
    for (let i = 0; i < 10; i++) {
      expect(yielder.spend(MiB)).toBeUndefined();
      pass(1000);
    }
  });

  test.each(['now', 'macrotask'] as const)('is left out where the clock throws at %s', (what) => {
    const { clock } = byHand();
    const broken = () => {
      throw new Error('no time');
    };
    const yielder = new Yielder({ ...clock, [what]: broken });
    for (let i = 0; i < 10; i++) expect(yielder.spend(MiB)).toBeUndefined();
  });

  test('is counted together for all that use one clock', () => {
    const { clock } = byHand();
    expect(yielderOf(clock)).toBe(yielderOf(clock));
    expect(yielderOf(clock)).not.toBe(yielderOf(systemClock));
  });
});
