import assert from 'node:assert/strict';
import { bytesOf, keysIn, stored } from './expect.js';
import type { StoreCase } from './subject.js';

export const deleteCases: readonly StoreCase[] = [
  {
    title: 'what was deleted is gone for every handle, what was not there is gone too, and nothing else is',
    run: async (context) => {
      const { store, open, key } = context;
      const all = ['a', 'b', 'c', 'd'];
      for (const name of all) await stored(store, key(name), bytesOf(10));
      const results = await store.delete([{ key: key('a') }, { key: key('nothing') }, { key: key('c') }]);
      assert.deepEqual(results, ['gone', 'gone', 'gone']);
      assert.equal(await (await open()).head(key('a')), undefined);
      assert.deepEqual(await keysIn(context), ['b', 'd']);
    },
  },
  {
    title: 'what was deleted can be made again',
    run: async ({ store, key }) => {
      const etag = await stored(store, key('a'), bytesOf(10));
      await store.delete([{ key: key('a') }]);
      await stored(store, key('a'), bytesOf(20, 2), 'absent');
      assert.equal((await store.head(key('a')))?.sizeBytes, 20);
      assert.equal((await store.put(key('a'), bytesOf(5), { etag }, 'late')).kind, 'lost');
    },
  },
  {
    title: 'a delete of one version leaves another one, where the store can do that',
    run: async ({ store, key }) => {
      const { conditionalDeletes } = await store.probe({ scratchPrefix: key('probe-') });
      const first = await stored(store, key('a'), bytesOf(10));
      const second = await stored(store, key('a'), bytesOf(10, 2), { etag: first });
      const results = await store.delete([{ key: key('a'), etag: conditionalDeletes ? first : undefined }]);
      assert.deepEqual(results, [conditionalDeletes ? 'changed' : 'gone']);
      if (!conditionalDeletes) return;
      assert.equal((await store.head(key('a')))?.etag, second);
      assert.deepEqual(await store.delete([{ key: key('a'), etag: second }]), ['gone']);
      assert.equal(await store.head(key('a')), undefined);
    },
  },
  {
    title: 'many objects are deleted in one request, or as few as the store allows',
    run: async (context) => {
      const { store, key } = context;
      const all = Array.from({ length: 40 }, (_, number) => `many/${number}`);
      await Promise.all(all.map((name) => stored(store, key(name), bytesOf(1))));
      const results = await store.delete(all.map((name) => ({ key: key(name) })));
      assert.deepEqual(new Set(results), new Set(['gone']));
      assert.equal(results.length, 40);
      assert.deepEqual(await keysIn(context), []);
    },
  },
];
