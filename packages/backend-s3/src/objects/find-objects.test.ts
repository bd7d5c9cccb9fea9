import type { Listed, ListOptions, ObjectVersion } from '@blockyard/object-store';
import { expect, test } from 'vitest';
import { Geometry } from '../layout/geometry.js';
import { dataKey, keysOf } from '../layout/keys.js';
import { DIFFERENT_MAX, findObjects } from './find-objects.js';
import { ObjectFormat } from './format.js';
import { KnownObjects } from './known-objects.js';

const keys = keysOf('volume');
const OBJECTS = 5000;
const [SECTOR, OBJECT_BYTES] = [512, 4096];
const geometry = new Geometry({ sectorSize: SECTOR, objectSizeBytes: OBJECT_BYTES, sizeSectors: OBJECTS * 8 });
const format = new ObjectFormat(4096);

/** A store whose listings do not show all there is, and show what is not there. */
class LyingStore {
  readonly objects = new Set<number>();
  /** What the listing with pages of that many keys has besides the objects, or has not. */
  readonly lies = new Map<number, (index: number) => boolean>();
  readonly log: string[] = [];
  /** Of every object. */
  sizeBytes = format.objectBytes(OBJECT_BYTES);

  async *list(_: string, { after = '', maxKeys = 1000 }: ListOptions = {}): AsyncGenerator<readonly Listed[], void> {
    const shows = this.lies.get(maxKeys) ?? ((index: number) => this.objects.has(index));
    const indices = Array.from({ length: OBJECTS + 10 }, (_, index) => index).filter(shows);
    const rest = [...indices.map((index) => dataKey(keys, index)), keys.root].filter((key) => key > after);
    for (let at = 0; at < rest.length; at += maxKeys) {
      this.log.push(`list ${maxKeys}`);
      yield rest
        .slice(at, at + maxKeys)
        .map((key) => ({ key, etag: `"${key}"`, sizeBytes: this.sizeBytes, modifiedMs: 0 }));
    }
  }

  async head(key: string): Promise<ObjectVersion | undefined> {
    this.log.push('head');
    const exists = this.objects.has(Number.parseInt(key.slice(-12), 16));
    return exists ? { etag: '"e"', sizeBytes: this.sizeBytes, stamp: undefined } : undefined;
  }

  urlOf(key: string): string {
    return `s3://bucket/${key}`;
  }
}

interface FindOptions {
  readonly again?: number | null;
  readonly acceptMissing?: boolean;
}

async function find(store: LyingStore, count: number | null, options: FindOptions = {}) {
  const known = new KnownObjects();
  const { again = count, acceptMissing = false } = options;
  const countAgain = async () => again;
  await findObjects({ store, keys, geometry, format, known, countAgain, acceptMissing }, count, 4);
  return known;
}

const storeOf = (...indices: number[]) => {
  const store = new LyingStore();
  for (const index of indices) store.objects.add(index);
  return store;
};
const existing = (known: KnownObjects) => [...known.existing(0, OBJECTS + 10)];

test('a listing with as many objects as were counted is believed', async () => {
  const store = storeOf(1, 2000, 4999);
  const known = await find(store, 3);
  expect(existing(known)).toEqual([1, 2000, 4999]);
  expect(known.count).toBe(3);
  expect(new Set(store.log)).toEqual(new Set(['list 1000']));
});

test('a listing that lacks objects which were counted is made again, and what it lacked is asked for', async () => {
  const store = storeOf(1, 2000, 4999);
  store.lies.set(1000, (index) => index === 1);
  expect(existing(await find(store, 3))).toEqual([1, 2000, 4999]);
  expect(store.log.filter((entry) => entry === 'head')).toHaveLength(2);
});

test('fewer objects than were counted are CORRUPT, with both numbers', async () => {
  await expect(find(storeOf(1, 2000), 3)).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringMatching(/volume\/data\/: 2 objects are there, and 3 were/),
  });
});

test('fewer objects than were counted are none too few where the count has changed meanwhile', async () => {
  expect(existing(await find(storeOf(1, 2000), 3, { again: null }))).toEqual([1, 2000]);
});

test('fewer objects than were counted are taken as they are where that is accepted, after a second listing', async () => {
  const store = storeOf(1, 2000);
  store.lies.set(1000, (index) => index === 1);
  const known = await find(store, 3, { acceptMissing: true });
  expect(existing(known)).toEqual([1, 2000]);
  expect(known.count).toBe(2);
});

test.each([1000, 750])(
  'where no one counted, what the listing of %i keys a page lacks is found by the other',
  async (page) => {
    const store = storeOf(1, 2000, 4999);
    store.lies.set(page, (index) => index === 2000);
    expect(existing(await find(store, null))).toEqual([1, 2000, 4999]);
    expect(store.log.filter((entry) => entry === 'head')).toHaveLength(2);
  },
);

test('where no one counted, an object that only one listing has and that does not exist is not believed', async () => {
  const store = storeOf(1, 2000);
  store.lies.set(750, (index) => [1, 2000, 3000].includes(index));
  expect(existing(await find(store, null))).toEqual([1, 2000]);
});

test('listings that have little to do with each other are CORRUPT, and nothing is asked for one by one', async () => {
  const store = storeOf(...Array.from({ length: DIFFERENT_MAX + 1 }, (_, index) => index));
  store.lies.set(750, () => false);
  await expect(find(store, null)).rejects.toMatchObject({
    code: 'CORRUPT',
    message: expect.stringContaining(`${DIFFERENT_MAX + 1} and 0 objects`),
  });
  expect(store.log).not.toContain('head');
});

test('of more objects than were counted, as many may turn out to be gone', async () => {
  const store = storeOf(1, 2000);
  store.lies.set(1000, (index) => [1, 2000, 3000].includes(index));
  const known = await find(store, 2);
  expect(known.mayExist(3000)).toBe(true);
  expect([1, 2000, 3000].map((index) => known.isDoubtful(index))).toEqual([true, true, true]);
  expect(known.count).toBe(null);
  known.confirm(1);
  expect(known.isDoubtful(1)).toBe(false);
  known.noticeMissing(3000);
  expect(known.mayExist(3000)).toBe(false);
  // That was all: whatever else is gone was there.
  expect(known.isDoubtful(2000)).toBe(false);
  expect(known.count).toBe(2);
});

test('objects of version 1 are told by their size, as far as that is possible', async () => {
  const store = storeOf(1);
  expect((await find(store, 1)).isV1(1)).toBe(false);
  store.sizeBytes = 16 + 3 * SECTOR;
  expect((await find(store, 1)).isV1(1)).toBe(true);
});
