import assert from 'node:assert/strict';
import { newId } from '../../ids.js';
import { assertBytes, bodyOf, bytesOf, etagOf, stored } from './expect.js';
import type { StoreCase } from './subject.js';

/** Processes that want the same at the same time. */
const RACERS = 8;

export const putCases: readonly StoreCase[] = [
  {
    title: 'what was stored is there: bytes, size, stamp, and one ETag in all answers',
    run: async ({ store, key }) => {
      const etag = await stored(store, key('a'), bytesOf(1000), 'absent', 'a stamp / 1');
      const version = { etag, sizeBytes: 1000, stamp: 'a stamp / 1' };
      assert.deepEqual(await store.head(key('a')), version);
      const got = await store.get(key('a'), { offset: 0, lengthBytes: 1000 }, () => undefined);
      assert.deepEqual(got, version);
      assertBytes(await bodyOf(store, key('a')), bytesOf(1000), 'get');
    },
  },
  {
    title: 'what one handle has stored every other one sees at once',
    run: async ({ store, open, key }) => {
      const other = await open();
      const etag = await stored(store, key('a'), bytesOf(10));
      assert.equal((await other.head(key('a')))?.etag, etag);
      const next = await stored(other, key('a'), bytesOf(10, 2), { etag });
      assert.equal((await store.head(key('a')))?.etag, next);
    },
  },
  {
    title: 'an object that was stored does not change with the buffer that it was stored from',
    run: async ({ store, key }) => {
      const body = Buffer.from(bytesOf(5000));
      await stored(store, key('a'), body);
      body.fill(0);
      assertBytes(await bodyOf(store, key('a')), bytesOf(5000), 'get');
    },
  },
  {
    title: 'an object that must be absent and is not is not replaced, and the result says what is there',
    run: async ({ store, key }) => {
      const etag = await stored(store, key('a'), bytesOf(10), 'absent', 'first');
      const result = await store.put(key('a'), bytesOf(20, 2), 'absent', 'second');
      assert.deepEqual(result, { kind: 'lost', found: { etag, sizeBytes: 10, stamp: 'first' }, late: false });
      assertBytes(await bodyOf(store, key('a')), bytesOf(10), 'get');
    },
  },
  {
    title: 'an object is replaced if it is of the version that is named, and else it is not',
    run: async ({ store, key }) => {
      const first = await stored(store, key('a'), bytesOf(10));
      const second = await stored(store, key('a'), bytesOf(20, 2), { etag: first }, 'second');
      assert.notEqual(second, first);
      const result = await store.put(key('a'), bytesOf(30, 3), { etag: first }, 'third');
      assert.deepEqual(result, {
        kind: 'lost',
        found: { etag: second, sizeBytes: 20, stamp: 'second' },
        late: false,
      });
      assertBytes(await bodyOf(store, key('a')), bytesOf(20, 2), 'get');
    },
  },
  {
    title: 'an object that must be of a version and is absent is not made',
    run: async ({ store, key }) => {
      const etag = await stored(store, key('a'), bytesOf(10));
      assert.deepEqual(await store.delete([{ key: key('a') }]), ['gone']);
      const result = await store.put(key('a'), bytesOf(10, 2), { etag }, newId());
      assert.deepEqual(result, { kind: 'lost', found: undefined, late: false });
      assert.equal(await store.head(key('a')), undefined);
    },
  },
  {
    title: 'without a condition an object is made, and replaced',
    run: async ({ store, key }) => {
      await stored(store, key('a'), bytesOf(10), 'any');
      await stored(store, key('a'), bytesOf(20, 2), 'any');
      assertBytes(await bodyOf(store, key('a')), bytesOf(20, 2), 'get');
    },
  },
  {
    title: 'of many that make an object at once one does, and all others are told of that one',
    run: async ({ store, open, key }) => {
      const stores = [store, await open(), await open()];
      const results = await Promise.all(
        Array.from({ length: RACERS }, (_, number) =>
          (stores[number % stores.length] ?? store).put(key('a'), bytesOf(100, number), 'absent', `racer ${number}`),
        ),
      );
      const winners = results.flatMap((result, number) => (result.kind === 'stored' ? [number] : []));
      assert.equal(winners.length, 1);
      assertBytes(await bodyOf(store, key('a')), bytesOf(100, winners[0]), 'get');
      for (const result of results) {
        if (result.kind === 'lost') assert.equal(result.found?.stamp, `racer ${winners[0]}`);
        else assert.equal(result.kind, 'stored');
      }
    },
  },
  {
    title: 'of many that replace one version at once one does, round after round',
    run: async ({ store, open, key }) => {
      const stores = [store, await open(), await open()];
      let etag = await stored(store, key('a'), bytesOf(100));
      for (let round = 0; round < 5; round++) {
        const results = await Promise.all(
          Array.from({ length: RACERS }, (_, number) =>
            (stores[number % stores.length] ?? store).put(
              key('a'),
              bytesOf(100, number + round * RACERS + 2),
              { etag },
              `round ${round}, racer ${number}`,
            ),
          ),
        );
        const won = results.filter(({ kind }) => kind === 'stored');
        assert.equal(won.length, 1, `round ${round}`);
        assert.ok(results.every(({ kind }) => kind !== 'failed'));
        etag = etagOf(won[0] ?? results[0] ?? assert.fail());
        assert.equal((await store.head(key('a')))?.etag, etag);
      }
    },
  },
  {
    title: 'a PUT that is made again with its stamp, though it was carried out, is done: absent',
    run: async ({ store, open, key }) => {
      const etag = await stored(store, key('a'), bytesOf(10), 'absent', 'mine');
      const again = await (await open()).put(key('a'), bytesOf(10), 'absent', 'mine');
      assert.deepEqual(again, { kind: 'stored', etag, late: false });
    },
  },
  {
    title: 'a PUT that is made again with its stamp, though it was carried out, is done: a version',
    run: async ({ store, open, key }) => {
      const first = await stored(store, key('a'), bytesOf(10));
      const second = await stored(store, key('a'), bytesOf(10, 2), { etag: first }, 'mine');
      const again = await (await open()).put(key('a'), bytesOf(10, 2), { etag: first }, 'mine');
      assert.deepEqual(again, { kind: 'stored', etag: second, late: false });
    },
  },
  {
    title: 'a stamp may have every printable character, and be long',
    run: async ({ store, key }) => {
      const printable = Array.from({ length: 95 }, (_, code) => String.fromCharCode(32 + code)).join('');
      for (const [name, stamp] of Object.entries({ printable: `.${printable}.`, long: 'x'.repeat(1024), short: '0' })) {
        await stored(store, key(name), bytesOf(1), 'absent', stamp);
        assert.equal((await store.head(key(name)))?.stamp, stamp);
      }
    },
  },
];
