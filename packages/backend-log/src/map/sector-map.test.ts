import { describe, expect, test } from 'vitest';
import { LiveCounts, StoredRegions } from '../testing/map-model.js';
import { SectorMap, type SectorMapOptions } from './sector-map.js';

const SECTOR_SIZE = 4096;
const REGION_SECTORS = 2048;

function setUp(options: Partial<SectorMapOptions> = {}) {
  const stored = new StoredRegions();
  const live = new LiveCounts();
  const map = new SectorMap({
    sectorSize: SECTOR_SIZE,
    regionBytes: REGION_SECTORS * SECTOR_SIZE,
    maxBytes: 0,
    liveness: live,
    load: stored.load,
    hasStored: stored.hasStored,
    storedRegions: stored.storedRegions,
    ...options,
  });
  /** Stores all that has changed, and drops it. */
  const store = async () => {
    for (const region of map.changedRegions()) {
      stored.putDelta(region, (await map.encodeDelta(region)).payload);
      map.confirmChanges(region);
    }
    map.trim();
  };
  return { stored, live, map, store };
}

function run(start: number, count: number, object: number, slot: number) {
  return { start, count, object, slot };
}

const zeroes = (start: number, count: number) => run(start, count, 0, 0);

describe('lookup', () => {
  test('answers at once where nothing is stored, also for a whole volume', () => {
    const { map } = setUp();
    expect(map.lookup(5, 3)).toEqual([zeroes(5, 3)]);
    expect(map.lookup(0, 2 ** 41)).toEqual([zeroes(0, 2 ** 41)]);
    expect(map.lookup(7, 0)).toEqual([]);
    expect(map.byteLength).toBe(0);
  });

  test('joins runs and zeroes over the ends of leaves and regions', () => {
    const { map } = setUp();
    map.apply(run(1000, 3000, 2, 100));
    expect(map.lookup(500, 4000)).toEqual([zeroes(500, 500), run(1000, 3000, 2, 100), zeroes(4000, 500)]);
    map.apply(zeroes(1000, 3000));
    expect(map.lookup(500, 4000)).toEqual([zeroes(500, 4000)]);
  });

  test('never joins objects that differ only above 32 bits, and never wraps from the last slot to the next object', () => {
    const { map } = setUp();
    const apart = [run(0, 1, 2, 8), run(1, 1, 2 ** 32 + 2, 9), run(2, 1, 2, 2 ** 24 - 1), run(3, 1, 2 ** 32 + 2, 0)];
    for (const each of apart) map.apply(each);
    expect(map.lookup(0, 4)).toEqual(apart);
    // The same in a leaf that has a target for each sector.
    for (let i = 10; i < 1024; i++) map.apply(run(i, 1, 4, i * 2));
    expect(map.lookup(0, 4)).toEqual(apart);
  });

  test('gives the whole of a range of many stored regions, whatever there is room for', async () => {
    const { map, store } = setUp();
    const count = REGION_SECTORS * 9;
    map.apply(run(0, count, 2, 0));
    await store();
    expect(await map.lookup(100, count)).toEqual([run(100, count - 100, 2, 100), zeroes(count, 100)]);
    map.trim();
    expect(map.byteLength).toBe(0);
  });

  test('all who wait for a region share one load', async () => {
    const { map, stored, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    await store();
    stored.hold();
    const answers = [map.lookup(0, 1), map.lookup(5, 1), map.loadRange(0, 100), map.settlePending(1)];
    map.apply(run(3, 1, 4, 7));
    const settled = map.settlePending(1);
    stored.release();
    expect(await Promise.all(answers)).toMatchObject([[run(0, 1, 2, 0)], [run(5, 1, 2, 5)], {}, undefined]);
    await settled;
    expect(stored.loads).toBe(1);
  });

  test('a load that fails rejects all who wait, is tried again by the next, and loses no change', async () => {
    const { map, stored, live, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    await store();
    stored.hold();
    map.apply(run(3, 1, 4, 7));
    const waiting = [map.lookup(0, 1), map.loadRange(0, 1), map.settlePending(1)];
    map.apply(zeroes(5, 1));
    stored.failures = 1;
    stored.release();
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(map.pendingBytes).toBeGreaterThan(0);
    expect(live.counts).toEqual(new Map([[2, 10]]));

    expect(await map.lookup(0, 10)).toEqual([
      run(0, 3, 2, 0),
      run(3, 1, 4, 7),
      run(4, 1, 2, 4),
      zeroes(5, 1),
      run(6, 4, 2, 6),
    ]);
    expect(stored.loads).toBe(2);
    expect(map.pendingBytes).toBe(0);
    expect(live.counts).toEqual(
      new Map([
        [2, 8],
        [4, 1],
      ]),
    );
  });

  test('a load that fails leaves nothing in memory where nothing was pending', async () => {
    const { map, stored, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    await store();
    stored.failures = 1;
    await expect(map.lookup(0, 1)).rejects.toThrow('planted');
    expect(map.byteLength).toBe(0);
  });

  test('payloads that are not a region reject with CORRUPT, and keep what is pending', async () => {
    const { map, stored } = setUp();
    stored.putBase(0, Uint8Array.of(9));
    map.apply(run(3, 1, 4, 7));
    await expect(map.lookup(0, 1)).rejects.toMatchObject({ code: 'CORRUPT' });
    stored.putBase(0, Uint8Array.of(1, 0, 0x80, 0x10));
    expect(await map.lookup(3, 1)).toEqual([run(3, 1, 4, 7)]);
  });
});

describe('changes', () => {
  test('an object that is pointed to anew never has nothing meanwhile', () => {
    let live = 0;
    const seen = new Set<number>();
    const add = (sectors: number) => {
      live += sectors;
      seen.add(live);
    };
    const { map } = setUp({ liveness: { gained: (_, n) => add(n), dropped: (_, n) => add(-n) } });
    map.apply(run(0, 1000, 2, 0));
    map.apply(run(0, 1000, 2, 0));
    expect([...seen]).toEqual([1000, 2000]);
    expect(live).toBe(1000);
  });

  test('zeroes over zeroes change nothing', async () => {
    const { map, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    await store();
    map.apply(zeroes(REGION_SECTORS, REGION_SECTORS));
    expect([map.changedRegions(), map.byteLength]).toEqual([[], 0]);
    map.apply(run(0, 10, 2, 0));
    expect(map.changedRegions()).toEqual([0]);
  });

  test('zeroes where a leaf has zeroes change nothing, however the leaf is kept', async () => {
    const { map, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    for (let i = 0; i < 1000; i++) map.apply(run(1024 + i, 1, 2, i * 2));
    await store();
    const loaded = await map.loadRange(0, REGION_SECTORS);
    map.apply(zeroes(10, 1014));
    map.apply(zeroes(2024, 24));
    expect(map.changedRegions()).toEqual([]);
    map.apply(zeroes(2023, 24));
    expect(map.changedRegions()).toEqual([0]);
    loaded.release();
  });

  test('zeroes behind an object whose lower bits are 0 stay zeroes while they are pending', async () => {
    const { map, store } = setUp();
    map.apply(run(100, 1, 2, 0));
    await store();
    map.apply(run(0, 5, 2 ** 32, 0));
    map.apply(zeroes(5, 5));
    expect(await map.lookup(0, 100)).toEqual([run(0, 5, 2 ** 32, 0), zeroes(5, 95)]);
  });

  test('a discard of 2^53 bytes, and a truncation, ask for no more regions than there are', async () => {
    let asked = 0;
    const parts = setUp({
      hasStored: (region) => {
        asked++;
        return parts.stored.hasStored(region);
      },
    });
    const { map, store, live } = parts;
    const last = 2 ** 41 - 1;
    for (const sector of [0, 2 ** 30, last]) map.apply(run(sector, 1, 2, 0));
    await store();
    asked = 0;
    map.apply(zeroes(1, last));
    expect(asked).toBeLessThan(10);
    expect(map.changedRegions()).toHaveLength(3);
    map.truncate(0);
    await map.settlePending(2);
    expect(asked).toBeLessThan(20);
    expect(live.counts).toEqual(new Map());
    expect(map.lookup(0, 2 ** 41)).toEqual([zeroes(0, 2 ** 41)]);
  });

  test('those of a region that is not loaded take the room of one where they continue one another', async () => {
    const { map, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    await store();
    map.apply(run(0, 1, 4, 0));
    const one = map.pendingBytes;
    for (let i = 1; i < 500; i++) map.apply(run(i, 1, 4, i));
    for (let i = 500; i < 1000; i++) map.apply(zeroes(i, 1));
    expect(map.pendingBytes).toBe(one);
    for (let i = 0; i < 500; i++) map.apply(run(i * 2, 1, 4, 0));
    expect(map.pendingBytes).toBeGreaterThan(one);
    expect(map.pendingBytes).toBeLessThan(500 * 40);
    expect(map.changedBytes).toBe(map.byteLength);
  });

  test('those of a region that is not loaded are forgotten when all of it is changed', async () => {
    const { map, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    await store();
    for (let round = 0; round < 1000; round++) {
      map.apply(run(0, 2, 4, round));
      map.apply(zeroes(0, REGION_SECTORS));
    }
    expect(map.pendingBytes).toBeLessThan(100);
  });

  test('sectors are moved where they still point to the source, and only in regions that are loaded', async () => {
    const { map, store, live } = setUp();
    map.apply(run(2000, 100, 2, 50));
    map.apply(run(2050, 10, 4, 0));
    map.apply(run(2070, 1, 2, 50));
    await store();
    expect(() => map.move(2000, 100, { object: 2, slot: 50 }, { object: 3, slot: 0 })).toThrow('loaded');
    const loaded = await map.loadRange(2000, 100);
    expect(map.move(2000, 100, { object: 2, slot: 50 }, { object: 3, slot: 1000 })).toBe(89);
    loaded.release();
    expect(map.lookup(2000, 100)).toEqual([
      run(2000, 50, 3, 1000),
      run(2050, 10, 4, 0),
      run(2060, 10, 3, 1060),
      run(2070, 1, 2, 50),
      run(2071, 29, 3, 1071),
    ]);
    expect(live.counts).toEqual(
      new Map([
        [2, 1],
        [3, 89],
        [4, 10],
      ]),
    );
  });
});

describe('a checkpoint', () => {
  test('a region that was encoded stays in memory until it is known to be stored', async () => {
    const { map, stored } = setUp();
    map.apply(run(0, 10, 2, 0));
    const { payload } = await map.encodeDelta(0);
    map.trim();
    expect(map.lookup(0, 10)).toEqual([run(0, 10, 2, 0)]);
    expect(map.changedBytes).toBe(map.byteLength);
    stored.putDelta(0, payload);
    map.confirmChanges(0);
    expect(map.changedBytes).toBe(0);
    map.trim();
    expect(map.byteLength).toBe(0);
    expect(await map.lookup(0, 10)).toEqual([run(0, 10, 2, 0)]);
  });

  test('the changes of one that failed are in the next, beside those since', async () => {
    const { map, stored } = setUp();
    map.apply(run(0, 10, 2, 0));
    const { marks } = await map.encodeDelta(0);
    map.apply(run(1500, 10, 4, 0));
    map.restoreChanges(0, marks);
    stored.putDelta(0, (await map.encodeDelta(0)).payload);
    map.confirmChanges(0);
    map.trim();
    expect(await map.lookup(0, 1510)).toEqual([run(0, 10, 2, 0), zeroes(10, 1490), run(1500, 10, 4, 0)]);
  });

  test('a change during one is in the next', async () => {
    const { map, stored, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    const { payload } = await map.encodeDelta(0);
    map.apply(run(5, 1, 4, 0));
    stored.putDelta(0, payload);
    map.confirmChanges(0);
    map.trim();
    expect(map.changedRegions()).toEqual([0]);
    await store();
    expect(await map.lookup(5, 1)).toEqual([run(5, 1, 4, 0)]);
  });

  test('a region of zeroes has no base', async () => {
    const { map } = setUp();
    map.apply(run(0, 10, 2, 0));
    map.apply(zeroes(0, 100));
    expect((await map.encodeBase(0)).payload).toBeUndefined();
  });

  test('a region with pending changes is one that has changed, and cannot be encoded before it is loaded', async () => {
    const { map, store } = setUp();
    map.apply(run(0, 10, 2, 0));
    await store();
    map.apply(run(5, 1, 4, 0));
    expect(map.changedRegions()).toEqual([0]);
    await expect(map.encodeDelta(0)).rejects.toThrow('pending');
    await map.settlePending(1);
    await map.encodeDelta(0);
    await expect(map.encodeDelta(0)).rejects.toThrow('again');
  });
});

describe('memory', () => {
  test('regions are dropped least recently used first, and no more than must be', async () => {
    const parts = setUp({ maxBytes: 2200 });
    const { map, stored, store } = parts;
    for (const region of [0, 1, 2]) map.apply(run(region * REGION_SECTORS, 10, 2, region * 10));
    expect(map.byteLength).toBeGreaterThan(2200 * 0.9);
    for (const region of [1, 0, 2]) await map.lookup(region * REGION_SECTORS, 1);
    map.trim();
    await store();
    map.lookup(0, 1);
    map.lookup(2 * REGION_SECTORS, 1);
    map.lookup(0, 1);
    // A fourth: the second goes, then the third.
    for (const [region, gone] of [
      [3, 1],
      [4, 2],
    ] as const) {
      map.apply(run(region * REGION_SECTORS, 10, 2, region * 10));
      await store();
      const loads = stored.loads;
      expect(map.lookup(0, 1)).toEqual([run(0, 1, 2, 0)]);
      expect(stored.loads).toBe(loads);
      const answer = map.lookup(gone * REGION_SECTORS, 1);
      expect(answer).toBeInstanceOf(Promise);
      await answer;
    }
  });

  test('a range stays in memory until it is released', async () => {
    const { map, stored, store } = setUp();
    map.apply(run(0, REGION_SECTORS * 2, 2, 0));
    await store();
    const first = await map.loadRange(10, REGION_SECTORS);
    const second = await map.loadRange(10, 1);
    first.release();
    map.trim();
    expect(map.lookup(10, 1)).toEqual([run(10, 1, 2, 10)]);
    second.release();
    map.trim();
    expect(map.byteLength).toBe(0);
    expect(stored.loads).toBe(2);
  });

  test('a range of which a region cannot be loaded keeps none of the others', async () => {
    const { map, stored, store } = setUp();
    map.apply(run(0, REGION_SECTORS * 2, 2, 0));
    await store();
    stored.failures = 1;
    await expect(map.loadRange(0, REGION_SECTORS * 2)).rejects.toThrow('planted');
    expect(map.byteLength).toBeGreaterThan(0);
    map.trim();
    expect(map.byteLength).toBe(0);
  });

  test('sequential data take tens of bytes a leaf, also when they come from the end', () => {
    const { map } = setUp({ regionBytes: undefined });
    const leaves = 64 * 16;
    const apply = (i: number) => map.apply(run(i * 8, 8, 2 + 2 * Math.floor(i / 256), (i % 256) * 8));
    for (let i = 0; i < leaves * 128; i++) apply(i);
    expect(map.byteLength).toBeLessThan(leaves * 48);
    map.truncate(0);
    for (let i = leaves * 128 - 1; i >= 0; i--) apply(i);
    expect(map.byteLength).toBeLessThan(leaves * 48);
  });

  test('single sectors far from one another take tens of bytes each', () => {
    const { map } = setUp({ regionBytes: undefined });
    const count = 100_000;
    let random = 1;
    for (let i = 0; i < count; i++) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      map.apply(run(random % (65536 * 128), 1, 2 + i * 2, i % 2048));
    }
    expect(map.byteLength).toBeLessThan(count * 24);
  });

  test('where every sector points elsewhere one takes little more than eight bytes', () => {
    const { map } = setUp({ regionBytes: undefined });
    for (let i = 0; i < 65536; i++) map.apply(run((i * 40503) % 65536, 1, 2 + (i % 3) * 2, i));
    expect(map.byteLength).toBeLessThan(65536 * 9.5);
  });

  test('it is given back when sectors are zeroed, and when what was written at random is written in order', async () => {
    const { map } = setUp();
    const scatter = () => {
      for (let i = 0; i < REGION_SECTORS; i++) map.apply(run((i * 1221) % REGION_SECTORS, 1, 2, i));
    };
    scatter();
    expect(map.byteLength).toBeGreaterThan(REGION_SECTORS * 8);
    for (let i = 0; i < REGION_SECTORS; i++) map.apply(zeroes(i, 1));
    expect(map.byteLength).toBeLessThan(1500);

    scatter();
    map.apply(run(0, REGION_SECTORS, 4, 0));
    expect(map.byteLength).toBeLessThan(1500);

    scatter();
    for (let i = 0; i < REGION_SECTORS; i += 64) map.apply(run(i, 64, 4, i));
    expect(map.byteLength).toBeGreaterThan(REGION_SECTORS * 8);
    await map.encodeDelta(0);
    expect(map.byteLength).toBeLessThan(1500);
    expect(map.lookup(0, REGION_SECTORS)).toEqual([run(0, REGION_SECTORS, 4, 0)]);
  });
});

test('the loaded runs of a range come in steps, each as the map is by then', () => {
  const { map } = setUp();
  map.apply(run(REGION_SECTORS - 4, 8, 2, 0));
  const steps = map.loadedRunsIn(REGION_SECTORS - 3, 6, 2);
  expect(steps.next().value).toEqual([run(REGION_SECTORS - 3, 2, 2, 1)]);
  map.apply(zeroes(REGION_SECTORS - 1, 1));
  expect(steps.next().value).toEqual([]);
  expect([...steps]).toEqual([[run(REGION_SECTORS, 2, 2, 4)], [run(REGION_SECTORS + 2, 1, 2, 6)]]);
});

test('the loaded runs are those of regions that are in memory', async () => {
  const { map, store } = setUp();
  map.apply(run(REGION_SECTORS * 5 - 5, 10, 2, 0));
  expect([...map.loadedRuns()]).toEqual([run(REGION_SECTORS * 5 - 5, 5, 2, 0), run(REGION_SECTORS * 5, 5, 2, 5)]);
  await store();
  expect([...map.loadedRuns()]).toEqual([]);
});

test('ranges and targets that no volume has break an invariant', () => {
  const { map } = setUp();
  expect(() => map.lookup(2 ** 41, 1)).toThrow('invariant');
  expect(() => map.apply(run(-1, 1, 2, 0))).toThrow('invariant');
  expect(() => map.apply(run(0, 2, 2, 2 ** 24 - 1))).toThrow('invariant');
  expect(() => map.apply(run(0, 1, 2 ** 40, 0))).toThrow('invariant');
  expect(() => map.apply(run(0, 1, 0, 1))).toThrow('invariant');
  expect(() => setUp({ regionBytes: 1000 })).toThrow('invariant');
});
