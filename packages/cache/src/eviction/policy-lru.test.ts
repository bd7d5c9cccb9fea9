import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LruPolicy } from './policy-lru.js';

/** LRU as a Map in order of use, parked keys apart, and at most one key pinned. */
class Model {
  readonly resident = new Set<number>();
  readonly parked = new Set<number>();
  pinned = -1;

  knows(key: number): boolean {
    return this.resident.has(key) || this.parked.has(key);
  }

  use(key: number): void {
    this.drop(key);
    this.resident.add(key);
  }

  drop(key: number): void {
    this.parked.delete(key);
    this.resident.delete(key);
  }

  /** The key that leaves, or -1. */
  victim(): number {
    for (const key of this.resident) if (key !== this.pinned) return key;
    return -1;
  }
}

type Act = 'use' | 'use, then park' | 'invalidate' | 'pin' | 'unpin';

/** Carries one step out on both. */
function step(policy: LruPolicy, model: Model, key: number, act: Act): void {
  const entry = policy.find(key);
  expect(entry >= 0).toBe(model.knows(key));
  if (act === 'unpin' && model.pinned >= 0) {
    policy.unpin(policy.find(model.pinned));
    model.pinned = -1;
  } else if (act === 'pin' && entry >= 0 && model.pinned < 0) {
    policy.pin(entry);
    model.pinned = key;
  } else if (act === 'invalidate' && entry >= 0 && model.pinned !== key) {
    policy.forget(entry, false);
    model.drop(key);
  } else if (act === 'use' || act === 'use, then park') {
    if (entry >= 0) policy.touch(entry);
    else policy.insert(key);
    model.use(key);
    evict(policy, model, act === 'use, then park');
  }
}

function evict(policy: LruPolicy, model: Model, park: boolean): void {
  while (policy.resident > policy.capacity) {
    const expected = model.victim();
    const victim = policy.victim();
    expect(victim < 0 ? -1 : policy.keyOf(victim)).toBe(expected);
    if (victim < 0) return;
    model.drop(expected);
    if (park) model.parked.add(expected);
    if (park) policy.park(victim);
    else policy.forget(victim, true);
  }
}

const steps = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 30 }),
    fc.constantFrom<Act>('use', 'use, then park', 'invalidate', 'pin', 'unpin'),
  ),
  { maxLength: 300 },
);

test('the same lines leave in the same order as from a list in order of use', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), steps, (capacity, list) => {
      const policy = new LruPolicy({ capacity, maxParked: 31, seed: 3 });
      const model = new Model();
      for (const [key, act] of list) {
        step(policy, model, key, act);
        expect([policy.resident, policy.parked]).toEqual([model.resident.size, model.parked.size]);
      }
      const seen = new Set<number>();
      policy.entries((entry, key) => {
        expect(policy.find(key)).toBe(entry);
        expect(policy.isParked(entry)).toBe(model.parked.has(key));
        seen.add(key);
      });
      expect(seen).toEqual(new Set([...model.resident, ...model.parked]));
    }),
  );
});

test('a line that was used while pinned at the tail is the last to leave', () => {
  const policy = new LruPolicy({ capacity: 3, seed: 1 });
  for (const key of [1, 2, 3]) policy.insert(key);
  const one = policy.find(1);
  policy.pin(one);
  policy.forget(policy.victim(), false);
  policy.touch(one);
  policy.unpin(one);
  expect(policy.keyOf(policy.victim())).toBe(3);
});

test('growing keeps entries, shrinking asks for as many victims as are too many', () => {
  const policy = new LruPolicy({ capacity: 10, seed: 1 });
  for (let key = 0; key < 10; key++) policy.insert(key);
  const entries = Array.from({ length: 10 }, (_, key) => policy.find(key));
  policy.setCapacity(5000);
  expect(Array.from({ length: 10 }, (_, key) => policy.find(key))).toEqual(entries);
  for (let key = 10; key < 5000; key++) expect(policy.insert(key)).toBeLessThan(policy.entriesMax);
  policy.setCapacity(3);
  while (policy.resident > policy.capacity) policy.forget(policy.victim(), true);
  expect([4996, 4997, 4998, 4999].map((key) => policy.find(key) >= 0)).toEqual([false, true, true, true]);
});

test('an insertion without room is refused', () => {
  const policy = new LruPolicy({ capacity: 1, seed: 1 });
  expect(() => {
    for (let key = 0; key < 1000; key++) policy.insert(key);
  }).toThrow('evict first');
});

test('pinned lines cannot be forgotten, lines in the lists cannot be parked', () => {
  const policy = new LruPolicy({ capacity: 2, seed: 1 });
  const entry = policy.insert(1);
  expect(() => policy.park(entry)).toThrow('out of the lists');
  policy.pin(entry);
  expect(() => policy.forget(entry, false)).toThrow('must not be pinned');
});

test.each([0, -1, 1.5, Number.NaN])('a capacity of %s is refused', (capacity) => {
  expect(() => new LruPolicy({ capacity })).toThrow(RangeError);
  expect(() => new LruPolicy({ capacity: 1 }).setCapacity(capacity)).toThrow(RangeError);
});

test('what an earlier cache held stands behind what is there, in the order in which it comes, and keeps its heat', () => {
  const before = new LruPolicy({ capacity: 8, seed: 1 });
  for (let key = 0; key < 8; key++) before.insert(key);
  before.touch(before.find(0));
  const heats = (policy: LruPolicy, keys: readonly number[]) => keys.map((key) => policy.heatOf(policy.find(key)));
  const order = [0, 7, 6, 5, 4, 3, 2, 1];
  expect(heats(before, order)).toEqual([4, 4, 3, 3, 2, 2, 1, 1]);
  const after = new LruPolicy({ capacity: 9, seed: 1 });
  after.insert(100);
  for (const key of order) after.insert(key, true, before.heatOf(before.find(key)));
  expect(heats(after, [100, ...order])).toEqual([4, 4, 4, 3, 3, 2, 2, 1, 1]);
  const left: number[] = [];
  for (let i = 0; i < 9; i++) {
    const entry = after.victim();
    left.push(after.keyOf(entry));
    after.forget(entry, false);
  }
  expect(left).toEqual([...order.reverse(), 100]);
});

test('a remembered line is as old as its heat says, in uses of a cacheful', () => {
  const policy = new LruPolicy({ capacity: 100, seed: 1 });
  const [hot, cold] = [policy.insert(1, true, 4), policy.insert(2, true, 1)];
  // Three quarters of a cacheful old, as the cold line was at first: the one is twice as old as the other.
  for (let key = 100; key < 175; key++) policy.insert(key);
  expect([policy.heatOf(hot), policy.heatOf(cold)]).toEqual([3, 1]);
});
