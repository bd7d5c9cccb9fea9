import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { type Account, Budget } from './budget.js';

const KIB = 1024;
/** 4000 KiB in all, 1600 for one; four clients, so that each has 500 for itself and 2000 are shared. Pieces are of 256. */
const LIMITS = { totalBytes: 4000 * KIB, clientBytes: 1600 * KIB, clientsMax: 4 };
const PIECE_KIB = 256;

/** What it was granted, in KiB; 0 while it waits. */
const waiter = (account: Account, kib: number) => {
  const seen = { grantedKib: 0 };
  account.wait(kib * KIB, (bytes) => {
    seen.grantedKib = bytes / KIB;
  });
  return seen;
};

describe('Budget', () => {
  test('gives no client more than its share', () => {
    const account = new Budget(LIMITS).open();
    assert.equal(account.tryTake(1600 * KIB), true);
    assert.equal(account.tryTake(1), false);
    const waiting = waiter(account, 1);
    assert.equal(waiting.grantedKib, 0);
    account.give(KIB);
    assert.equal(waiting.grantedKib, 1);
  });

  test('keeps a reserve for each client, whatever the others hold', () => {
    const budget = new Budget(LIMITS);
    const [greedy, other, third, small] = [budget.open(), budget.open(), budget.open(), budget.open()];
    assert.equal(greedy.tryTake(1600 * KIB), true);
    assert.equal(other.tryTake(1400 * KIB), true);
    assert.equal(third.tryTake(501 * KIB), false);
    assert.equal(third.tryTake(500 * KIB), true);
    assert.equal(small.tryTake(500 * KIB), true);
    assert.equal(budget.usedBytes, LIMITS.totalBytes);
  });

  test('no one waits for what others hold: a piece is granted at once, and it is told that there was no more', () => {
    let short = 0;
    const budget = new Budget(LIMITS, () => short++);
    const [greedy, other, third] = [budget.open(), budget.open(), budget.open()];
    greedy.tryTake(1600 * KIB);
    other.tryTake(1400 * KIB);
    assert.equal(short, 0);
    assert.equal(waiter(third, 600).grantedKib, PIECE_KIB);
    assert.equal(short, 1);
  });

  test('a client waits for its own: until there is room for all it asked for, or for a piece', () => {
    const budget = new Budget(LIMITS);
    const [holder, other, client] = [budget.open(), budget.open(), budget.open()];
    client.tryTake(400 * KIB);
    holder.tryTake(1600 * KIB);
    other.tryTake(1400 * KIB);
    const waiting = waiter(client, 600);
    assert.equal(waiting.grantedKib, 0);
    client.give(100 * KIB);
    assert.equal(waiting.grantedKib, 0);
    client.give(100 * KIB);
    assert.equal(waiting.grantedKib, PIECE_KIB);
    holder.give(1600 * KIB);
    assert.equal(waiter(client, 600).grantedKib, 600);
  });

  test('a client that goes away while it waits is granted nothing', () => {
    const account = new Budget(LIMITS).open();
    account.tryTake(1600 * KIB);
    const waiting = waiter(account, 10);
    account.close();
    account.give(1600 * KIB);
    assert.equal(waiting.grantedKib, 0);
  });

  test('giving back more than was taken is a mistake of ours', () => {
    assert.throws(() => new Budget(LIMITS).open().give(1), /given back/);
  });

  test('never exceeds its bounds, and no one waits for others', () => {
    const step = fc.record({ client: fc.nat(3), kib: fc.integer({ min: 1, max: 1600 }), give: fc.boolean() });
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
            client.account.wait(kib * KIB, (bytes) => {
              client.waiting = false;
              client.held.push(bytes);
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
        for (const { account, held, waiting } of clients) {
          assert.ok(!waiting || held.length > 0, 'someone waits who holds nothing');
          while (held.length > 0) account.give(held.pop() ?? 0);
        }
        assert.ok(clients.every(({ waiting }) => !waiting));
        assert.equal(budget.usedBytes, 0);
      }),
    );
  });
});
