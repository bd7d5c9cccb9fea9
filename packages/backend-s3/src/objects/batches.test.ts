import { BlockError } from '@blockyard/block';
import {
  type DeleteResult,
  type Deletion,
  type Listed,
  type ListOptions,
  MAX_BATCH_KEYS,
  type ObjectVersion,
} from '@blockyard/object-store';
import { expect, test } from 'vitest';
import { Geometry } from '../layout/geometry.js';
import { dataKey, keysOf } from '../layout/keys.js';
import { Deleter } from './deleter.js';
import { listObjects } from './listing.js';

const keys = keysOf('volume');

/** The listing and the deletes of a store, with objects by key. */
class FakeStore {
  readonly objects = new Map<string, string>();
  /** Objects that are there and that no listing has. */
  readonly unlisted = new Set<string>();
  /** What happened, in order. */
  readonly log: string[] = [];
  /** Deletes wait for this. */
  answer: Promise<void> = Promise.resolve();
  readonly batches: Deletion[][] = [];

  add(from: number, end: number): void {
    for (let index = from; index < end; index++) this.objects.set(dataKey(keys, index), `"${index}"`);
  }

  async *list(
    prefix: string,
    { after, reaches, maxKeys = 1000 }: ListOptions = {},
  ): AsyncGenerator<readonly Listed[], void> {
    const all = [...this.objects.keys(), keys.root].filter((key) => key.startsWith(prefix)).sort();
    expect(reaches, 'a listing that must reach the root').toBe(keys.root);
    let rest = all.filter((key) => key > (after ?? ''));
    while (rest.length > 0) {
      this.log.push(`list after ${after?.slice(keys.dataPrefix.length)}`);
      const page = rest.slice(0, maxKeys).filter((key) => !this.unlisted.has(key));
      yield page.map((key) => ({ key, etag: this.objects.get(key) ?? '', sizeBytes: 528, modifiedMs: 0 }));
      rest = rest.slice(maxKeys);
      after = page.at(-1);
    }
  }

  async head(key: string): Promise<ObjectVersion | undefined> {
    this.log.push(`head ${key.slice(keys.dataPrefix.length)}`);
    const etag = this.objects.get(key);
    return etag === undefined ? undefined : { etag, sizeBytes: 528, stamp: undefined };
  }

  async delete(batch: readonly Deletion[]): Promise<DeleteResult[]> {
    this.log.push(`delete ${batch.length}`);
    this.batches.push([...batch]);
    await this.answer;
    return batch.map(({ key, etag }) => {
      if (etag !== undefined && this.objects.has(key) && this.objects.get(key) !== etag) return 'changed';
      this.objects.delete(key);
      return 'gone';
    });
  }

  readonly root = {
    verify: async () => void this.log.push('verify'),
  };
}

const volumeOf = (objectCount: number) =>
  new Geometry({ sectorSize: 512, objectSizeBytes: 512, sizeSectors: objectCount });

async function listed(store: FakeStore, objectCount: number, maxConcurrency = 16): Promise<number[]> {
  const found: number[] = [];
  const split = { maxConcurrency, maxKeys: MAX_BATCH_KEYS };
  await listObjects(store, keys, volumeOf(objectCount), ({ index }) => found.push(index), split);
  return found.sort((a, b) => a - b);
}

const range = (from: number, end: number) => Array.from({ length: end - from }, (_, number) => from + number);

test('all objects are found, those past the end of the volume too, whatever else is there', async () => {
  const store = new FakeStore();
  store.add(0, 2500);
  store.add(4000, 5200);
  store.add(9000, 9003);
  store.objects.set('volume/data/000000000005.bak', '"x"');
  store.objects.set('volume/data/readme', '"x"');
  for (const objectCount of [0, 1, 3000, 5000, 8000, 2 ** 40]) {
    for (const maxConcurrency of [1, 3, 16]) {
      const found = await listed(store, objectCount, maxConcurrency);
      expect(found).toEqual([...range(0, 2500), ...range(4000, 5200), 9000, 9001, 9002]);
    }
  }
});

