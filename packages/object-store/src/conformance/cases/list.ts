import assert from 'node:assert/strict';
import { compareKeys } from '../../keys.js';
import { assertRejects, bytesOf, keysIn, listed, stored } from './expect.js';
import type { StoreCase, StoreContext } from './subject.js';

const names = (count: number) =>
  Array.from({ length: count }, (_, number) => `n/${number.toString(16).padStart(4, '0')}`);

async function storeAll({ store, key }: StoreContext, all: readonly string[]): Promise<void> {
  await Promise.all(all.map((name, number) => stored(store, key(name), bytesOf(number))));
}

export const listCases: readonly StoreCase[] = [
  {
    title: 'a listing has every object once, with its size and ETag, and those of no other prefix',
    run: async (context) => {
      const { store, key } = context;
      await storeAll(context, [...names(12), 'm', 'n', 'o/0']);
      const found = await listed(store, key('n/'));
      assert.deepEqual(found.map((object) => object.key).sort(), names(12).map(key));
      for (const { key: name, etag, sizeBytes } of found) {
        const version = await store.head(name);
        assert.deepEqual({ etag, sizeBytes }, { etag: version?.etag, sizeBytes: version?.sizeBytes });
      }
    },
  },
  {
    title: 'a prefix need not end at a slash',
    run: async (context) => {
      await storeAll(context, ['log/1', 'log/12', 'log/2', 'logs/1', 'log']);
      const found = await listed(context.store, context.key('log/1'));
      assert.deepEqual(found.map(({ key }) => key).sort(), ['log/1', 'log/12'].map(context.key));
    },
  },
  {
    title: 'a listing of nothing is empty',
    run: async ({ store, key }) => {
      assert.deepEqual(await listed(store, key('none/')), []);
    },
  },
  {
    title: 'a listing in small pages has every object once, in any order or in theirs',
    run: async (context) => {
      const { store, key } = context;
      await storeAll(context, names(25));
      for (const inOrder of [false, true]) {
        const pages: number[] = [];
        const found: string[] = [];
        for await (const page of store.list(key('n/'), { inOrder, maxKeys: 10 })) {
          pages.push(page.length);
          found.push(...page.map((object) => object.key));
        }
        assert.ok(pages.every((length) => length <= 10));
        assert.deepEqual(inOrder ? found : [...found].sort(), names(25).map(key));
      }
    },
  },
  {
    title: 'a listing in order is that of the bytes in UTF-8, and can begin after a key',
    run: async (context) => {
      const { store, key } = context;
      const all = ['B', 'a', 'a/b', 'a-b', 'z', '~', 'é', '日', '\u{1f600}', '\uffee'].map((name) => `o/${name}`);
      await storeAll(context, all);
      const sorted = all.map(key).sort(compareKeys);
      const found = await listed(store, key('o/'), { inOrder: true });
      assert.deepEqual(
        found.map((object) => object.key),
        sorted,
      );
      const after = sorted[3] ?? '';
      const rest = await listed(store, key('o/'), { inOrder: true, after });
      assert.deepEqual(
        rest.map((object) => object.key),
        sorted.slice(4),
      );
      // One that is not there.
      const last = await listed(store, key('o/'), { inOrder: true, after: `${sorted.at(-2)}0` });
      assert.deepEqual(
        last.map((object) => object.key),
        sorted.slice(-1),
      );
    },
  },
  {
    title: 'a listing without a key that exists is CORRUPT, one with it is whole',
    run: async (context) => {
      const { store, key } = context;
      await storeAll(context, names(5));
      for (const inOrder of [false, true]) {
        await listed(store, key('n/'), { inOrder, reaches: key('n/0004'), maxKeys: 2 });
        await assertRejects(listed(store, key('n/'), { inOrder, reaches: key('n/0005'), maxKeys: 2 }), 'CORRUPT');
      }
    },
  },
  {
    title: 'a listing sees at once what was stored and deleted',
    run: async (context) => {
      const { store, key } = context;
      await storeAll(context, ['a', 'b']);
      assert.deepEqual(await keysIn(context), ['a', 'b']);
      await store.delete([{ key: key('a') }]);
      await stored(store, key('c'), bytesOf(1));
      assert.deepEqual(await keysIn(context), ['b', 'c']);
    },
  },
  {
    title: 'keys may have what file systems, XML and URLs have other uses for',
    run: async (context) => {
      const all = [
        'a b',
        'A B',
        'a',
        'a/b',
        'a@1',
        'a@1/b',
        'a+b',
        'a%20b',
        'a&b<c>"d\'',
        '.hidden',
        'ä/ö',
        'a.',
        'con',
        `long-${'x'.repeat(150)}`,
      ];
      await storeAll(context, all);
      assert.deepEqual(await keysIn(context), [...all].sort());
      for (const [number, name] of all.entries()) {
        assert.equal((await context.store.head(context.key(name)))?.sizeBytes, number, name);
      }
      assert.deepEqual(
        new Set(await context.store.delete(all.map((name) => ({ key: context.key(name) })))),
        new Set(['gone']),
      );
      assert.deepEqual(await keysIn(context), []);
    },
  },
];
