import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { macrotasks } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { SectorOrder, sectorOrderOf } from './sector-order.js';

/** A change that is over when it is told to be. */
const begin = (order: SectorOrder, first: number, end: number, merges: boolean) => {
  const change = { begun: false, over: () => {} };
  const done = order.run({ first, end, merges }, async () => {
    change.begun = true;
    await new Promise<void>((resolve) => {
      change.over = resolve;
    });
  });
  return Object.assign(change, { done });
};

describe('SectorOrder', () => {
  test('changes of whole sectors do not wait for one another', () => {
    const order = new SectorOrder();
    assert.ok(order.tryEnter(0, 8));
    assert.ok(order.tryEnter(4, 12));
    assert.equal(begin(order, 0, 12, false).begun, true);
  });

  test('a merge waits for changes of its sectors that are under way, and for no others', async () => {
    const order = new SectorOrder();
    const whole = order.tryEnter(0, 4);
    const [waits, goes] = [begin(order, 3, 4, true), begin(order, 4, 5, true)];
    assert.deepEqual([waits.begun, goes.begun], [false, true]);
    assert.ok(whole);
    order.leave(whole);
    await macrotasks();
    assert.equal(waits.begun, true);
  });

  test('changes of its sectors wait for a merge, in the order in which they came', async () => {
    const order = new SectorOrder();
    const first = begin(order, 3, 4, true);
    assert.equal(order.tryEnter(0, 4), undefined);
    assert.ok(order.tryEnter(4, 8));
    const [whole, merge] = [begin(order, 0, 4, false), begin(order, 3, 4, true)];
    assert.deepEqual([whole.begun, merge.begun], [false, false]);
    first.over();
    await first.done;
    await macrotasks();
    assert.deepEqual([whole.begun, merge.begun], [true, false]);
    whole.over();
    await whole.done;
    await macrotasks();
    assert.equal(merge.begun, true);
  });

  test('a change that fails lets those after it go on', async () => {
    const order = new SectorOrder();
    await assert.rejects(
      order.run({ first: 0, end: 1, merges: true }, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.ok(order.tryEnter(0, 1));
  });

  test('is one and the same for a device', async () => {
    const [a, b] = [await connectMemory({ sizeSectors: 1 }), await connectMemory({ sizeSectors: 1 })];
    assert.equal(sectorOrderOf(a), sectorOrderOf(a));
    assert.notEqual(sectorOrderOf(a), sectorOrderOf(b));
  });
});