test('an empty volume of a thousand objects or fewer is one page, a large one a page for each range', async () => {
  const store = new FakeStore();
  await listed(store, 1000);
  expect(store.log).toHaveLength(1);
  store.log.length = 0;
  await listed(store, 2 ** 30);
  expect(store.log).toHaveLength(16);
});

test('2500 deletes are three batches, and the root is looked at before each', async () => {
  const store = new FakeStore();
  store.add(0, 2500);
  const deleter = new Deleter(store, keys, store.root, false);
  const outcomes = await Promise.all(range(0, 2500).map((index) => deleter.delete(index, `"${index}"`)));
  expect(new Set(outcomes)).toEqual(new Set(['gone']));
  expect(store.objects.size).toBe(0);
  expect(store.log.filter((entry) => entry !== 'verify')).toEqual(['delete 1000', 'delete 1000', 'delete 500']);
  expect(store.log.filter((entry) => entry === 'verify')).toHaveLength(3);
  expect(store.log.indexOf('verify')).toBe(0);
  expect(store.batches.flat().every(({ etag }) => etag === undefined)).toBe(true);
});

test('deletes that are wanted while one is under way wait for each other and go together', async () => {
  const store = new FakeStore();
  let answer = () => {};
  store.answer = new Promise((resolve) => {
    answer = resolve;
  });
  const deleter = new Deleter(store, keys, store.root, false);
  const first = deleter.delete(0, undefined);
  while (store.batches.length === 0) await new Promise(setImmediate);
  const later = range(1, 6).map((index) => deleter.delete(index, undefined));
  await new Promise(setImmediate);
  expect(store.batches).toHaveLength(1);
  answer();
  await Promise.all([first, ...later]);
  expect(store.batches.map(({ length }) => length)).toEqual([1, 5]);
});

test('where the store honours it every delete is of one version, learnt before the root was looked at', async () => {
  const store = new FakeStore();
  store.add(0, 1500);
  const deleter = new Deleter(store, keys, store.root, true);
  const outcomes = await Promise.all([
    ...range(0, 800).map((index) => deleter.delete(index, undefined)),
    deleter.delete(1200, '"1200"'),
    deleter.delete(1201, '"an older version"'),
    // Listed nowhere, so there is nothing to delete.
    deleter.delete(7000, undefined),
  ]);
  expect(outcomes.slice(-3)).toEqual(['gone', 'changed', 'gone']);
  expect(store.log).toEqual(['list after ', 'list after 000000001b57', 'head 000000001b58', 'verify', 'delete 802']);
  expect(store.batches.flat().every(({ etag }) => etag !== undefined)).toBe(true);
  expect(store.objects.size).toBe(1500 - 801);
});

test('an object that a listing does not have is asked for, and deleted if it is there', async () => {
  const store = new FakeStore();
  store.add(0, 5);
  store.unlisted.add(dataKey(keys, 2));
  const deleter = new Deleter(store, keys, store.root, true);
  const outcomes = await Promise.all(range(0, 6).map((index) => deleter.delete(index, undefined)));
  expect(new Set(outcomes)).toEqual(new Set(['gone']));
  expect(store.log).toEqual(['list after ', 'head 000000000002', 'head 000000000005', 'verify', 'delete 5']);
  expect(store.objects.size).toBe(0);
});

test('a writer that has been replaced deletes nothing', async () => {
  const store = new FakeStore();
  store.add(0, 3);
  const fenced = new BlockError('FENCED', 'fenced');
  const deleter = new Deleter(store, keys, { verify: () => Promise.reject(fenced) }, true);
  const outcomes = await Promise.allSettled(range(0, 3).map((index) => deleter.delete(index, undefined)));
  for (const outcome of outcomes) expect(outcome).toEqual({ status: 'rejected', reason: fenced });
  expect(store.objects.size).toBe(3);
});
