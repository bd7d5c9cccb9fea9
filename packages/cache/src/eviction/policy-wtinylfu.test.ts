import { Random } from '@blockyard/conformance/simulator';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evictSurplus } from '../testing/evict-surplus.js';
import { FrequencySketch } from './frequency-sketch.js';
import { LineTable } from './line-table.js';
import { LruShadow } from './lru-shadow.js';
import type { EvictionPolicy } from './policy.js';
import { LruPolicy } from './policy-lru.js';
import { WTinyLfuPolicy } from './policy-wtinylfu.js';

/** One use of `key` as the cache makes it. Whether it was a hit. */
function use(policy: EvictionPolicy, key: number): boolean {
  const entry = policy.find(key);
  if (entry >= 0) policy.touch(entry);
  else policy.insert(key);
  while (policy.resident > policy.capacity) policy.forget(policy.victim(), true);
  return entry >= 0;
}

/** Brings a line in ahead, and tells which lines left for it. */
function readAhead(policy: EvictionPolicy, key: number): number[] {
  policy.insert(key, true);
  return evictSurplus(policy);
}

/** Misses of the uses, as a share. */
function missRatio(policy: EvictionPolicy, keys: Iterable<number>): number {
  let misses = 0;
  let uses = 0;
  for (const key of keys) {
    if (!use(policy, key)) misses++;
    uses++;
  }
  return misses / uses;
}

function* loop(lines: number, times: number): Generator<number> {
  for (let i = 0; i < lines * times; i++) yield i % lines;
}

/** Resident keys that `policy` holds of the `count` from `first`. */
function held(policy: EvictionPolicy, first: number, count: number): number {
  let found = 0;
  for (let key = first; key < first + count; key++) if (policy.find(key) >= 0) found++;
  return found;
}

describe('what stays', () => {
  test.each([64, 1000])('a loop a little larger than the cache mostly hits, at %i lines', (capacity) => {
    const policy = () => new WTinyLfuPolicy({ capacity, seed: 1 });
    expect(missRatio(new LruPolicy({ capacity, seed: 1 }), loop(capacity * 1.05, 100))).toBe(1);
    expect(missRatio(policy(), loop(Math.round(capacity * 1.05), 300))).toBeLessThan(0.2);
    expect(missRatio(policy(), loop(capacity * 1.5, 300))).toBeLessThan(0.45);
  });

  test('a scan of ten times the cache leaves the working set where it is', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    missRatio(policy, loop(700, 20));
    missRatio(
      policy,
      Array.from({ length: 10_000 }, (_, i) => 1_000_000 + i),
    );
    expect(held(policy, 0, 700)).toBeGreaterThan(695);
  });

  test('a working set that fits is kept whole', () => {
    const policy = new WTinyLfuPolicy({ capacity: 500, seed: 1 });
    missRatio(policy, loop(500, 3));
    expect(missRatio(policy, loop(500, 5))).toBe(0);
  });

  test.each([64, 1000])('where only recency counts it comes close to LRU, at %i lines', (capacity) => {
    const distance = Math.round(capacity * 0.4) * 2 + 1;
    const pairs = Array.from({ length: capacity * 300 }, (_, i) => (i % 2 === 0 ? i : i - distance));
    const lru = missRatio(new LruPolicy({ capacity, seed: 1 }), pairs);
    expect(lru).toBeLessThan(0.51);
    expect(missRatio(new WTinyLfuPolicy({ capacity, seed: 1 }), pairs)).toBeLessThan(lru + 0.02);
  });

  test('a new working set takes the place of an old and popular one', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    missRatio(policy, loop(900, 200));
    const shifted = [...loop(900, 60)].map((key) => key + 5000);
    missRatio(policy, shifted);
    expect(missRatio(policy, shifted.slice(0, 900))).toBeLessThan(0.05);
  });

  test('readers who go elsewhere find room there nearly as fast as with LRU', () => {
    const misses = (policy: EvictionPolicy) => {
      const random = new Random(7);
      const area = (first: number, uses: number) => Array.from({ length: uses }, () => first + random.below(2000));
      missRatio(policy, area(1_000_000, 4000));
      return [missRatio(policy, area(0, 1000)), missRatio(policy, area(0, 1000)), missRatio(policy, area(0, 2000))];
    };
    const lru = misses(new LruPolicy({ capacity: 1000, seed: 1 }));
    const own = misses(new WTinyLfuPolicy({ capacity: 1000, seed: 1 }));
    const behind = own.map((ratio, index) => ratio - (lru[index] ?? 0));
    // To find it out costs a share of what comes first; without it the second and third would be 0.3 and 0.2 behind.
    expect(
      behind.every((each, index) => each < ([0.15, 0.1, 0.05][index] ?? 0)),
      `behind LRU by ${behind}`,
    ).toBe(true);
  });

  test('a loop that comes after readers of what came lately is mostly kept', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    // Each line twice, the second time after 800 others: the window takes nearly all.
    missRatio(
      policy,
      Array.from({ length: 30_000 }, (_, i) => 1_000_000 + (i % 2 === 0 ? i : i - 799)),
    );
    expect(policy.lists.windowMax).toBeGreaterThan(600);
    missRatio(policy, loop(1200, 5));
    expect(missRatio(policy, loop(1200, 10))).toBeLessThan(0.5);
  });

  test('many uses of a line in quick succession make it no more popular than one', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    missRatio(policy, loop(90, 10));
    for (let key = 1000; key < 2000; key++) for (let i = 0; i < 16; i++) use(policy, key);
    expect(held(policy, 0, 90)).toBeGreaterThan(80);
  });

  test('the same seed decides the same, whatever the keys', () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => ((i * i) % 7919) * 2 ** 33);
    const [a, b] = [1, 1].map((seed) => missRatio(new WTinyLfuPolicy({ capacity: 500, seed }), keys));
    expect(a).toBe(b);
  });
});

