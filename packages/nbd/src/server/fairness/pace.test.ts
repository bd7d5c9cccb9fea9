import assert from 'node:assert/strict';
import { macrotasks } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { Pace } from './pace.js';

describe('Pace', () => {
  test('serves one of those who wait in each iteration of the event loop, in the order in which they came', async () => {
    const pace = new Pace();
    const seen: string[] = [];
    const again = (name: string, times: number) => {
      pace.later(() => {
        seen.push(name);
        if (times > 1) again(name, times - 1);
      });
    };
    again('a', 2);
    again('b', 1);
    assert.deepEqual(seen, []);
    for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'a']]) {
      await macrotasks();
      assert.deepEqual(seen, expected);
    }
  });

  test('a slice is over when its time is, or when others wait', async () => {
    let nowMs = 0;
    const pace = new Pace(() => nowMs);
    const end = pace.sliceEnd();
    assert.equal(pace.isOver(end), false);
    nowMs = 1;
    assert.equal(pace.isOver(end), true);
    nowMs = 0.5;
    const waited = pace.yieldToEventLoop();
    assert.equal(pace.isOver(end), true);
    await waited;
    assert.equal(pace.isOver(end), false);
  });

  test('a work pauses when its slice is over, and has a new one after that', async () => {
    let nowMs = 0;
    const pace = new Pace(() => nowMs);
    const pause = pace.pauses();
    assert.equal(pause(), undefined);
    nowMs = 1.5;
    const paused = pause();
    assert.ok(paused);
    await paused;
    assert.equal(pause(), undefined);
    nowMs = 2.5;
    assert.ok(pause());
  });
});
