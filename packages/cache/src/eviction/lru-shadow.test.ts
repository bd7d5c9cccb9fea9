import { expect, test } from 'vitest';
import { LruShadow } from './lru-shadow.js';

/** Hashes of keys from 0, well spread. */
function hashOf(key: number): number {
  return Math.imul(key ^ (key >>> 16), 0x85ebca6b);
}

test('one key in sixteen is followed, and all of a small cache', () => {
  const shadow = new LruShadow(100_000, 1);
  let followed = 0;
  for (let key = 0; key < 16_000; key++) if (shadow.follows(hashOf(key))) followed++;
  expect(followed).toBeGreaterThan(900);
  expect(followed).toBeLessThan(1100);
  for (let key = 0; key < 100; key++) expect(new LruShadow(100, 1).follows(hashOf(key))).toBe(true);
});

/** Uses after which LRU was said to be ahead, of keys used twice at a distance of half the cache. */
function leads(uses: number, policyHits: (i: number) => boolean): number[] {
  const shadow = new LruShadow(100, 1);
  return Array.from({ length: uses }, (_, i) => i).filter((i) => {
    const key = i % 2 === 0 ? i : i - 51;
    return shadow.use(key, policyHits(i));
  });
}

test('LRU gets ahead when it keeps hitting where the policy misses', () => {
  expect(leads(300, () => false).length).toBeGreaterThanOrEqual(3);
});

test('LRU is not ahead of a policy that hits the same, or but little less', () => {
  expect(leads(100_000, (i) => i % 2 === 1)).toEqual([]);
  expect(leads(100_000, (i) => i % 2 === 1 && i % 1000 !== 1)).toEqual([]);
});

test('a policy that was ahead is given time, but not more than a cacheful of hits', () => {
  const first = leads(2000, (i) => i < 1000)[0] ?? 0;
  expect(first).toBeGreaterThan(1200);
  expect(first).toBeLessThan(1300);
});

test('its lines follow the capacity', () => {
  const shadow = new LruShadow(16_000, 1);
  const loop = (from: number) => {
    let ahead = 0;
    for (let i = 0; i < 15_000; i++) if (shadow.use(from + (i % 1500), false)) ahead++;
    return ahead;
  };
  expect(loop(0)).toBe(0);
  shadow.setCapacity(32_000);
  expect(loop(0)).toBeGreaterThan(0);
  shadow.setCapacity(16_000);
  expect(loop(5000)).toBe(0);
});

test('a sample is thinned when the capacity grows, and never thickened', () => {
  const shadow = new LruShadow(100, 1);
  shadow.setCapacity(1_000_000);
  expect(shadow.byteLength / 1_000_000).toBeLessThan(5);
  const hashes = Array.from({ length: 1600 }, (_, key) => hashOf(key));
  const followed = hashes.filter((hash) => shadow.follows(hash));
  expect(followed.length).toBeLessThan(200);
  shadow.setCapacity(100);
  expect(hashes.filter((hash) => shadow.follows(hash))).toEqual(followed);
});

/** Uses of one key that the policy misses, until LRU is said to be ahead. */
function usesToLead(shadow: LruShadow): number {
  for (let uses = 1; uses < 1000; uses++) if (shadow.use(1, false)) return uses;
  return -1;
}

test('a lead is a quarter of the lines in hits, sixteen at least, less half a hit in a hundred uses', () => {
  // The first use is a miss of both.
  expect(usesToLead(new LruShadow(4, 1))).toBe(1 + 17);
  expect(usesToLead(new LruShadow(100, 1))).toBe(1 + 26);
  expect(usesToLead(new LruShadow(120, 1))).toBe(1 + 31);
});

test('a lead counts once', () => {
  const shadow = new LruShadow(4, 1);
  usesToLead(shadow);
  expect(usesToLead(shadow)).toBe(17);
});

test('the policy is credited with no more hits than there are lines', () => {
  const shadow = new LruShadow(4, 1);
  for (let key = 100; key < 200; key++) expect(shadow.use(key, true)).toBe(false);
  expect(usesToLead(shadow)).toBe(1 + 21);
});

test('another capacity starts the comparison afresh', () => {
  const shadow = new LruShadow(4, 1);
  for (let uses = 0; uses < 15; uses++) shadow.use(1, false);
  shadow.setCapacity(8);
  expect(usesToLead(shadow)).toBe(17);
});

test.each([
  [128, 1],
  [255, 1],
  [256, 2],
  [511, 2],
  [512, 4],
  [2048, 16],
  [1_000_000, 16],
])('of %i lines one key in %i is followed', (capacity, oneIn) => {
  const shadow = new LruShadow(capacity, 1);
  let followed = 0;
  for (let key = 0; key < 8000; key++) if (shadow.follows(hashOf(key))) followed++;
  expect(followed / 8000).toBeGreaterThan(0.9 / oneIn);
  expect(followed / 8000).toBeLessThan(1.1 / oneIn);
});

test('fewer lines are kept at once when the capacity shrinks', () => {
  const shadow = new LruShadow(100, 1);
  for (let key = 0; key < 100; key++) shadow.use(key, false);
  shadow.setCapacity(10);
  // Of the hundred only the last ten are hits: they alone bring LRU ahead.
  let ahead = 0;
  for (let round = 0; round < 2; round++) for (let key = 90; key < 100; key++) if (shadow.use(key, false)) ahead++;
  expect(ahead).toBe(1);
  expect(new LruShadow(1, 1).byteLength).toBeGreaterThan(0);
});

test('a loop of one line more than there is room for never hits, and one that fits does', () => {
  const leadsOf = (lines: number) => {
    const shadow = new LruShadow(10, 1);
    return Array.from({ length: 500 }, (_, i) => shadow.use(i % lines, false)).some((ahead) => ahead);
  };
  expect([leadsOf(11), leadsOf(10)]).toEqual([false, true]);
});

test('a line that is used over and over takes the place of no other', () => {
  const shadow = new LruShadow(10, 1);
  for (let key = 0; key < 10; key++) shadow.use(key, false);
  for (let i = 0; i < 30; i++) shadow.use(0, true);
  const ahead = Array.from({ length: 18 }, (_, i) => shadow.use(1 + (i % 9), false));
  expect(ahead).toContain(true);
});