describe('the window', () => {
  /** A full cache of keys from 0 whose last victim is known as a ghost. */
  function full(capacity: number): WTinyLfuPolicy {
    const policy = new WTinyLfuPolicy({ capacity, seed: 1 });
    for (let key = 0; key < capacity; key++) use(policy, key);
    return policy;
  }

  test('grows when a refused line is asked for again, and shrinks when one that main gave up is', () => {
    const policy = full(1000);
    const before = policy.lists.windowMax;
    use(policy, 5000);
    const refused = [...Array(1000).keys()].find((key) => policy.find(key) < 0) ?? -1;
    expect(policy.lists).toMatchObject({ refusedGhosts: 1, mainGhosts: 0 });
    use(policy, refused);
    expect(policy.lists.windowMax).toBe(before + 1);
    const gone = full(1000);
    const entry = gone.find(0);
    gone.forget(entry, true);
    expect(gone.lists).toMatchObject({ refusedGhosts: 0, mainGhosts: 1 });
    use(gone, 0);
    expect(gone.lists.windowMax).toBe(before - 1);
  });

  test('learns nothing from read-ahead', () => {
    const policy = full(1000);
    const before = policy.lists.windowMax;
    use(policy, 5000);
    const refused = [...Array(1000).keys()].find((key) => policy.find(key) < 0) ?? -1;
    policy.insert(refused, true);
    expect(policy.lists.windowMax).toBe(before);
  });

  test('stays within its share, even where every miss speaks for one side', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    for (let i = 0; i < 50_000; i++) use(policy, i % 2 === 0 ? i : i - 81);
    expect(policy.lists.windowMax).toBeLessThanOrEqual(97);
    expect(policy.lists.windowMax).toBeGreaterThan(50);
    missRatio(policy, loop(130, 3000));
    expect(policy.lists.windowMax).toBeLessThan(20);
    expect(policy.lists.windowMax).toBeGreaterThanOrEqual(2);
  });

  test('that pinned lines have swollen comes back to its size', () => {
    const policy = full(1000);
    const entries: number[] = [];
    for (let key = 2000; key < 2400; key++) {
      const entry = policy.insert(key);
      policy.pin(entry);
      entries.push(entry);
      policy.forget(policy.victim(), false);
    }
    expect(policy.lists.window).toBeGreaterThanOrEqual(400);
    for (const entry of entries) policy.unpin(entry);
    for (let key = 3000; key < 3500; key++) use(policy, key);
    expect(policy.lists.window).toBe(policy.lists.windowMax);
  });
});

