import { describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../clock.js';
import { stateOf } from '../testing/held-driver.js';
import { type TurnPlatform, turnOn } from '../macrotask.js';
import { Turns, turnsOf } from './yielder.js';

const MiB = 1 << 20;

/** Time and turns that come when the test says so. */
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
    turn: (callback) => asked.push(callback),
  };
  return {
    clock,
    asked,
    looks: () => looks,
    pass: (ms: number) => {
      nowMs += ms;
    },
    turn: () => {
      for (const callback of asked.splice(0)) callback();
    },
  };
}

describe('Making way for the event loop', () => {
  test('costs no look at the clock for each call', () => {
    const { clock, looks } = byHand();
    const turns = new Turns(clock);
    for (let i = 0; i < 255; i++) turns.spend(4096);
    expect(looks()).toBe(0);
    turns.spend(4096);
    expect(looks()).toBe(1);
  });

  test('begins after ten milliseconds without a turn, and lasts until there was one, for all who come', async () => {
    const { clock, asked, pass, turn } = byHand();
    const turns = new Turns(clock);
    expect(turns.spend(MiB)).toBeUndefined();
    pass(9);
    expect(turns.spend(MiB)).toBeUndefined();
    pass(1);
    const waiting = [turns.spend(MiB), turns.spend(1), turns.spend(1)];
    expect(asked).toHaveLength(1);
    for (const promise of waiting) expect(await stateOf(Promise.resolve(promise))).toBe('pending');
    turn();
    await Promise.all(waiting);
    expect(turns.spend(1)).toBeUndefined();
    expect(turns.spend(MiB)).toBeUndefined();
  });

  test('does not begin where the event loop turns by itself, however long it serves', () => {
    const { clock, pass, turn } = byHand();
    const turns = new Turns(clock);
    for (let i = 0; i < 100; i++) {
      expect(turns.spend(MiB)).toBeUndefined();
      turn();
      pass(1000);
    }
  });

  test('is never asked of what lives by a clock that is moved by hand', () => {
    const { clock, pass } = byHand();
    const { turn: _, ...still } = clock;
    const turns = new Turns(still);
    for (let i = 0; i < 10; i++) {
      expect(turns.spend(MiB)).toBeUndefined();
      pass(1000);
    }
  });

  test.each(['now', 'turn'] as const)('does without where the clock throws at %s', (what) => {
    const { clock } = byHand();
    const broken = () => {
      throw new Error('no time');
    };
    const turns = new Turns({ ...clock, [what]: broken });
    for (let i = 0; i < 10; i++) expect(turns.spend(MiB)).toBeUndefined();
  });

  test('is counted together for all that live by one clock', () => {
    const { clock } = byHand();
    expect(turnsOf(clock)).toBe(turnsOf(clock));
    expect(turnsOf(clock)).not.toBe(turnsOf(systemClock));
  });
});

describe('A later turn', () => {
  const { setImmediate, MessageChannel, setTimeout } = globalThis as unknown as TurnPlatform;
  const platforms: readonly [string, TurnPlatform][] = [
    ['setImmediate', { setImmediate, setTimeout: refuse }],
    ['MessageChannel', { MessageChannel, setTimeout: refuse }],
    ['setTimeout', { setTimeout }],
  ];

  test.each(platforms)('comes by %s, after what waits for the event loop', async (_, platform) => {
    const turn = turnOn(platform);
    let isOver = false;
    const timer = new Promise<void>((resolve) => {
      setTimeout(() => {
        isOver = true;
        resolve();
      }, 0);
    });
    // As a loop of awaits would: turn after turn until the timer had its own.
    for (let turns = 0; !isOver && turns < 1e6; turns++) await new Promise<void>((resolve) => turn(resolve));
    expect(isOver).toBe(true);
    await timer;
  });

  test('leaves no open port behind, which would keep a process alive', async () => {
    let open = 0;
    const Channel = class {
      readonly port1 = {
        onmessage: null as (() => void) | null,
        postMessage() {},
        close() {
          open--;
        },
      };
      readonly port2 = {
        onmessage: null,
        postMessage: () => queueMicrotask(() => this.port1.onmessage?.()),
        close() {},
      };
      constructor() {
        open++;
      }
    };
    const turn = turnOn({ MessageChannel: Channel, setTimeout: refuse });
    await new Promise<void>((resolve) => turn(resolve));
    expect(open).toBe(0);
  });

  function refuse(): never {
    throw new Error('expected another way');
  }
});
