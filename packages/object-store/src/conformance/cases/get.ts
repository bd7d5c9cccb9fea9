import assert from 'node:assert/strict';
import { BlockError, byteLengthOf, isBlockError } from '@blockyard/block';
import { readInto, readWhole } from '../../read.js';
import { assertBytes, assertRejects, bytesOf, stored } from './expect.js';
import type { StoreCase } from './subject.js';

const LARGE_BYTES = (8 << 20) + 1;

export const getCases: readonly StoreCase[] = [
  {
    title: 'what is not there is not there, to GET and HEAD',
    run: async ({ store, key }) => {
      assert.equal(await store.head(key('a')), undefined);
      let isOpened = false;
      const open = () => {
        isOpened = true;
        return undefined;
      };
      assert.equal(await store.get(key('a'), { offset: 0, lengthBytes: 10 }, open), undefined);
      assert.equal(isOpened, false);
      assert.equal(await readWhole(store, key('a'), 10), undefined);
    },
  },
  {
    title: 'a range is that part of the object, wherever it lies, the very end included',
    run: async ({ store, key }) => {
      const body = bytesOf(10_000);
      await stored(store, key('a'), body);
      for (const [offset, lengthBytes] of [
        [0, 1],
        [0, 10_000],
        [1, 4096],
        [5000, 2500],
        [9999, 1],
        [9000, 1000],
      ] as const) {
        const target = new Uint8Array(lengthBytes);
        await readInto(store, key('a'), [target], offset);
        assertBytes(target, body.subarray(offset, offset + lengthBytes), `${lengthBytes} bytes from ${offset}`);
      }
    },
  },
  {
    title: 'a range goes into buffers one after the other, of whatever lengths',
    run: async ({ store, key }) => {
      await stored(store, key('a'), bytesOf(10_000));
      const target = [1, 0, 511, 4096, 3, 2000].map((length) => new Uint8Array(length).fill(0xee));
      await readInto(store, key('a'), target, 77);
      assertBytes(Buffer.concat(target), bytesOf(10_000).subarray(77, 77 + byteLengthOf(target)), 'buffers');
    },
  },
  {
    title: 'a range that goes past the end of the object is as much as there is, and no more',
    run: async ({ store, key }) => {
      await stored(store, key('a'), bytesOf(100));
      const target = new Uint8Array(50).fill(0xee);
      const version = await readInto(store, key('a'), [target], 80);
      assert.equal(typeof version === 'object' && version.sizeBytes, 100);
      assertBytes(target.subarray(0, 20), bytesOf(100).subarray(80), 'what there is');
      assertBytes(target.subarray(20), new Uint8Array(30), 'what lies past the end');
    },
  },
  {
    title: 'a range that begins at the end of the object, or after it, is beyond',
    run: async ({ store, key }) => {
      await stored(store, key('a'), bytesOf(100));
      for (const offset of [100, 101, 1e6]) {
        assert.equal(await readInto(store, key('a'), [new Uint8Array(1)], offset), 'beyond');
      }
    },
  },
  {
    title: 'an object may be empty: it is there, and every range is beyond',
    run: async ({ store, key }) => {
      const etag = await stored(store, key('a'), new Uint8Array(0), 'absent', 'empty');
      assert.deepEqual(await store.head(key('a')), { etag, sizeBytes: 0, stamp: 'empty' });
      assert.equal(await readInto(store, key('a'), [new Uint8Array(1)], 0), 'beyond');
      await assertRejects(readWhole(store, key('a'), 10), 'CORRUPT');
    },
  },
  {
    title: 'a small object is read as a whole, and one that is not small is CORRUPT',
    run: async ({ store, key }) => {
      await stored(store, key('a'), bytesOf(100));
      assertBytes((await readWhole(store, key('a'), 100))?.bytes ?? new Uint8Array(), bytesOf(100), 'all');
      await assertRejects(readWhole(store, key('a'), 99), 'CORRUPT');
    },
  },
  {
    title: 'an object of eight mebibytes and one byte is whole, and its tail is one range',
    run: async ({ store, keepsObjects, key }) => {
      const body = bytesOf(LARGE_BYTES);
      await stored(store, key('a'), body);
      const target = new Uint8Array(LARGE_BYTES);
      await readInto(store, key('a'), [target], 0);
      assertBytes(target, body, 'all');
      const before = store.traffic.requests.get;
      const tail = new Uint8Array(4097);
      await readInto(store, key('a'), [tail], LARGE_BYTES - 4097);
      assertBytes(tail, body.subarray(LARGE_BYTES - 4097), 'the tail');
      const requests = store.traffic.requests.get - before;
      assert.ok(requests === 1 || (keepsObjects && requests === 0), `${requests} GETs`);
    },
  },
  {
    title: 'the version is known before the bytes come, and they come in order and end once',
    run: async ({ store, key }) => {
      const etag = await stored(store, key('a'), bytesOf(300_000), 'absent', 'known');
      const events: string[] = [];
      let pushedBytes = 0;
      const found = await store.get(key('a'), { offset: 0, lengthBytes: 300_000 }, (version) => {
        assert.deepEqual(version, { etag, sizeBytes: 300_000, stamp: 'known' });
        events.push('open');
        return {
          push: (piece) => {
            assertBytes(piece, bytesOf(300_000).subarray(pushedBytes, pushedBytes + piece.byteLength), 'a piece');
            pushedBytes += piece.byteLength;
          },
          end: () => events.push('end'),
        };
      });
      assert.equal(pushedBytes, 300_000);
      assert.deepEqual(events, ['open', 'end']);
      assert.equal(typeof found === 'object' && found.etag, etag);
    },
  },
  {
    title: 'what a sink, or the one who chooses it, finds wrong is what the GET fails with',
    run: async ({ store, key }) => {
      await stored(store, key('a'), bytesOf(100));
      const wrong = new BlockError('CORRUPT', 'not what it must be');
      const fail = () => {
        throw wrong;
      };
      const whole = { offset: 0, lengthBytes: 100 };
      for (const open of [fail, () => ({ push: fail, end: () => {} })]) {
        await assert.rejects(store.get(key('a'), whole, open), (error) => {
          assert.ok(isBlockError(error, 'CORRUPT'));
          assert.match(error.message, /not what it must be/);
          return true;
        });
      }
    },
  },
  {
    title: 'a GET of an object that is being replaced gives bytes of one version',
    run: async ({ store, open, key }) => {
      const other = await open();
      const body = (version: number) => new Uint8Array(100_000).fill(version);
      let etag = await stored(store, key('a'), body(1));
      const replaceAll = async () => {
        for (let version = 2; version <= 20; version++) etag = await stored(store, key('a'), body(version), { etag });
      };
      const replacing = replaceAll();
      let isOver = false;
      replacing
        .finally(() => {
          isOver = true;
        })
        .catch(() => {});
      while (!isOver) {
        const target = new Uint8Array(100_000);
        const found = await readInto(other, key('a'), [target], 0);
        if (found === 'busy') continue;
        assert.equal(typeof found, 'object');
        assertBytes(target, body(target[0] ?? 0), 'one version');
      }
      await replacing;
    },
  },
];
