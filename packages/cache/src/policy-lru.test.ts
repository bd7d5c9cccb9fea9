import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LruPolicy } from './policy-lru.js';

/** LRU as a Map in order of use; parked keys apart. */
class Model {
  readonly resident = new Map<number, number>();
  readonly parked = new Set<number>();

  use(key: number): void {
    this.parked.delete(key);
    this.resident.delete(key);
    this.resident.set(key, 0);
  }

  /** The key that leaves, or undefined. */
  victim(pinned: ReadonlySet<number>): number | undefined {
    for (const key of this.resident.keys()) if (!pinned.has(key)) return key;
    return undefined;
  }
}

const step = fc.record({
  key: fc.integer({ min: 0, max: 30 }),
  act: fc.constantFrom('use', 'use', 'use', 'park', 'invalidate', 'pin'),
});

test('the same lines leave in the same order as from a Map in order of use', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 200 }), (capacity, steps) => {
      const policy = new LruPolicy({ capacity, parkedMax: 31, seed: 3 });
      const model = new Model();
      const pinned = new Set<number>();
      for (const { key, act } of steps) {
        const entry = policy.find(key);
        expect(entry >= 0).toBe(model.resident.has(key) || model.parked.has(key));
        if (act === 'pin' && entry >= 0) {
          // Pins last for one eviction, so that the model need not know what becomes of an order with gaps.
          pinned.add(key);
          policy.pin(entry);
          continue;
        }
        if (act === 'invalidate' && entry >= 0 && !pinned.has(key)) {
          policy.forget(entry, false);
          model.resident.delete(key);
          model.parked.delete(key);
          continue;
        }
        if (entry >= 0) policy.touch(entry);
        else policy.insert(key);
        model.use(key);
        while (policy.resident > policy.capacity) {
          const expected = model.victim(pinned);
          const victim = policy.victim();
          if (victim < 0) {
            expect(expected).toBeUndefined();
            break;
          }
          const gone = policy.keyOf(victim);
          expect(gone).toBe(expected);
          model.resident.delete(gone);
          if (act === 'park') {
            policy.park(victim);
            model.parked.add(gone);
          } else policy.forget(victim, true);
        }
        for (const each of pinned) policy.unpin(policy.find(each));
        if (pinned.size > 0) return;
        expect(policy.resident).toBe(model.resident.size);
        expect(policy.parked).toBe(model.parked.size);
      }
      const seen = new Set<number>();
      policy.entries((entry, key) => {
        expect(policy.find(key)).toBe(entry);
        expect(policy.isParked(entry)).toBe(model.parked.has(key));
        seen.add(key);
      });
      expect(seen).toEqual(new Set([...model.resident.keys(), ...model.parked]));
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
