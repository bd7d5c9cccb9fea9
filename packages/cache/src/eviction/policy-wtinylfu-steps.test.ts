import { describe, expect, test } from 'vitest';
import { WTinyLfuPolicy } from './policy-wtinylfu.js';

/** Single steps of the policy, each seen in its lists. `policy-wtinylfu.test.ts` is about what comes of many. */
function policyOf(capacity: number): WTinyLfuPolicy {
  return new WTinyLfuPolicy({ capacity, seed: 1 });
}

/** As an earlier cache held them: the hotter ones are protected, as far as there is room. */
function remember(policy: WTinyLfuPolicy, first: number, count: number, heat = 2): void {
  for (let key = first; key < first + count; key++) policy.insert(key, true, heat);
}

/** Where a line is: a ghost of the window's is a refused one. The line is forgotten. */
function sideOf(policy: WTinyLfuPolicy, key: number): 'window' | 'main' {
  const before = policy.lists.refusedGhosts;
  policy.forget(policy.find(key), true);
  return policy.lists.refusedGhosts > before ? 'window' : 'main';
}

test('a key that is known is not inserted', () => {
  const policy = policyOf(10);
  policy.insert(1);
  expect(() => policy.insert(1)).toThrow('key 1 must not be known to be inserted');
});

describe('a remembered line', () => {
  test('has the heat that it had, and no more', () => {
    const policy = policyOf(100);
    for (const heat of [1, 2, 3, 4]) policy.insert(heat, true, heat);
    expect([1, 2, 3, 4].map((key) => policy.heatOf(policy.find(key)))).toEqual([1, 2, 3, 4]);
  });

  test('is protected as far as there is room for protected ones, then in probation, and the window gets none', () => {
    const policy = policyOf(10);
    remember(policy, 0, 9);
    expect(policy.lists).toMatchObject({ window: 0, probation: 2, protected: 7 });
  });

  test('moves time on as any that is inserted', () => {
    const policy = policyOf(10);
    const entry = policy.insert(500);
    remember(policy, 0, 4);
    // One use more than a quick repeat.
    policy.touch(entry);
    expect(policy.heatOf(entry)).toBe(2);
  });
});

describe('a use counts', () => {
  test.each([
    [10, 4],
    [200, 10],
  ])(
    'of %i lines, when as much has happened since the last as %i insertions, of which 16 hits are one',
    (capacity, n) => {
      const policy = policyOf(capacity);
      const other = policy.insert(0);
      const entry = policy.insert(1);
      for (let key = 2; key < n + 1; key++) policy.insert(key);
      for (let hits = 0; hits < 15; hits++) policy.touch(other);
      policy.touch(entry);
      expect(policy.heatOf(entry)).toBe(1);
      policy.touch(entry);
      expect(policy.heatOf(entry)).toBe(2);
    },
  );

  test('not twice in quick succession, but keeps a line of the window from leaving it', () => {
    const policy = policyOf(50);
    const windowMax = policy.lists.windowMax;
    expect(windowMax).toBe(5);
    for (let key = 0; key < windowMax; key++) policy.insert(key);
    policy.touch(policy.find(1));
    policy.insert(100);
    policy.insert(101);
    expect([0, 1, 2].map((key) => sideOf(policy, key))).toEqual(['main', 'window', 'main']);
  });
});

test('a use in quick succession leaves a line of main where it stands', () => {
  const policy = policyOf(10);
  remember(policy, 0, 10);
  expect(policy.lists).toMatchObject({ window: 0, probation: 3, protected: 7 });
  for (const key of [7, 8, 9, 7]) policy.touch(policy.find(key));
  expect(policy.keyOf(policy.victim())).toBe(7);
});

describe('to make room before an arrival', () => {
  /** A full cache whose window is at its bound. The window's lines are 91 to 99; next to leave it is 90, after those of main. */
  const full = () => {
    const policy = policyOf(100);
    for (let key = 0; key < 100; key++) policy.insert(key);
    expect(policy.lists).toMatchObject({ windowMax: 10, window: 10, probation: 90 });
    return policy;
  };

  test('the last of the window goes, where it was used no more often than the last of main', () => {
    const policy = full();
    expect(policy.keyOf(policy.victim())).toBe(90);
    expect(policy.lists).toMatchObject({ window: 9, probation: 90, parked: 1 });
  });

  test('the last of main goes, where that of the window was used more often, and that is then of main', () => {
    const policy = full();
    const entry = policy.find(90);
    policy.touch(entry);
    for (let key = 91; key < 100; key++) policy.touch(policy.find(key));
    expect(policy.keyOf(policy.victim())).toBe(0);
    expect(sideOf(policy, 90)).toBe('main');
  });

  test('the last of main goes, where the window has less than its share', () => {
    const policy = full();
    policy.forget(policy.find(95), false);
    policy.insert(500, true, 2);
    expect(policy.keyOf(policy.victim())).toBe(0);
  });
});

