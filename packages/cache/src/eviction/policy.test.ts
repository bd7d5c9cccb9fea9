import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fifo } from '../testing/fifo-policy.js';
import { type EvictionPolicy, HEAT_MAX, type PolicyFactory, randomSeed } from './policy.js';
import { Clock2QPlusPolicy } from './policy-clock2qplus.js';
import { LruPolicy } from './policy-lru.js';
import { WTinyLfuPolicy } from './policy-wtinylfu.js';

const POLICIES: Readonly<Record<string, PolicyFactory>> = {
  'Clock2Q+': (options) => new Clock2QPlusPolicy(options),
  LRU: (options) => new LruPolicy(options),
  'W-TinyLFU': (options) => new WTinyLfuPolicy(options),
  "a caller's own": fifo,
};

/** Something that the cache does to a policy. */
type Step =
  | { readonly kind: 'use'; readonly key: number; readonly quiet: boolean; readonly heat: number }
  | { readonly kind: 'pin' | 'unpin' | 'invalidate' | 'clean'; readonly key: number }
  | { readonly kind: 'dirty'; readonly key: number }
  | { readonly kind: 'capacity'; readonly lines: number };

const key = fc.integer({ min: 0, max: 40 }).map((n) => n * 2 ** 33 + 7);
const heat = fc.integer({ min: 0, max: HEAT_MAX });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('use' as const), key, quiet: fc.boolean(), heat }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('pin', 'unpin', 'invalidate', 'clean', 'dirty'), key }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('capacity' as const), lines: fc.integer({ min: 4, max: 24 }) }),
    },
  ),
  { maxLength: 300 },
);

/** Drives a policy as the cache does, and knows by plain sets what must be so. */
class Driver {
  readonly #policy: EvictionPolicy;
  readonly #entryOf = new Map<number, number>();
  readonly #pins = new Map<number, number>();
  readonly #dirty = new Set<number>();
  readonly #parked = new Set<number>();

  constructor(policy: EvictionPolicy) {
    this.#policy = policy;
  }

