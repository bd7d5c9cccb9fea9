import { ManualClock } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { AgeTimer } from './age-timer.js';

function ageTimer() {
  const clock = new ManualClock({ strict: true });
  let due = 0;
  const timer = new AgeTimer(clock, () => due++);
  return { clock, timer, due: () => due };
}

test('calls once, at the time', () => {
  const { clock, timer, due } = ageTimer();
  clock.nowMs = 100;
  timer.set(150);
  expect(clock.dueMs).toEqual([150]);
  clock.advance(49);
  expect(due()).toBe(0);
  clock.advance(1);
  expect(due()).toBe(1);
  clock.advance(1000);
  expect(due()).toBe(1);
});

test('the same time again sets no second timer, another one takes its place', () => {
  const { clock, timer } = ageTimer();
  timer.set(50);
  const [first] = clock.timers;
  timer.set(50);
  expect(clock.timers).toEqual([first]);
  expect(clock.timers[0]).toBe(first);
  timer.set(70);
  expect(clock.dueMs).toEqual([70]);
});

test('none stays when nothing is due', () => {
  const { clock, timer } = ageTimer();
  timer.set(50);
  timer.set(Number.POSITIVE_INFINITY);
  expect(clock.timers).toEqual([]);
  timer.set(Number.POSITIVE_INFINITY);
  timer.set(50);
  expect(clock.dueMs).toEqual([50]);
});

test('none is set for what is due already, which other events start', () => {
  const { clock, timer, due } = ageTimer();
  clock.nowMs = 100;
  timer.set(100);
  timer.set(99);
  expect(clock.timers).toEqual([]);
  timer.set(101);
  expect(clock.dueMs).toEqual([101]);
  timer.set(90);
  expect(clock.timers).toEqual([]);
  expect(due()).toBe(0);
});

test('the time that it called for can be set again', () => {
  const { clock, timer, due } = ageTimer();
  timer.set(50);
  const [fired] = clock.timers;
  clock.clear(fired);
  fired?.callback();
  timer.set(50);
  expect(clock.dueMs).toEqual([50]);
  timer.set(60);
  expect(clock.dueMs).toEqual([60]);
  expect(due()).toBe(1);
});

test('a timer that has called is not cleared', () => {
  const { clock, timer } = ageTimer();
  timer.set(50);
  clock.advance(50);
  timer.set(80);
  expect(clock.dueMs).toEqual([80]);
});
