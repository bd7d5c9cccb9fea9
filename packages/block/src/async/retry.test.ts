import { expect, test } from 'vitest';
import { ManualClock } from '../fakes/manual-clock.js';
import { Retry } from './retry.js';

function retry(delayMinMs = 10, delayMaxMs = 35) {
  const clock = new ManualClock({ strict: true });
  let due = 0;
  const subject = new Retry(clock, delayMinMs, delayMaxMs, () => due++);
  return { clock, subject, due: () => due };
}

test('delays double from the first bound to the second', () => {
  const { clock, subject, due } = retry();
  const delays: number[] = [];
  for (let attempt = 1; attempt <= 4; attempt++) {
    subject.failed(attempt);
    delays.push((clock.dueMs[0] ?? 0) - clock.now());
    expect([subject.isWaiting, subject.waitMs]).toEqual([true, delays.at(-1)]);
    clock.advance(delays.at(-1) ?? 0);
    expect([subject.isWaiting, subject.waitMs, due()]).toEqual([false, undefined, attempt]);
  }
  expect(delays).toEqual([10, 20, 35, 35]);
});

test('failures while it waits count once, and the last is remembered', () => {
  const { clock, subject } = retry();
  subject.failed('one');
  subject.failed('two');
  expect(clock.dueMs).toEqual([10]);
  expect(subject.error).toBe('two');
  clock.advance(10);
  expect(subject.error).toBe('two');
  subject.failed('three');
  expect(clock.dueMs).toEqual([30]);
});

test('a success forgets the failure, its timer and its delay', () => {
  const { clock, subject, due } = retry();
  subject.failed('one');
  clock.advance(10);
  subject.failed('two');
  subject.succeeded();
  expect([subject.error, subject.isWaiting, clock.timers.length]).toEqual([undefined, false, 0]);
  clock.advance(1000);
  expect(due()).toBe(1);
  subject.failed('three');
  expect(clock.dueMs).toEqual([clock.now() + 10]);
});

test('a success when nothing failed clears no timer', () => {
  const { clock, subject } = retry();
  subject.succeeded();
  subject.failed('one');
  clock.advance(10);
  subject.end();
  expect([clock.timers.length, subject.error]).toEqual([0, 'one']);
});

test('nothing is due after the end', () => {
  const { clock, subject, due } = retry();
  subject.failed('one');
  subject.end();
  expect([subject.isWaiting, clock.timers.length]).toEqual([false, 0]);
  clock.advance(1000);
  expect(due()).toBe(0);
});