  run(step: Step): void {
    const policy = this.#policy;
    if (step.kind === 'capacity') {
      policy.setCapacity(step.lines);
      this.#evict();
      return;
    }
    const entry = this.#entryOf.get(step.key);
    if (step.kind === 'use') {
      if (entry === undefined) this.#insert(step.key, step.quiet, step.heat);
      else {
        policy.touch(entry);
        this.#parked.delete(step.key);
        this.#evict();
      }
    } else if (entry === undefined) {
      return;
    } else if (step.kind === 'pin' && this.#pins.size < 3) {
      policy.pin(entry);
      this.#pins.set(step.key, (this.#pins.get(step.key) ?? 0) + 1);
    } else if (step.kind === 'unpin' && this.#pins.has(step.key)) {
      policy.unpin(entry);
      const pins = (this.#pins.get(step.key) ?? 0) - 1;
      if (pins === 0) this.#pins.delete(step.key);
      else this.#pins.set(step.key, pins);
    } else if (step.kind === 'dirty' && this.#dirty.size < 3) {
      this.#dirty.add(step.key);
    } else if (step.kind === 'clean' && this.#dirty.delete(step.key) && this.#parked.has(step.key)) {
      if (!this.#pins.has(step.key)) this.#forget(step.key, entry, true);
    } else if (step.kind === 'invalidate' && !this.#pins.has(step.key)) {
      this.#forget(step.key, entry, false);
    }
  }

  check(): void {
    const policy = this.#policy;
    const seen = new Map<number, number>();
    policy.entries((entry, found) => seen.set(found, entry));
    expect(seen).toEqual(this.#entryOf);
    for (const [known, entry] of this.#entryOf) {
      expect(policy.find(known)).toBe(entry);
      expect(policy.keyOf(entry)).toBe(known);
      expect(entry).toBeLessThan(policy.entriesMax);
      expect(policy.isParked(entry)).toBe(this.#parked.has(known));
      const heat = policy.heatOf(entry);
      expect(Number.isInteger(heat) && heat >= 0 && heat <= HEAT_MAX).toBe(true);
    }
    expect(policy.find(5)).toBe(-1);
    expect(policy.parked).toBe(this.#parked.size);
    expect(policy.resident).toBe(this.#entryOf.size - this.#parked.size);
    expect(policy.resident).toBeLessThanOrEqual(policy.capacity);
  }

  #insert(line: number, quiet: boolean, heat: number): void {
    const policy = this.#policy;
    // What an earlier cache held comes quietly, and while there is room.
    const isRemembered = quiet && policy.resident < policy.capacity;
    const entry = policy.insert(line, quiet, isRemembered ? heat : 0);
    expect([...this.#entryOf.values()]).not.toContain(entry);
    this.#entryOf.set(line, entry);
    this.#evict();
  }

  #evict(): void {
    const policy = this.#policy;
    while (policy.resident > policy.capacity) {
      const entry = policy.victim();
      expect(entry).toBeGreaterThanOrEqual(0);
      const line = policy.keyOf(entry);
      expect(this.#pins.has(line)).toBe(false);
      if (this.#dirty.has(line)) {
        policy.park(entry);
        this.#parked.add(line);
      } else this.#forget(line, entry, true);
    }
  }

  #forget(line: number, entry: number, ghost: boolean): void {
    this.#policy.forget(entry, ghost);
    this.#entryOf.delete(line);
    this.#dirty.delete(line);
    this.#parked.delete(line);
  }
}

describe.each(Object.entries(POLICIES))('%s', (_name, create) => {
  test('knows exactly what was inserted and has not left, whatever is pinned, parked, dropped and resized', () => {
    fc.assert(
      fc.property(steps, fc.integer(), (all, seed) => {
        const driver = new Driver(create({ capacity: 12, maxParked: 6, seed }));
        for (const step of all) driver.run(step);
        driver.check();
      }),
      { numRuns: 300 },
    );
  });

  test('a victim is never pinned, and there is none when all are', () => {
    const policy = create({ capacity: 4, seed: 1 });
    const entries = [1, 2, 3, 4].map((line) => policy.insert(line));
    for (const entry of entries) policy.pin(entry);
    expect(policy.victim()).toBe(-1);
    policy.unpin(entries[2] as number);
    expect(policy.victim()).toBe(entries[2]);
  });

  test('where all are pinned, to ask for a victim parks nothing', () => {
    const policy = create({ capacity: 4, seed: 1 });
    for (const line of [1, 2, 3, 4]) policy.pin(policy.insert(line));
    policy.victim();
    expect([policy.resident, policy.parked]).toEqual([4, 0]);
  });

  test('what is pinned is passed over wherever it stands, and the one line that is not is the victim', () => {
    for (let free = 0; free < 20; free++) {
      const policy = create({ capacity: 20, seed: 1 });
      // Uses spread the lines over the lists of the policy.
      for (let line = 0; line < 20; line++) policy.insert(line);
      for (let line = 0; line < 20; line += 3) policy.touch(policy.find(line));
      for (let line = 0; line < 20; line++) if (line !== free) policy.pin(policy.find(line));
      const victim = policy.victim();
      expect(policy.keyOf(victim)).toBe(free);
      expect([policy.resident, policy.parked]).toEqual([19, 1]);
    }
  });

  test('has room for the lines, for those that are parked, and for a burst', () => {
    const parked = create({ capacity: 20, maxParked: 10, seed: 1 }).entriesMax;
    expect(parked - create({ capacity: 20, seed: 1 }).entriesMax).toBe(10);
    const policy = create({ capacity: 20, seed: 1 });
    policy.setCapacity(20, 10);
    expect(policy.entriesMax).toBe(parked);
  });

  test('a pinned line cannot be forgotten', () => {
    const policy = create({ capacity: 4, seed: 1 });
    const entry = policy.insert(1);
    policy.pin(entry);
    expect(() => policy.forget(entry, false)).toThrow(/pinned/);
  });

  test('memory follows from the capacity alone', () => {
    const policy = create({ capacity: 1000, seed: 1 });
    const { byteLength } = policy;
    for (let line = 0; line < 5000; line++) {
      policy.insert(line);
      while (policy.resident > policy.capacity) policy.forget(policy.victim(), true);
    }
    expect(policy.byteLength).toBe(byteLength);
    expect(byteLength / 1000).toBeLessThan(110);
  });
});

test('LRU lets the line go that was not used for longest', () => {
  const policy = new LruPolicy({ capacity: 3, seed: 1 });
  for (const line of [1, 2, 3]) policy.insert(line);
  policy.touch(policy.find(1));
  expect([policy.victim(), policy.victim(), policy.victim()].map((entry) => policy.keyOf(entry))).toEqual([2, 3, 1]);
});

test('W-TinyLFU keeps what is used often through a scan that would empty an LRU cache', () => {
  const hits = (policy: EvictionPolicy) => {
    const use = (line: number) => {
      const entry = policy.find(line);
      if (entry >= 0) policy.touch(entry);
      else policy.insert(line);
      while (policy.resident > policy.capacity) policy.forget(policy.victim(), true);
      return entry >= 0;
    };
    for (let round = 0; round < 30; round++) for (let line = 0; line < 50; line++) use(line);
    for (let line = 1000; line < 3000; line++) use(line);
    let kept = 0;
    for (let line = 0; line < 50; line++) if (policy.find(line) >= 0) kept++;
    return kept;
  };
  expect(hits(new LruPolicy({ capacity: 100, seed: 1 }))).toBe(0);
  expect(hits(new WTinyLfuPolicy({ capacity: 100, seed: 1 }))).toBeGreaterThan(45);
});

test('W-TinyLFU: the same seed makes the same choices', () => {
  const left = (seed: number) => {
    const policy = new WTinyLfuPolicy({ capacity: 20, seed });
    const gone: number[] = [];
    for (let i = 0; i < 2000; i++) {
      const line = (i * i) % 97;
      const entry = policy.find(line);
      if (entry >= 0) policy.touch(entry);
      else policy.insert(line);
      while (policy.resident > policy.capacity) {
        const victim = policy.victim();
        gone.push(policy.keyOf(victim));
        policy.forget(victim, true);
      }
    }
    return gone;
  };
  expect(left(5)).toEqual(left(5));
});

test('seeds that are not given are integers of 32 bits, and not the same', () => {
  const seeds = Array.from({ length: 20 }, () => randomSeed());
  for (const seed of seeds) expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
  expect(new Set(seeds).size).toBeGreaterThan(18);
  expect(Math.max(...seeds)).toBeGreaterThan(2 ** 28);
});

test.each([0, -1, 1.5, Number.NaN])('a capacity of %s is refused, and the message says so', (capacity) => {
  expect(() => new WTinyLfuPolicy({ capacity })).toThrow(`capacity must be a positive integer, not ${capacity}`);
  expect(() => new WTinyLfuPolicy({ capacity: 5 }).setCapacity(capacity)).toThrow(RangeError);
});
