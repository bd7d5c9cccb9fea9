import { expect, test } from 'vitest';
import { type Leaving, leavingOf } from './leaving.js';

/** Parts that put themselves on hold at the end of their preparation, which is when `release` is called. */
function held(count: number) {
  const events: string[] = [];
  const releases: (() => void)[] = [];
  const onHold = new Set<number>();
  const parts = Array.from({ length: count }, (_, index): Leaving => {
    return {
      prepareToLeave: async () => {
        events.push(`prepare ${index}`);
        await new Promise<void>((resolve) => {
          releases[index] = resolve;
        });
        onHold.add(index);
      },
      stay: () => void onHold.delete(index),
    };
  });
  return { all: leavingOf(parts), events, onHold, release: (index: number) => releases[index]?.() };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('parts prepare one after the other, and all of them stay', async () => {
  const { all, events, onHold, release } = held(2);
  const preparing = all.prepareToLeave();
  await settled();
  expect(events).toEqual(['prepare 0']);
  release(0);
  await settled();
  expect(events).toEqual(['prepare 0', 'prepare 1']);
  release(1);
  await preparing;
  expect([...onHold]).toEqual([0, 1]);
  all.stay();
  expect([...onHold]).toEqual([]);
});

test('what is told to stay while it prepares is not on hold at the end, and what comes after it does not begin', async () => {
  const { all, events, onHold, release } = held(3);
  const preparing = all.prepareToLeave();
  await settled();
  release(0);
  await settled();
  all.stay();
  release(1);
  await preparing;
  expect(events).toEqual(['prepare 0', 'prepare 1']);
  expect([...onHold]).toEqual([]);
});

test('a part that fails after it was told to stay is told once more', async () => {
  const calls: string[] = [];
  const all: Leaving = leavingOf([
    {
      prepareToLeave: async () => {
        all.stay();
        calls.push('failed');
        throw new Error('no');
      },
      stay: () => calls.push('stay'),
    },
  ]);
  await expect(all.prepareToLeave()).rejects.toThrow('no');
  expect(calls).toEqual(['stay', 'failed', 'stay']);
});

test('after it stayed all of them can prepare again', async () => {
  const { all, events, onHold, release } = held(1);
  const first = all.prepareToLeave();
  await settled();
  all.stay();
  release(0);
  await first;
  const second = all.prepareToLeave();
  await settled();
  release(0);
  await second;
  expect(events).toEqual(['prepare 0', 'prepare 0']);
  expect([...onHold]).toEqual([0]);
});
