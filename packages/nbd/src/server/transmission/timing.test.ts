import assert from 'node:assert/strict';
import { ManualClock, macrotasks } from '@blockyard/block/testing';
import { test } from 'vitest';
import { Command } from '../../wire/protocol.js';
import { Timing } from './timing.js';

const { READ, WRITE } = Command;

/** A clock whose looks are counted, and what is heard of requests. */
function setUp() {
  const clock = new ManualClock();
  let looks = 0;
  const counted = {
    now: () => {
      looks++;
      return clock.now();
    },
    set: clock.set.bind(clock),
    clear: clock.clear.bind(clock),
  };
  const heard: (readonly [command: number, durationMs: number, count: number])[] = [];
  const timing = new Timing(counted, (command, durationMs, count) => heard.push([command, durationMs, count]));
  return { clock, timing, heard, looks: () => looks };
}

test('requests that begin together and end together are timed by two looks at the clock', async () => {
  const { clock, timing, heard, looks } = setUp();
  const starts = Array.from({ length: 32 }, () => timing.start());
  await macrotasks();
  clock.advance(3);
  for (const started of starts) timing.end(READ, started);
  assert.deepEqual(heard, []);
  await macrotasks();
  assert.deepEqual(heard, [[READ, 3, 32]]);
  assert.equal(looks(), 2);
});

test('a request that begins in a later callback has a beginning of its own', async () => {
  const { clock, timing, heard } = setUp();
  const first = timing.start();
  await macrotasks();
  clock.advance(5);
  const second = timing.start();
  await macrotasks();
  clock.advance(2);
  timing.end(READ, first);
  timing.end(READ, second);
  await macrotasks();
  assert.deepEqual(heard, [
    [READ, 7, 1],
    [READ, 2, 1],
  ]);
});

test('commands are told apart, and what ended is told once', async () => {
  const { clock, timing, heard } = setUp();
  const started = timing.start();
  clock.advance(1);
  for (const command of [READ, WRITE, WRITE]) timing.end(command, started);
  await macrotasks();
  timing.end(READ, started);
  await macrotasks();
  assert.deepEqual(heard, [
    [READ, 1, 1],
    [WRITE, 1, 2],
    [READ, 1, 1],
  ]);
});
