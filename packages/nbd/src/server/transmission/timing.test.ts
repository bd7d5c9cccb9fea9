import assert from 'node:assert/strict';
import { ManualClock } from '@blockyard/block/testing';
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

test('requests that begin together and end together are told of together, after one look at the clock', () => {
  const { timing, heard, looks } = setUp();
  timing.begin();
  const starts = Array.from({ length: 32 }, () => timing.start());
  for (const started of starts) timing.end(READ, started);
  assert.deepEqual(heard, []);
  timing.over(3);
  assert.deepEqual(heard, [[READ, 3, 32]]);
  assert.equal(looks(), 1);
});

test('a run of messages has a beginning of its own', () => {
  const { clock, timing, heard } = setUp();
  timing.begin();
  const first = timing.start();
  clock.advance(5);
  timing.begin();
  const second = timing.start();
  timing.end(READ, first);
  timing.end(READ, second);
  timing.over(7);
  assert.deepEqual(heard, [
    [READ, 7, 1],
    [READ, 2, 1],
  ]);
});

test('commands are told apart, and what ended is told once', () => {
  const { timing, heard } = setUp();
  timing.begin();
  const started = timing.start();
  for (const command of [READ, WRITE, WRITE]) timing.end(command, started);
  timing.over(1);
  timing.end(READ, started);
  timing.over(1);
  assert.deepEqual(heard, [
    [READ, 1, 1],
    [WRITE, 1, 2],
    [READ, 1, 1],
  ]);
});
