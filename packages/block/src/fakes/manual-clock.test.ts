import { describe, expect, test } from 'vitest';
import { ManualClock } from './manual-clock.js';

/** A clock, and a way to set timers that record when they fired. */
function start(options = {}) {
  const clock = new ManualClock(options);
  const fired: [string, number][] = [];
  const set = (name: string, delayMs: number, then = () => {}) =>
    clock.set(() => {
      fired.push([name, clock.now()]);
      then();
    }, delayMs);
  return { clock, fired, set };
}

describe('ManualClock', () => {
  test('stands still until it is moved', () => {
    const clock = new ManualClock();
    expect([clock.now(), clock.now()]).toEqual([0, 0]);
    clock.advance(5);
    expect(clock.now()).toBe(5);
    expect(new ManualClock({ nowMs: 1000.25 }).now()).toBe(1000.25);
  });

  test('fires what is due, each timer at its time, of the same time in the order set', () => {
    const { clock, fired, set } = start();
    set('b', 20);
    set('a', 10);
    set('c', 20);
    set('later', 21);
    clock.advance(20);
    expect(fired).toEqual([
      ['a', 10],
      ['b', 20],
      ['c', 20],
    ]);
    expect([clock.now(), clock.dueMs]).toEqual([20, [21]]);
  });

  test('fires what is set on the way and comes due', () => {
    const { clock, fired, set } = start();
    set('first', 10, () => set('second', 10));
    clock.advance(19);
    expect(fired).toEqual([['first', 10]]);
    clock.advance(1);
    expect(fired).toEqual([
      ['first', 10],
      ['second', 20],
    ]);
  });

  test('fires no timer that was cleared, not even by one that fires before it', () => {
    const { clock, fired, set } = start();
    const second = set('second', 10);
    const third = set('third', 10);
    set('first', 5, () => clock.clear(third));
    clock.clear(second);
    clock.advance(10);
    expect(fired).toEqual([['first', 5]]);
    expect(clock.timers).toEqual([]);
  });

  test('lets time pass without firing, as while a process is busy; then all is late', () => {
    const { clock, fired, set } = start();
    set('a', 10);
    set('b', 20);
    clock.nowMs = 100;
    expect(fired).toEqual([]);
    clock.advance(0);
    expect(fired).toEqual([
      ['a', 100],
      ['b', 100],
    ]);
  });

  test('tells which timers are set, and how many ever were', () => {
    const { clock, set } = start();
    const a = set('a', 10);
    set('b', 5);
    expect([clock.dueMs, clock.timersSet]).toEqual([[10, 5], 2]);
    expect(clock.timers[0]).toBe(a);
    clock.clear(a);
    expect([clock.dueMs, clock.timersSet]).toEqual([[5], 2]);
  });

  test('ignores, or refuses if it is strict, to clear what is not set', () => {
    const { clock, set } = start();
    const a = set('a', 10);
    clock.clear(a);
    clock.clear(a);
    clock.clear(undefined);
    const strict = start({ strict: true });
    const b = strict.set('b', 10);
    strict.clock.clear(b);
    expect(() => strict.clock.clear(b)).toThrow('a timer was cleared that is not set');
  });

  test('lets what follows from a timer come to rest before the next one fires', async () => {
    const { clock, fired, set } = start();
    const wake = async () => {
      await undefined;
      set('in between', 5);
    };
    set('first', 10, () => void wake());
    set('last', 20);
    await clock.advanceAndSettle(20);
    expect(fired).toEqual([
      ['first', 10],
      ['in between', 15],
      ['last', 20],
    ]);
    expect(clock.now()).toBe(20);
  });

  test('lets what was begun before come to rest first', async () => {
    const { clock, fired, set } = start();
    void Promise.resolve().then(() => set('begun before', 5));
    await clock.advanceAndSettle(5);
    expect(fired).toEqual([['begun before', 5]]);
  });
});
