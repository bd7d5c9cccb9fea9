import assert from 'node:assert/strict';
import { isBlockError } from '@blockyard/block';
import { readInto } from '../../read.js';
import { assertRejects, bytesOf, keysIn, listed, stored } from './expect.js';
import type { StoreCase } from './subject.js';

export const handleCases: readonly StoreCase[] = [
  {
    title: 'a probe leaves nothing behind, and says that conditions hold',
    run: async (context) => {
      const { store, key } = context;
      let scratch = '';
      const abilities = await store.probe({
        scratchPrefix: key('probe-'),
        whileScratchExists: async (exists) => {
          scratch = exists;
          assert.ok(exists.startsWith(key('probe-')));
          assert.ok((await listed(store, key(''), { reaches: exists })).some((object) => object.key === exists));
        },
      });
      assert.notEqual(scratch, '');
      assert.equal(abilities.conditionalPuts, true);
      assert.equal(abilities.refusal, undefined);
      assert.deepEqual(await keysIn(context), []);
    },
  },
  {
    title: 'what goes over a handle is counted',
    run: async ({ store, keepsObjects, open, key }) => {
      const etag = await stored(store, key('a'), bytesOf(1000));
      await readInto(store, key('a'), [new Uint8Array(300)], 0);
      await store.head(key('a'));
      await listed(store, key('a'));
      await store.put(key('a'), bytesOf(500, 2), { etag }, 'again');
      await store.delete([{ key: key('a') }]);
      const { requests, uploadBytes, downloadBytes } = store.traffic;
      // A GET that was answered by what is kept is no request.
      const get = keepsObjects ? Math.min(requests.get, 1) : 1;
      assert.deepEqual(requests, { get, head: 1, put: 2, delete: 1, list: 1 });
      assert.equal(uploadBytes, 1500);
      assert.equal(downloadBytes, 300 * get);
      assert.deepEqual((await open()).traffic.requests, { get: 0, head: 0, put: 0, delete: 0, list: 0 });
    },
  },
  {
    title: 'the dates of a key that is watched are those of its answers',
    run: async ({ store, key }) => {
      const datesOfIt = () => store.dates.watched;
      assert.equal(datesOfIt(), undefined);
      store.dates.watch(key('a'));
      await stored(store, key('b'), bytesOf(1));
      assert.equal(datesOfIt(), undefined);
      await stored(store, key('a'), bytesOf(1));
      await store.head(key('a'));
      const [latestMs, watched] = [store.dates.latestMs, datesOfIt()];
      if (latestMs === undefined) return;
      assert.equal(watched?.answeredMs, latestMs);
      const storedMs = watched?.storedMs ?? latestMs;
      assert.ok(storedMs <= latestMs + 1000 && storedMs > latestMs - 600_000, `${storedMs} of ${latestMs}`);
    },
  },
  {
    title: 'an error names the object by its URL',
    run: async ({ store, key }) => {
      assert.ok(store.urlOf(key('a')).endsWith(key('a')));
      store.close();
      await assert.rejects(store.head(key('a')), (error) => {
        assert.ok(isBlockError(error));
        assert.ok(error.message.includes(store.urlOf(key('a'))), error.message);
        return true;
      });
    },
  },
  {
    title: 'a handle that was closed refuses everything, and another one goes on',
    run: async ({ store, open, key }) => {
      const other = await open();
      const etag = await stored(store, key('a'), bytesOf(10));
      store.close();
      await assertRejects(store.head(key('a')), 'DISCONNECTED');
      await assertRejects(readInto(store, key('a'), [new Uint8Array(1)], 0), 'DISCONNECTED');
      await assertRejects(listed(store, key('')), 'DISCONNECTED');
      await assertRejects(store.delete([{ key: key('a') }]), 'DISCONNECTED');
      const result = await store.put(key('a'), bytesOf(10, 2), { etag }, 'late');
      assert.equal(result.kind, 'failed');
      assert.equal(result.kind === 'failed' && result.late, false);
      assert.equal((await other.head(key('a')))?.etag, etag);
    },
  },
];
