import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evictSurplus } from '../testing/evict-surplus.js';
import { Clock2QPlusPolicy } from './policy-clock2qplus.js';

/** One use of `key`, with the evictions that it causes. Returns the keys that left. */
function use(policy: Clock2QPlusPolicy, key: number, quiet = false): number[] {
  const entry = policy.find(key);
  if (entry >= 0) policy.touch(entry);
  else policy.insert(key, quiet);
  return evictSurplus(policy);
}

function useAll(policy: Clock2QPlusPolicy, from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => use(policy, from + i)).flat();
}

const has = (policy: Clock2QPlusPolicy, key: number) => policy.find(key) >= 0;

/** The paper's three queues as plain lists, oldest first. */
class Model {
  readonly small: { key: number; arrival: number; used: boolean }[] = [];
  readonly main: { key: number; used: boolean }[] = [];
  readonly ghosts: number[] = [];
  readonly #capacity: number;
  readonly #smallMax: number;
  #arrivals = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#smallMax = capacity === 1 ? 0 : Math.max(1, Math.floor(capacity / 10));
  }

  use(key: number): number[] {
    const young = this.small.find((line) => line.key === key);
    const old = this.main.find((line) => line.key === key);
    if (young !== undefined) young.used ||= this.#arrivals - young.arrival >= Math.ceil(this.#smallMax / 2);
    else if (old !== undefined) old.used = true;
    else return this.#insert(key);
    return [];
  }

  #insert(key: number): number[] {
    const ghost = this.ghosts.indexOf(key);
    const isFull = this.small.length + this.main.length >= this.#capacity;
    if (ghost >= 0) this.ghosts.splice(ghost, 1);
    const isForMain = ghost >= 0 || this.#smallMax === 0 || (this.small.length >= this.#smallMax && !isFull);
    const left = isFull ? [this.#evict(isForMain ? 0 : 1)] : [];
    if (isForMain) this.main.push({ key, used: false });
    else this.small.push({ key, arrival: ++this.#arrivals, used: false });
    return left;
  }

  #evict(arriving: number): number {
    for (;;) {
      const line = this.small.length + arriving > this.#smallMax ? this.small.shift() : undefined;
      if (line?.used) {
        this.main.push({ key: line.key, used: false });
      } else if (line !== undefined) {
        this.ghosts.push(line.key);
        if (this.ghosts.length > Math.max(1, Math.floor(this.#capacity / 2))) this.ghosts.shift();
        return line.key;
      } else {
        const first = this.main.shift() ?? { key: (this.small.shift() as { key: number }).key, used: false };
        if (!first.used) return first.key;
        this.main.push({ key: first.key, used: false });
      }
    }
  }
}

test('the same lines leave in the same order as from three plain lists', () => {
  // Squared, so that some are used more often than others.
  const uses = fc.array(
    fc.double({ min: 0, max: 1, noNaN: true }).map((n) => n * n),
    { minLength: 1000, maxLength: 1000 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), uses, (capacity, all) => {
      const policy = new Clock2QPlusPolicy({ capacity, seed: 1 });
      const model = new Model(capacity);
      const keys = all.map((at) => Math.floor(at * capacity * 3));
      expect(keys.map((key) => use(policy, key))).toEqual(keys.map((key) => model.use(key)));
    }),
    { numRuns: 20 },
  );
});

describe('a line of a full cache of 100', () => {
  const full = () => {
    const policy = new Clock2QPlusPolicy({ capacity: 100, seed: 1 });
    useAll(policy, 0, 100);
    return policy;
  };

  test('that is used again while it is among the five newest leaves with the next ten that arrive', () => {
    const policy = full();
    use(policy, 500);
    useAll(policy, 501, 4);
    use(policy, 500);
    useAll(policy, 505, 6);
    expect(has(policy, 500)).toBe(false);
  });

  test('that is used again later stays', () => {
    const policy = full();
    use(policy, 500);
    useAll(policy, 501, 5);
    use(policy, 500);
    useAll(policy, 506, 40);
    expect(has(policy, 500)).toBe(true);
  });

  test('that comes back soon after it left stays', () => {
    const policy = full();
    use(policy, 500);
    useAll(policy, 501, 20);
    expect(has(policy, 500)).toBe(false);
    use(policy, 500);
    useAll(policy, 600, 80);
    expect(has(policy, 500)).toBe(true);
  });

  test('that comes back when fifty others left after it is as good as new', () => {
    const policy = full();
    use(policy, 500);
    useAll(policy, 501, 80);
    use(policy, 500);
    useAll(policy, 600, 20);
    expect(has(policy, 500)).toBe(false);
  });

  test('that is read ahead stays until it is used, which is when it arrives', () => {
    const policy = full();
    use(policy, 500, true);
    useAll(policy, 501, 60);
    expect(has(policy, 500)).toBe(true);
    use(policy, 500);
    use(policy, 500);
    useAll(policy, 600, 9);
    expect(has(policy, 500)).toBe(true);
    useAll(policy, 610, 2);
    expect(has(policy, 500)).toBe(false);
  });

  test('that is read ahead is evicted for lines used again where three tenths of the lines are like it, unremembered', () => {
    const policy = full();
    for (let key = 500; key < 530; key++) use(policy, key, true);
    policy.entries((entry, key) => {
      if (key < 500) policy.touch(entry);
    });
    expect(use(policy, 530, true)).toEqual([500]);
    use(policy, 500);
    useAll(policy, 700, 20);
    expect(has(policy, 500)).toBe(false);
  });

  test('that is read ahead stays where what else would leave was used no more than once', () => {
    const policy = full();
    for (let key = 500; key < 560; key++) use(policy, key, true);
    for (let key = 500; key < 560; key++) expect(has(policy, key)).toBe(true);
  });

  test('that is parked and used meanwhile goes to the clock', () => {
    const policy = full();
    use(policy, 500);
    useAll(policy, 501, 9);
    policy.insert(600);
    const victim = policy.victim();
    policy.park(victim);
    const key = policy.keyOf(victim);
    policy.touch(victim);
    expect(policy.isParked(victim)).toBe(false);
    useAll(policy, 700, 50);
    expect(has(policy, key)).toBe(true);
  });
});

test('what is used often outlives a scan, but for what never left the correlation window', () => {
  const policy = new Clock2QPlusPolicy({ capacity: 100, seed: 1 });
  for (let round = 0; round < 30; round++) useAll(policy, 0, 50);
  useAll(policy, 1000, 2000);
  expect(Array.from({ length: 50 }, (_, key) => has(policy, key)).filter(Boolean).length).toBe(45);
});

test('room is made before an arrival as well as after it', () => {
  const before = new Clock2QPlusPolicy({ capacity: 100, seed: 1 });
  const after = new Clock2QPlusPolicy({ capacity: 100, seed: 1 });
  for (let i = 0; i < 5000; i++) {
    const key = (i * i) % 311;
    use(after, key);
    const entry = before.find(key);
    if (entry >= 0) {
      before.touch(entry);
      continue;
    }
    if (before.resident >= before.capacity) before.forget(before.victim(), true);
    before.insert(key);
  }
  const keysOf = (policy: Clock2QPlusPolicy) => {
    const keys: number[] = [];
    policy.entries((_, key) => keys.push(key));
    return keys.sort((a, b) => a - b);
  };
  const both = keysOf(before).filter((key) => has(after, key));
  expect(both.length).toBeGreaterThan(90);
});

test('what an earlier cache held hot stands in the clock, hottest last to leave', () => {
  const policy = new Clock2QPlusPolicy({ capacity: 20, seed: 1 });
  for (const [key, heat] of [
    [1, 4],
    [2, 2],
    [3, 1],
  ] as const) {
    policy.insert(key, true, heat);
  }
  expect([1, 2, 3].map((key) => policy.heatOf(policy.find(key)))).toEqual([4, 2, 0]);
  useAll(policy, 100, 60);
  expect([1, 2, 3].map((key) => has(policy, key))).toEqual([true, true, false]);
});

test('growing keeps entries, shrinking drops ghosts and asks for as many victims as are too many', () => {
  const policy = new Clock2QPlusPolicy({ capacity: 10, seed: 1 });
  useAll(policy, 0, 10);
  policy.setCapacity(5000);
  expect(Array.from({ length: 10 }, (_, key) => has(policy, key))).not.toContain(false);
  useAll(policy, 10, 8000);
  policy.setCapacity(3);
  while (policy.resident > policy.capacity) policy.forget(policy.victim(), true);
  let known = 0;
  policy.entries(() => known++);
  expect(known).toBe(3);
});

test('what the caller may not do is refused', () => {
  const policy = new Clock2QPlusPolicy({ capacity: 4, seed: 1 });
  const entry = policy.insert(1);
  expect(() => policy.insert(1)).toThrow('must not be known');
  expect(() => policy.park(entry)).toThrow('out of the lists');
  expect(() => {
    for (let key = 2; key < 1000; key++) policy.insert(key);
  }).toThrow('evict first');
  expect(() => new Clock2QPlusPolicy({ capacity: 0 })).toThrow(RangeError);
});

/** What leaves of a policy that nothing more is asked of, in order. */
function emptied(policy: Clock2QPlusPolicy): number[] {
  const left: number[] = [];
  for (let entry = policy.victim(); entry !== -1; entry = policy.victim()) {
    left.push(policy.keyOf(entry));
    policy.forget(entry, false);
  }
  return left;
}

test('where room is made before an arrival, what the hand passes stands before all that came earlier', () => {
  const policy = new Clock2QPlusPolicy({ capacity: 20, seed: 1 });
  // Two in the small queue, the rest in the clock.
  for (let key = 0; key < 20; key++) policy.insert(key);
  policy.touch(policy.find(0));
  policy.touch(policy.find(2));
  const first = policy.victim();
  expect(policy.keyOf(first)).toBe(3);
  policy.forget(first, false);
  const clock = Array.from({ length: 16 }, (_, i) => i + 4);
  expect(emptied(policy)).toEqual([...clock, 0, 2, 1]);
});

describe('a line that is read ahead', () => {
  test('is of no known use, then used once, and from then on as any other', () => {
    const policy = new Clock2QPlusPolicy({ capacity: 20, seed: 1 });
    const entry = policy.insert(1, true);
    expect(policy.heatOf(entry)).toBe(0);
    policy.touch(entry);
    expect(policy.heatOf(entry)).toBe(1);
    policy.insert(2);
    policy.touch(entry);
    expect(policy.heatOf(entry)).toBe(2);
  });

  test('and parked before its first use begins anew with it, in the clock where there is no small queue', () => {
    for (const [capacity, heat] of [
      [20, 1],
      [1, 2],
    ] as const) {
      const policy = new Clock2QPlusPolicy({ capacity, maxParked: 1, seed: 1 });
      const entry = policy.insert(1, true);
      policy.park(policy.victim());
      policy.touch(entry);
      expect([policy.isParked(entry), policy.heatOf(entry)]).toEqual([false, heat]);
    }
  });
});

test('uses of a line in the clock count from the first, however new it is', () => {
  const policy = new Clock2QPlusPolicy({ capacity: 20, seed: 1 });
  const entry = policy.insert(1, true, 2);
  policy.touch(entry);
  policy.touch(entry);
  expect(policy.heatOf(entry)).toBe(4);
});

describe('ghosts', () => {
  /** A line of the clock is at least that hot, and one of the small queue is not. */
  const wasGhost = (policy: Clock2QPlusPolicy, key: number) => policy.heatOf(policy.insert(key)) === 2;

  test('remain of lines that leave the small queue in whatever way, and of no others', () => {
    const policy = new Clock2QPlusPolicy({ capacity: 30, seed: 1 });
    for (let key = 0; key < 3; key++) policy.insert(key);
    policy.insert(10, true, 2);
    policy.forget(policy.find(0), true);
    policy.forget(policy.find(1), false);
    policy.forget(policy.find(10), true);
    expect([0, 1, 10].map((key) => wasGhost(policy, key))).toEqual([true, false, false]);
  });

  test('are half as many as lines, also after a shrink', () => {
    const policy = new Clock2QPlusPolicy({ capacity: 200, seed: 1 });
    for (let key = 0; key < 20; key++) policy.forget(policy.insert(key), true);
    policy.setCapacity(20);
    const ghosts: number[] = [];
    for (let key = 0; key < 20; key++) {
      if (wasGhost(policy, key)) ghosts.push(key);
      policy.forget(policy.find(key), false);
    }
    expect(ghosts).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  });

  test('make room for a burst, the oldest first', () => {
    const policy = new Clock2QPlusPolicy({ capacity: 40, seed: 1 });
    for (let key = 0; key < 20; key++) policy.forget(policy.insert(key), true);
    const entries = 40 + 20 + 64;
    for (let key = 100; key < 100 + entries - 5; key++) policy.insert(key);
    expect(policy.resident).toBe(entries - 5);
    expect([14, 15].map((key) => policy.find(key))).toEqual([-1, -1]);
    for (let key = 15; key < 20; key++) expect(wasGhost(policy, key)).toBe(true);
    expect(() => policy.insert(14)).toThrow('evict first');
  });
});