describe('read-ahead', () => {
  test("a line's first use is the first that counts", () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    for (let key = 0; key < 1000; key++) policy.insert(key, true);
    for (let key = 0; key < 1000; key++) use(policy, key);
    expect(policy.lists.protected).toBe(0);
    for (let key = 5000; key < 5100; key++) use(policy, key);
    for (let key = 0; key < 900; key++) if (policy.find(key) >= 0) use(policy, key);
    expect(policy.lists.protected).toBeGreaterThan(500);
  });

  test('a line that was never used leaves no ghost', () => {
    const policy = new WTinyLfuPolicy({ capacity: 10, seed: 1 });
    policy.forget(policy.insert(1, true), true);
    expect(policy.lists).toMatchObject({ refusedGhosts: 0, mainGhosts: 0 });
  });
});

describe('parked lines', () => {
  test('are found, are not chosen again, and come back to the window when used', () => {
    const policy = new WTinyLfuPolicy({ capacity: 10, maxParked: 5, seed: 1 });
    for (let key = 0; key <= 10; key++) policy.insert(key);
    const entry = policy.victim();
    const key = policy.keyOf(entry);
    policy.park(entry);
    expect([policy.find(key), policy.isParked(entry), policy.resident]).toEqual([entry, true, 10]);
    for (let i = 0; i < 10; i++) expect(policy.victim()).not.toBe(entry);
    expect(policy.victim()).toBe(-1);
    policy.touch(entry);
    expect([policy.find(key), policy.isParked(entry), policy.resident]).toEqual([entry, false, 1]);
    expect(policy.lists.window).toBe(1);
  });

  test('become ghosts of the kind that they were when they left', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, maxParked: 5, seed: 1 });
    for (let key = 0; key <= 1000; key++) policy.insert(key);
    const entry = policy.victim();
    policy.park(entry);
    policy.forget(entry, true);
    expect(policy.lists).toMatchObject({ parked: 0, refusedGhosts: 1, mainGhosts: 0 });
    expect(policy.find(policy.keyOf(entry))).toBe(-1);
  });
});

test('room can be made before an insertion as well as after it, and the test is the same', () => {
  const before = new WTinyLfuPolicy({ capacity: 200, seed: 1 });
  const after = new WTinyLfuPolicy({ capacity: 200, seed: 1 });
  let misses = 0;
  for (const key of loop(260, 100)) {
    use(after, key);
    const entry = before.find(key);
    if (entry >= 0) before.touch(entry);
    else {
      misses++;
      if (before.resident === before.capacity) before.forget(before.victim(), true);
      before.insert(key);
    }
  }
  expect(misses / 26_000).toBeLessThan(0.5);
  expect(before.lists.window).toBe(before.lists.windowMax);
});