test('where all of main is pinned the last of the window goes, however small that is', () => {
  const policy = policyOf(100);
  remember(policy, 0, 95);
  for (let key = 0; key < 95; key++) policy.pin(policy.find(key));
  for (let key = 100; key < 105; key++) policy.insert(key);
  expect(policy.lists).toMatchObject({ windowMax: 10, window: 5 });
  expect(policy.keyOf(policy.victim())).toBe(100);
});

describe('to make room after arrivals', () => {
  test('the last of main goes as long as the window does not have more than its share', () => {
    const policy = policyOf(10);
    policy.insert(0);
    remember(policy, 100, 10);
    expect(policy.lists).toMatchObject({ windowMax: 1, window: 1, protected: 7, probation: 3 });
    expect(policy.keyOf(policy.victim())).toBe(109);
    expect(policy.lists.window).toBe(1);
  });

  test('the window gives up one line for each that it has too many, however many are too many in all', () => {
    const policy = policyOf(10);
    policy.insert(0);
    remember(policy, 100, 10);
    policy.insert(1);
    expect(policy.lists).toMatchObject({ window: 2, probation: 3 });
    // The line of the window was used once, and those of main are hotter. That which it met stands first from then on.
    expect(policy.keyOf(policy.victim())).toBe(0);
    expect(policy.keyOf(policy.victim())).toBe(108);
  });

  test('a line of the window that is the only one to leave was refused by no other', () => {
    const policy = policyOf(1);
    policy.insert(1);
    policy.insert(2);
    policy.forget(policy.victim(), true);
    expect(policy.lists).toMatchObject({ window: 1, refusedGhosts: 0, mainGhosts: 1 });
  });
});

describe('where no entry is free', () => {
  const ENTRIES = 20 + 2 * 2 + 64;

  /** Two ghosts of the one kind, one of the other, and all entries in use. */
  const crowded = (refused: number, main: number) => {
    const policy = policyOf(20);
    const [ofWindow, ofMain] = [
      Array.from({ length: refused }, (_, i) => 1000 + i),
      Array.from({ length: main }, (_, i) => 2000 + i),
    ];
    for (const key of ofMain) policy.forget(policy.insert(key, false, 2), true);
    for (const key of ofWindow) policy.forget(policy.insert(key), true);
    expect(policy.lists).toMatchObject({ refusedGhosts: refused, mainGhosts: main });
    for (let key = 0; key < ENTRIES - refused - main; key++) policy.insert(key);
    return policy;
  };

  test('the oldest ghost of the longer list goes, and of equals one that main gave up', () => {
    const left = (policy: WTinyLfuPolicy) => {
      policy.insert(5000);
      return [policy.lists.refusedGhosts, policy.lists.mainGhosts];
    };
    expect(left(crowded(2, 1))).toEqual([1, 1]);
    expect(left(crowded(1, 2))).toEqual([1, 1]);
    expect(left(crowded(2, 2))).toEqual([2, 1]);
    expect(left(crowded(1, 0))).toEqual([0, 0]);
  });

  test('and no ghost is left, none is inserted', () => {
    const policy = crowded(1, 0);
    policy.insert(5000);
    expect(() => policy.insert(5001)).toThrow('evict first');
  });
});

test('when protected lines have become too many, each that is promoted sends two of them back', () => {
  const policy = policyOf(100);
  for (let key = 0; key < 100; key++) policy.insert(key);
  for (let key = 0; key < 90; key++) policy.touch(policy.find(key));
  expect(policy.lists).toMatchObject({ protected: 72, probation: 18 });
  policy.setCapacity(50);
  const entry = policy.find(0);
  for (let key = 200; key < 210; key++) policy.insert(key);
  policy.touch(entry);
  expect(policy.lists.protected).toBe(71);
});

describe('when a line that main gave up is asked for, and the window is too large for the room that it is left', () => {
  test('sixteen lines of it go over to main at once, at most', () => {
    const policy = policyOf(1000);
    for (let key = 0; key < 1000; key++) policy.insert(key);
    for (let key = 100; key < 900; key++) policy.forget(policy.find(key), key === 899);
    policy.setCapacity(400);
    expect(policy.lists).toMatchObject({ windowMax: 40, window: 100, probation: 100, mainGhosts: 1 });
    policy.insert(899);
    // The line itself comes to the window, for which another one leaves.
    expect(policy.lists).toMatchObject({ windowMax: 39, window: 84, probation: 117 });
  });

  test('none goes that is to leave anyway', () => {
    const policy = policyOf(1000);
    for (let key = 0; key < 1000; key++) policy.insert(key);
    for (let key = 180; key < 980; key++) policy.forget(policy.find(key), key === 899);
    policy.setCapacity(150);
    expect(policy.lists).toMatchObject({ windowMax: 15, window: 20, probation: 180, mainGhosts: 1 });
    policy.insert(899);
    expect(policy.lists).toMatchObject({ windowMax: 14, window: 21, probation: 180 });
  });

  test('none goes while it is smaller', () => {
    const policy = policyOf(1000);
    for (let key = 0; key < 1000; key++) policy.insert(key);
    for (let key = 100; key < 990; key++) policy.forget(policy.find(key), key === 899);
    expect(policy.lists).toMatchObject({ windowMax: 100, window: 10, probation: 100, mainGhosts: 1 });
    policy.insert(899);
    expect(policy.lists).toMatchObject({ windowMax: 99, window: 11, probation: 100 });
  });
});

