import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { type Account, Budget } from './budget.js';

const KIB = 1024;
/** 1000 KiB in all, 400 for one; four clients, so that each has 125 for itself and 500 are shared. */
const LIMITS = { totalBytes: 1000 * KIB, clientBytes: 400 * KIB, clientsMax: 4 };

const waiter = (account: Account, kib: number) => {
  const seen = { granted: false };
  account.wait(kib * KIB, () => {
    seen.granted = true;
  });
  return seen;
};

describe('Budget', () => {
  test('gives no client more than its share', () => {
    const account = new Budget(LIMITS).open();
    assert.equal(account.tryTake(400 * KIB), true);
    assert.equal(account.tryTake(1), false);
    const waiting = waiter(account, 1);
    assert.equal(waiting.granted, false);
    account.give(KIB);
    assert.equal(waiting.granted, true);
  });

  test('keeps a reserve for each client, whatever the others hold', () => {
    const budget = new Budget(LIMITS);
    const [greedy, other, third, small] = [budget.open(), budget.open(), budget.open(), budget.open()];
    assert.equal(greedy.tryTake(400 * KIB), true);
    assert.equal(other.tryTake(350 * KIB), true);
    assert.equal(third.tryTake(126 * KIB), false);
    const waiting = waiter(third, 126);
    assert.equal(waiting.granted, false);
    assert.equal(budget.starving, true);
    assert.equal(small.tryTake(125 * KIB), true);
    other.give(KIB);
    assert.equal(waiting.granted, true);
    assert.equal(budget.starving, false);
  });

  test('serves who waits in order: a small request does not overtake a large one', () => {
    const budget = new Budget(LIMITS);
    const [holder, other, large, small] = [budget.open(), budget.open(), budget.open(), budget.open()];
    holder.tryTake(400 * KIB);
    other.tryTake(300 * KIB);
    const first = waiter(large, 400);
    const second = waiter(small, 130);
    holder.give(5 * KIB);
    assert.deepEqual([first.granted, second.granted], [false, false]);
    holder.give(395 * KIB);
    assert.deepEqual([first.granted, second.granted], [true, true]);
  });

  test('a client that goes away while it waits lets the next one through', () => {
    const budget = new Budget(LIMITS);
    const [holder, other, leaving, next] = [budget.open(), budget.open(), budget.open(), budget.open()];
    holder.tryTake(400 * KIB);
    other.tryTake(300 * KIB);
    const gone = waiter(leaving, 400);
    const waiting = waiter(next, 150);
    leaving.close();
    assert.deepEqual([gone.granted, waiting.granted], [false, true]);
  });

  test('tells when somebody begins to wait for what others hold', () => {
    let calls = 0;
    const budget = new Budget(LIMITS, () => calls++);
    const [a, b, c] = [budget.open(), budget.open(), budget.open()];
    a.tryTake(400 * KIB);
    waiter(a, 10);
    assert.equal(calls, 0);
    b.tryTake(350 * KIB);
    waiter(c, 200);
    assert.equal(calls, 1);
  });

  test('giving back more than was taken is a mistake of ours', () => {
    assert.throws(() => new Budget(LIMITS).open().give(1), /given back/);
  });

  test('never exceeds its bounds, and in the end everybody is served', () => {
    const step = fc.record({ client: fc.nat(3), kib: fc.integer({ min: 1, max: 400 }), give: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const budget = new Budget(LIMITS);
        const clients = [0, 1, 2, 3].map(() => ({ account: budget.open(), held: [] as number[], waiting: false }));
        for (const { client: index, kib, give } of steps) {
          const client = clients[index];
          if (client === undefined) continue;
          if (give) {
            const bytes = client.held.pop();
            if (bytes !== undefined) client.account.give(bytes);
          } else if (!client.waiting && !client.account.tryTake(kib * KIB)) {
            client.waiting = true;
            client.account.wait(kib * KIB, () => {
              client.waiting = false;
              client.held.push(kib * KIB);
            });
          } else if (!client.waiting) {
            client.held.push(kib * KIB);
          }
          const used = clients.map(({ account }) => account.usedBytes);
          assert.ok(used.every((bytes) => bytes <= LIMITS.clientBytes));
          assert.equal(
            used.reduce((sum, bytes) => sum + bytes, 0),
            budget.usedBytes,
          );
          assert.ok(budget.usedBytes <= LIMITS.totalBytes);
        }
        while (clients.some(({ held, waiting }) => held.length > 0 || waiting)) {
          const holder = clients.find(({ held }) => held.length > 0);
          assert.ok(holder !== undefined, 'somebody waits although nobody holds anything');
          holder.account.give(holder.held.pop() ?? 0);
        }
        assert.equal(budget.usedBytes, 0);
        assert.equal(budget.starving, false);
      }),
    );
  });
});