describe('whatever is done to it', () => {
  type Act = 'use' | 'park' | 'read ahead' | 'invalidate' | 'pin' | 'unpin' | 'burst' | 'clean' | 'resize';
  const acts: Act[] = [
    'use',
    'use',
    'use',
    'park',
    'read ahead',
    'invalidate',
    'pin',
    'unpin',
    'burst',
    'clean',
    'resize',
  ];
  const steps = fc.array(fc.tuple(fc.constantFrom(...acts), fc.integer({ min: 0, max: 90 })), { maxLength: 400 });

  /** What the cache would know of its lines. */
  interface Known {
    readonly entryOf: Map<number, number>;
    readonly parked: Set<number>;
    readonly pins: number[];
  }

  function makeRoom(policy: WTinyLfuPolicy, known: Known, park: boolean): void {
    while (policy.resident > policy.capacity) {
      const victim = policy.victim();
      if (victim < 0) return;
      const key = policy.keyOf(victim);
      expect(known.pins).not.toContain(key);
      expect(policy.isParked(victim)).toBe(true);
      if (park && known.parked.size < 20) {
        policy.park(victim);
        known.parked.add(key);
      } else {
        policy.forget(victim, true);
        known.entryOf.delete(key);
      }
    }
  }

  function insert(policy: WTinyLfuPolicy, known: Known, key: number, quiet: boolean): void {
    const entry = policy.find(key);
    if (entry < 0) known.entryOf.set(key, policy.insert(key, quiet));
    else if (!quiet) {
      policy.touch(entry);
      known.parked.delete(key);
    }
  }

  function act(policy: WTinyLfuPolicy, known: Known, what: Act, key: number): void {
    const entry = policy.find(key);
    if (what === 'use' || what === 'park' || what === 'read ahead') {
      insert(policy, known, key, what === 'read ahead');
      makeRoom(policy, known, what === 'park');
    } else if (what === 'burst') {
      for (let i = 0; i < 16; i++) insert(policy, known, key + i, false);
      makeRoom(policy, known, false);
    } else if (what === 'pin' && entry >= 0) {
      policy.pin(entry);
      known.pins.push(key);
    } else if (what === 'unpin' && known.pins.length > 0) {
      policy.unpin(policy.find(known.pins.splice(key % known.pins.length, 1)[0] ?? -1));
      makeRoom(policy, known, false);
    } else if ((what === 'invalidate' || what === 'clean') && entry >= 0 && !known.pins.includes(key)) {
      policy.forget(entry, what === 'clean');
      known.entryOf.delete(key);
      known.parked.delete(key);
    } else if (what === 'resize') {
      policy.setCapacity(key + 1);
      makeRoom(policy, known, false);
    }
  }

  function check(policy: WTinyLfuPolicy, known: Known): void {
    const seen = new Map<number, number>();
    policy.entries((entry, key) => {
      expect(policy.find(key)).toBe(entry);
      expect(entry).toBeLessThan(policy.entriesMax);
      expect(policy.isParked(entry)).toBe(known.parked.has(key));
      seen.set(key, entry);
    });
    expect(seen).toEqual(known.entryOf);
    expect(new Set(seen.values()).size).toBe(seen.size);
    const { window, probation, protected: kept, ahead, parked, refusedGhosts, mainGhosts, windowMax } = policy.lists;
    expect(parked).toBe(known.parked.size);
    expect(window + probation + kept + ahead).toBe(seen.size - parked);
    expect(policy.resident).toBe(seen.size - parked);
    expect(policy.resident).toBeLessThanOrEqual(policy.capacity + new Set(known.pins).size);
    const ghostsMax = Math.max(1, Math.round(policy.capacity / 10));
    expect(Math.max(refusedGhosts, mainGhosts)).toBeLessThanOrEqual(ghostsMax);
    expect(windowMax).toBeGreaterThanOrEqual(1);
    expect(windowMax).toBeLessThanOrEqual(policy.capacity);
  }

  test('every line is in one list, the table knows exactly the lines, and no list exceeds its bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), steps, (capacity, list) => {
        const policy = new WTinyLfuPolicy({ capacity, maxParked: 20, seed: 9 });
        const known: Known = { entryOf: new Map(), parked: new Set(), pins: [] };
        for (const [what, key] of list) {
          act(policy, known, what, key);
          check(policy, known);
        }
      }),
    );
  });
});

test('nothing that is pinned is a victim, and all else is', () => {
  const policy = new WTinyLfuPolicy({ capacity: 50, seed: 1 });
  for (let key = 0; key < 50; key++) use(policy, key);
  for (let key = 0; key < 50; key += 2) policy.pin(policy.find(key));
  const gone = new Set<number>();
  for (let entry = policy.victim(); entry >= 0; entry = policy.victim()) gone.add(policy.keyOf(entry));
  expect(gone).toEqual(new Set(Array.from({ length: 25 }, (_, i) => 2 * i + 1)));
});