test.each([1, 0x9e3779b9])(
  'where all are hotter, of lines used six times one in about 128 gets in, seed %i',
  (seed) => {
    const [LINES, EACH] = [2000, 850];
    const [five, six] = [10_000, 20_000];
    const policy = new WTinyLfuPolicy({ capacity: LINES, seed });
    const eachOf = (first: number, visit: (key: number) => void) => {
      for (let key = first; key < first + EACH; key++) visit(key);
    };
    for (const first of [five, six]) eachOf(first, (key) => policy.insert(key));
    // Seventeen hundred hits from one use of a line to its next: no quick repeat.
    for (let uses = 2; uses <= 6; uses++) {
      eachOf(six, (key) => policy.touch(policy.find(key)));
      if (uses < 6) eachOf(five, (key) => policy.touch(policy.find(key)));
    }
    for (const first of [five, six]) eachOf(first, (key) => policy.forget(policy.find(key), false));
    remember(policy, 0, LINES - policy.lists.windowMax, 4);
    const admitted = (first: number) => {
      let count = 0;
      eachOf(first, (key) => {
        policy.insert(key, true, 1);
        if (policy.resident <= LINES) return;
        const entry = policy.victim();
        if (policy.keyOf(entry) < LINES) count++;
        policy.forget(entry, false);
      });
      return count;
    };
    expect(admitted(five)).toBe(0);
    const sixTimes = admitted(six);
    expect(sixTimes).toBeGreaterThan(0);
    expect(sixTimes).toBeLessThan(20);
  },
);

describe('a sketch that is full of what is no longer asked for', () => {
  const CAPACITY = 1000;
  const EPOCH = 250;

  /**
   * A full cache of which line 0 is the hottest, 1 is in main, and the last in the window, and what one epoch does to it: so many
   * misses of keys that it knows, and so many hits in main. All else are hits in the window.
   */
  const starving = (resident = CAPACITY) => {
    const policy = policyOf(CAPACITY);
    const known = Array.from({ length: 100 }, (_, i) => 100_000 + i);
    policy.insert(0, true, 4);
    policy.insert(1, true, 2);
    for (const key of known) policy.forget(policy.insert(key), false);
    for (let key = 2; key < resident; key++) policy.insert(key);
    // The first use of a prefetched line does not count as a hit of main.
    policy.touch(policy.find(1));
    const last = policy.find(resident - 1);
    const accesses = known.length + (resident - 2) + 1;
    for (let i = accesses; i % EPOCH !== 0; i++) policy.touch(last);
    let at = 0;
    const epoch = (misses: number, mainHits = 0) => {
      for (let i = 0; i < EPOCH - 1; i++) {
        if (i < misses) policy.forget(policy.insert(known[at++ % known.length] as number), false);
        else policy.touch(i < misses + mainHits ? policy.find(1) : last);
      }
      // What ends the epoch counts in the one that follows.
      policy.touch(last);
    };
    const heat = () => {
      // The halving comes with what is counted next.
      for (let key = 0; key < 30; key++) policy.forget(policy.insert(500_000 + key), false);
      return policy.heatOf(policy.find(0));
    };
    return { policy, epoch, heat };
  };

  test('is halved after two epochs of more than sixteen misses of known keys for each hit in main, and one', () => {
    const halves = (...epochs: readonly (readonly [misses: number, mainHits: number])[]) => {
      const { epoch, heat } = starving();
      for (const [misses, mainHits] of epochs) epoch(misses, mainHits);
      return heat() === 3;
    };
    expect(halves([17, 0], [17, 0])).toBe(true);
    expect(halves([17, 0])).toBe(false);
    expect(halves([17, 0], [16, 0])).toBe(false);
    expect(halves([33, 1], [33, 1])).toBe(true);
    expect(halves([33, 1], [32, 1])).toBe(false);
    expect(halves([17, 0], [0, 0], [17, 0])).toBe(false);
  });

  test('is left as it is while there is room', () => {
    const { epoch, heat } = starving(CAPACITY - 2);
    for (let i = 0; i < 2; i++) epoch(17);
    expect(heat()).toBe(4);
  });

  test('is halved as well where the room for the miss that ends the epoch was made already', () => {
    const { epoch, heat } = starving(CAPACITY - 1);
    for (let i = 0; i < 2; i++) epoch(17);
    expect(heat()).toBe(3);
  });

  test('does not make a protected line as cold as one that came once', () => {
    const { policy, epoch, heat } = starving();
    const entry = policy.find(1);
    for (let i = 0; i < 4; i++) epoch(17);
    heat();
    expect(policy.heatOf(entry)).toBe(2);
  });
});