test('tables are below 110 bytes a line, ghosts and room for parked ones included', () => {
  for (const capacity of [1000, 10_000, 65_536, 100_000]) {
    const { byteLength } = new WTinyLfuPolicy({ capacity, maxParked: capacity / 20, seed: 1 });
    expect(byteLength / capacity).toBeLessThan(110);
  }
});

describe('its bounds', () => {
  test('are shares of the capacity, and scale with it', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    expect([policy.capacity, policy.lists.windowMax]).toEqual([1000, 100]);
    policy.setCapacity(500);
    expect([policy.capacity, policy.lists.windowMax]).toEqual([500, 50]);
    policy.setCapacity(2000);
    expect(policy.lists.windowMax).toBe(200);
    // What was learnt scales as well.
    for (let key = 0; key <= 2000; key++) use(policy, key);
    const refused = [...Array(2000).keys()].find((key) => policy.find(key) < 0) ?? -1;
    use(policy, refused);
    policy.setCapacity(4000);
    expect(policy.lists.windowMax).toBe(402);
  });

  test('keep one line in the smallest window, and leave main one of a hundred', () => {
    expect(new WTinyLfuPolicy({ capacity: 1, seed: 1 }).lists.windowMax).toBe(1);
    expect(new WTinyLfuPolicy({ capacity: 4, seed: 1 }).lists.windowMax).toBe(1);
  });

  test('of ghosts are a tenth of the capacity for each kind, and hold after a shrink', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    for (let key = 0; key < 5000; key++) use(policy, key);
    expect(policy.lists.refusedGhosts).toBe(100);
    policy.setCapacity(200);
    expect(policy.lists.refusedGhosts).toBe(20);
    const small = new WTinyLfuPolicy({ capacity: 3, seed: 1 });
    for (let key = 0; key < 50; key++) use(small, key);
    expect(small.lists.refusedGhosts).toBe(1);
  });

  test('of entries leave room for a burst, and no more', () => {
    const policy = new WTinyLfuPolicy({ capacity: 10, maxParked: 5, seed: 1 });
    let inserted = 0;
    expect(() => {
      for (; inserted < 1000; inserted++) policy.insert(inserted);
    }).toThrow('evict first');
    expect(inserted).toBe(10 + 5 + 2 + 64);
    expect(policy.entriesMax).toBe(inserted + 8);
  });

  test('of protected are four fifths of main', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    missRatio(policy, loop(1000, 20));
    const { windowMax, protected: kept } = policy.lists;
    expect(kept).toBe(Math.floor((1000 - windowMax) * 0.8));
  });
});

describe('the border between window and main', () => {
  test('moves lines at once when the window shrinks', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    for (let key = 0; key < 1000; key++) use(policy, key);
    policy.forget(policy.find(0), true);
    use(policy, 0);
    expect(policy.lists).toMatchObject({ windowMax: 99, window: 99 });
  });

  test('moves by as much as the ghosts of the other kind are more, and by sixteen lines at most', () => {
    const grownBy = (refused: number, main: number) => {
      const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
      for (let key = 0; key < 1000; key++) use(policy, key);
      // Lines of main that are dropped as ghosts, and lines of the window.
      for (let key = 0; key < main; key++) policy.forget(policy.find(key), true);
      for (let key = 999; key > 999 - refused; key--) policy.forget(policy.find(key), true);
      expect(policy.lists).toMatchObject({ refusedGhosts: refused, mainGhosts: main });
      const before = policy.lists.windowMax;
      policy.insert(999);
      const grown = policy.lists.windowMax - before;
      policy.insert(0);
      return [grown, policy.lists.windowMax - before - grown];
    };
    // The ghost that is hit no longer counts.
    expect(grownBy(11, 40)).toEqual([4, -1]);
    expect(grownBy(3, 80)).toEqual([16, -1]);
    expect(grownBy(40, 11)).toEqual([1, -4]);
    expect(grownBy(90, 3)).toEqual([1, -16]);
  });
});

test('its size is that of its tables', () => {
  const policy = new WTinyLfuPolicy({ capacity: 1000, maxParked: 50, seed: 1 });
  const lines = new LineTable(policy.entriesMax - 8, 1).byteLength;
  expect(policy.byteLength).toBe(lines + new FrequencySketch(1000).byteLength + new LruShadow(1000, 1).byteLength);
});

describe('at the door of main', () => {
  /** A full cache of lines used once, and a line of the window that was used a few times more. */
  function withPopular(times: number) {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    for (let key = 0; key < 100; key++) use(policy, key);
    use(policy, 500);
    for (let time = 0; time < times; time++) {
      // Far enough apart to count.
      for (let i = 0; i < 7; i++) use(policy, 1000 + 10 * time + i);
      use(policy, 500);
    }
    for (let key = 2000; key < 2030; key++) use(policy, key);
    return policy;
  }

  test('a line that was used more often than the next to leave gets in, another does not', () => {
    expect(withPopular(2).find(500)).toBeGreaterThan(0);
    expect(withPopular(0).find(500)).toBe(-1);
  });

  test('one popular line that is next to leave does not speak for all of main', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    const popular = 9000;
    const fillers = Array.from({ length: 40 }, (_, i) => 8000 + i);
    for (const [i, key] of fillers.entries()) {
      if (i < 28 && i % 7 === 0) use(policy, popular);
      use(policy, key);
    }
    for (const key of fillers) policy.forget(policy.find(key), false);
    expect(policy.lists).toMatchObject({ window: 0, probation: 1 });
    for (let key = 0; key < 99; key++) use(policy, key);
    use(policy, 500);
    for (let i = 0; i < 7; i++) use(policy, 1000 + i);
    use(policy, 500);
    for (let key = 2000; key < 2030; key++) use(policy, key);
    expect([policy.find(popular) >= 0, policy.find(500) >= 0]).toEqual([true, true]);
  });

  test('what was brought in ahead stays until it is used, whatever else is', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    for (let round = 0; round < 4; round++) for (let key = 0; key < 100; key++) use(policy, key);
    for (let key = 500; key < 530; key++) readAhead(policy, key);
    for (let key = 1000; key < 1300; key++) use(policy, key);
    for (let key = 500; key < 530; key++) expect(policy.find(key)).toBeGreaterThan(0);
    expect(policy.lists.ahead).toBe(30);
  });

  test('a scan that is read ahead of enters main no more than one that is not', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    for (let key = 0; key < 100; key++) use(policy, key);
    for (let key = 500; key < 900; key += 8) {
      for (let ahead = key; ahead < key + 8; ahead++) readAhead(policy, ahead);
      for (let now = key; now < key + 8; now++) use(policy, now);
    }
    // The window has a tenth of the lines, what is ahead has taken eight, and the sketch errs now and then.
    const stayed = Array.from({ length: 100 }, (_, key) => key).filter((key) => policy.find(key) >= 0);
    expect(stayed.length).toBeGreaterThanOrEqual(75);
  });

  test('of more than three tenths of the lines that were brought in ahead the oldest are evicted for lines used again', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    for (let round = 0; round < 4; round++) for (let key = 0; key < 100; key++) use(policy, key);
    for (let key = 500; key < 530; key++) readAhead(policy, key);
    expect(readAhead(policy, 530)).toEqual([500]);
    use(policy, 501);
    expect(readAhead(policy, 531)).not.toContain(502);
    expect(readAhead(policy, 532)).toEqual([502]);
  });

  test('what was brought in ahead stays where what else would leave was used no more than once', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    for (let key = 0; key < 100; key++) use(policy, key);
    for (let key = 500; key < 560; key++) readAhead(policy, key);
    expect(policy.lists.ahead).toBe(60);
  });

  test('what was brought in ahead has been used no more often than it was asked for', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 1 });
    for (let key = 0; key < 100; key++) use(policy, key);
    policy.insert(500, true);
    policy.forget(policy.victim(), true);
    use(policy, 500);
    for (let key = 2000; key < 2030; key++) use(policy, key);
    expect(policy.find(500)).toBe(-1);
  });
});

test('a parked line that comes back moves the border as its ghost would, unless it was never asked for', () => {
  for (const [quiet, moved] of [
    [false, 1],
    [true, 0],
  ] as const) {
    const policy = new WTinyLfuPolicy({ capacity: 1000, maxParked: 5, seed: 1 });
    for (let key = 0; key <= 1000; key++) policy.insert(key, quiet);
    const entry = policy.victim();
    expect(() => policy.park(policy.find(policy.keyOf(entry) === 999 ? 998 : 999))).toThrow('out of the lists');
    policy.park(entry);
    const before = policy.lists.windowMax;
    policy.touch(entry);
    expect(policy.lists.windowMax - before).toBe(moved);
  }
});

describe('what an earlier cache held', () => {
  /** A policy in use, and what it tells of each key, the hottest first. */
  function remembered() {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 1 });
    for (let round = 0; round < 12; round++) {
      for (let key = 0; key < 500; key++) if (key < 100 || round % 3 === 0) use(policy, key);
      missRatio(
        policy,
        Array.from({ length: 200 }, (_, i) => 10_000 + round * 200 + i),
      );
    }
    const list: { readonly key: number; readonly heat: number }[] = [];
    policy.entries((entry, key) => list.push({ key, heat: policy.heatOf(entry) }));
    return list.sort((a, b) => b.heat - a.heat);
  }

  const scanned = Array.from({ length: 10_000 }, (_, i) => 1_000_000 + i);

  test('is the hotter the more often it was used, and what came once is the coldest', () => {
    const heatOf = new Map(remembered().map(({ key, heat }) => [key, heat]));
    expect([heatOf.get(0), heatOf.get(99)]).toEqual([4, 4]);
    expect([heatOf.get(100), heatOf.get(499)]).toEqual([3, 3]);
    expect(heatOf.get(10_000 + 12 * 200 - 1)).toBe(1);
  });

  test('keeps its heat: a scan right after the restart leaves it where it is', () => {
    const policy = new WTinyLfuPolicy({ capacity: 1000, seed: 2 });
    const list = remembered();
    for (const { key, heat } of list) policy.insert(key, true, heat);
    for (const { key, heat } of list) expect(policy.heatOf(policy.find(key))).toBeGreaterThanOrEqual(heat);
    missRatio(policy, scanned);
    expect(held(policy, 0, 500)).toBeGreaterThan(495);
    // Without what is told of their heat the same lines go.
    const forgetful = new WTinyLfuPolicy({ capacity: 1000, seed: 2 });
    for (const { key } of list) forgetful.insert(key, true);
    missRatio(forgetful, scanned);
    expect(held(forgetful, 0, 500)).toBeLessThan(100);
  });

  test('leaves the coldest first, where hotter lines come', () => {
    const policy = new WTinyLfuPolicy({ capacity: 100, seed: 2 });
    for (let key = 0; key < 100; key++) policy.insert(key, true, key < 50 ? 3 : 2);
    for (let round = 0; round < 6; round++) for (let key = 200; key < 240; key++) use(policy, key);
    expect(held(policy, 200, 40)).toBeGreaterThan(30);
    expect(held(policy, 0, 50)).toBe(50);
  });

  test('counts as used when it is asked for, and is no ghost if it never was', () => {
    const policy = new WTinyLfuPolicy({ capacity: 10, seed: 2 });
    for (let key = 0; key < 10; key++) policy.insert(key, true, 2);
    expect(policy.lists).toMatchObject({ window: 0, refusedGhosts: 0, mainGhosts: 0 });
    for (let key = 20; key < 30; key++) for (let times = 0; times < 5; times++) use(policy, key);
    const { refusedGhosts, mainGhosts } = policy.lists;
    const left = 10 - held(policy, 0, 10);
    expect(left).toBeGreaterThan(0);
    expect(refusedGhosts + mainGhosts).toBeLessThanOrEqual(10 - held(policy, 20, 10));
  });
});
