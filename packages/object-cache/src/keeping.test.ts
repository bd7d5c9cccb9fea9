import { connectMemory } from '@blockyard/backend-memory';
import { errorOf, ManualClock, settled } from '@blockyard/block/testing';
import { MemoryStore, newId, readWhole } from '@blockyard/object-store';
import { FaultyStore } from '@blockyard/object-store/faults';
import { describe, expect, test } from 'vitest';
import { connectObjectCache } from './index.js';
import { Disk } from './testing/disk.js';
import { bodyOf, close, fetchedBy, isRangeOf, KIB, MIB, put, read, Scene, VOLUME } from './testing/scene.js';

const KEY = 'a/log/1';

describe('What is kept', () => {
  test('a range is kept the second time that it is asked for', async () => {
    const scene = new Scene();
    await scene.store(KEY, 64 * KIB);
    const cache = await scene.open();
    const ask = async () => expect(isRangeOf(KEY, 64 * KIB, await read(cache, KEY, 5000, 4112), 5000)).toBe(true);
    expect(await fetchedBy(cache, ask)).toEqual({ gets: 1, bytes: 4112 });
    expect(cache.snapshot().ranges).toBe(0);
    expect(await fetchedBy(cache, ask)).toEqual({ gets: 1, bytes: 4112 });
    expect(cache.snapshot().ranges).toBe(1);
    expect(await fetchedBy(cache, ask)).toEqual({ gets: 0, bytes: 0 });
    await close(cache);
  });

  test('a scan is not, however long it is, and in whatever pieces it reads', async () => {
    const scene = new Scene();
    await scene.store(KEY, 3 * MIB);
    const cache = await scene.open();
    const written = scene.disk.moved('write');
    for (const piece of [1000, 4112, 16 * KIB, 64 * KIB]) {
      const object = `a/log/in pieces of ${piece}`;
      await scene.store(object, MIB);
      for (let at = 0; at + piece <= MIB; at += piece) await read(cache, object, at, piece);
    }
    expect(cache.snapshot().ranges).toBe(0);
    expect(scene.disk.moved('write')).toBe(written);
    await close(cache);
  });

  test('what is stored through it is kept at once, as soon as the store has it', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await put(cache, KEY, bodyOf(KEY, 200 * KIB));
    const all = async () => expect(isRangeOf(KEY, 200 * KIB, await read(cache, KEY, 0, 200 * KIB))).toBe(true);
    expect(await fetchedBy(cache, all)).toEqual({ gets: 0, bytes: 0 });
    await close(cache);
  });

  test('a body that the store refused is not kept', async () => {
    const scene = new Scene();
    await scene.store(KEY, 10 * KIB);
    const cache = await scene.open();
    await put(cache, KEY, new Uint8Array(10 * KIB));
    expect(cache.snapshot().ranges).toBe(0);
    expect(await read(cache, KEY, 0, 10 * KIB)).toEqual(bodyOf(KEY, 10 * KIB));
    await close(cache);
  });

  test('only the keys of scopes are kept, and a root never is', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    const written = scene.disk.moved('write');
    for (const key of ['a/volume.json', 'a/logs', 'b/log/1']) {
      await put(cache, key, bodyOf(key, 30 * KIB));
      for (let i = 0; i < 3; i++) {
        const ask = () => read(cache, key, 0, 30 * KIB);
        expect(await fetchedBy(cache, ask)).toEqual({ gets: 1, bytes: 30 * KIB });
      }
    }
    expect(scene.disk.moved('write')).toBe(written);
    await close(cache);
  });

  test('an object whose ETag and stamp have no room in a head is not kept, and read as ever', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await cache.put(KEY, bodyOf(KEY, 1000), 'absent', 'x'.repeat(1000));
    await cache.idle();
    expect(cache.snapshot().ranges).toBe(0);
    expect(await readWhole(cache, KEY, 1000)).toMatchObject({ version: { stamp: 'x'.repeat(1000) } });
    await close(cache);
  });

  test('what is deleted is not found, also if it is on its way to the medium', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await put(cache, KEY, bodyOf(KEY, 100 * KIB));
    await cache.delete([{ key: KEY }]);
    expect(await read(cache, KEY, 0, 100)).toBeUndefined();
    expect(cache.snapshot().ranges).toBe(0);
    await cache.put('a/log/2', bodyOf('a/log/2', 100 * KIB), 'absent', newId());
    await cache.delete([{ key: 'a/log/2' }]);
    await cache.idle();
    expect(cache.snapshot().ranges).toBe(0);
    expect(await read(cache, 'a/log/2', 0, 100)).toBeUndefined();
    await close(cache);
  });

  test('what is deleted while it is fetched is not kept', async () => {
    const scene = new Scene();
    await scene.store(KEY, 30 * KIB);
    const store = new FaultyStore(scene.plain);
    const cache = await scene.open({ store });
    await read(cache, KEY, 0, 30 * KIB);
    // The bytes have come when the object is deleted, and the end of the answer comes after.
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const get = store.get.bind(store);
    store.get = async (...parameters) => {
      const result = await get(...parameters);
      await held;
      return result;
    };
    const reading = read(cache, KEY, 0, 30 * KIB);
    await settled();
    await cache.delete([{ key: KEY }]);
    answer();
    await reading;
    expect(cache.snapshot().ranges).toBe(0);
    expect(await read(cache, KEY, 0, 10)).toBeUndefined();
    await close(cache);
  });

  test('a key that is replaced all the same has its new bytes', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await put(cache, KEY, bodyOf('old', 50 * KIB));
    await cache.put(KEY, bodyOf('new', 40 * KIB), 'any', newId());
    expect(await read(cache, KEY, 0, 40 * KIB)).toEqual(bodyOf('new', 40 * KIB));
    await close(cache);
  });

  test('bytes of two versions never come together', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await scene.store(KEY, 64 * KIB);
    for (let i = 0; i < 2; i++) await read(cache, KEY, 0, 10 * KIB);
    await scene.plain.put(KEY, bodyOf('other', 64 * KIB), 'any', newId());
    expect(await read(cache, KEY, 0, 20 * KIB)).toEqual(bodyOf('other', 64 * KIB).slice(0, 20 * KIB));
    await close(cache);
  });
});

describe('What is fetched', () => {
  test('is what was asked for and is not there, in one request', async () => {
    const scene = new Scene();
    await scene.store(KEY, 100 * KIB);
    const cache = await scene.open();
    for (let i = 0; i < 2; i++) {
      await read(cache, KEY, 10_000, 5000);
      await read(cache, KEY, 50_000, 7000);
    }
    const ask = (offset: number, length: number) => async () =>
      expect(isRangeOf(KEY, 100 * KIB, await read(cache, KEY, offset, length), offset)).toBe(true);
    expect(await fetchedBy(cache, ask(10_000, 5000))).toEqual({ gets: 0, bytes: 0 });
    expect(await fetchedBy(cache, ask(11_000, 3000))).toEqual({ gets: 0, bytes: 0 });
    expect(await fetchedBy(cache, ask(9000, 6000))).toEqual({ gets: 1, bytes: 1000 });
    expect(await fetchedBy(cache, ask(12_000, 6000))).toEqual({ gets: 1, bytes: 3000 });
    expect(await fetchedBy(cache, ask(10_000, 47_000))).toEqual({ gets: 1, bytes: 35_000 });
    expect(await fetchedBy(cache, ask(0, 100 * KIB))).toEqual({ gets: 1, bytes: 100 * KIB });
    await close(cache);
  });

  test('fills up a part that is asked for again and again', async () => {
    const scene = new Scene();
    await scene.store(KEY, 16 * KIB);
    const cache = await scene.open();
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 16 * KIB; at += KIB) {
        const bytes = await read(cache, KEY, at, KIB);
        expect(bytes).toEqual(bodyOf(KEY, 16 * KIB).slice(at, at + KIB));
      }
    }
    const all = async () => expect(await read(cache, KEY, 0, 16 * KIB)).toEqual(bodyOf(KEY, 16 * KIB));
    expect(await fetchedBy(cache, all)).toEqual({ gets: 0, bytes: 0 });
    await close(cache);
  });

  test('a range past the end is known to be all there is', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await put(cache, KEY, bodyOf(KEY, 30_000));
    const whole = async () => expect((await readWhole(cache, KEY, 10 * MIB))?.bytes).toEqual(bodyOf(KEY, 30_000));
    expect(await fetchedBy(cache, whole)).toEqual({ gets: 0, bytes: 0 });
    await close(cache);
  });
});

describe('Reads of the medium', () => {
  test('a run of parts is one, of what was asked for and little more', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await put(cache, KEY, bodyOf(KEY, 160 * KIB));
    scene.disk.calls.length = 0;
    await read(cache, KEY, 3000, 130 * KIB);
    const reads = scene.disk.calls.filter(({ operation }) => operation === 'read');
    expect(reads).toHaveLength(1);
    expect(reads[0]?.sizeBytes).toBeLessThan(150 * KIB);
    await close(cache);
  });

  test('a sector of a large part costs its head and its block', async () => {
    const scene = new Scene(new Disk(16 * MIB));
    const cache = await scene.open({ maxPartBytes: 128 * KIB, maxRegionBytes: 2 * MIB });
    await put(cache, KEY, bodyOf(KEY, MIB));
    scene.disk.calls.length = 0;
    expect(await read(cache, KEY, 500_000, 4096)).toEqual(bodyOf(KEY, MIB).slice(500_000, 504_096));
    expect(scene.disk.calls.length).toBeLessThanOrEqual(2);
    expect(scene.disk.moved('read')).toBeLessThanOrEqual(24 * KIB);
    await close(cache);
  });
});

describe('Bounds', () => {
  test('no more is written in a day than is allowed, and the next day goes on', async () => {
    const clock = new ManualClock();
    const scene = new Scene();
    const cache = await scene.open({ clock, maxBytesPerDay: 100 * KIB });
    const written = scene.disk.moved('write');
    for (let i = 0; i < 20; i++) await put(cache, `a/log/${i}`, bodyOf(`${i}`, 16 * KIB));
    const first = cache.snapshot().ranges;
    expect(first).toBeGreaterThan(2);
    expect(scene.disk.moved('write') - written).toBeLessThanOrEqual(100 * KIB);
    clock.advance(86_400_000);
    for (let i = 20; i < 40; i++) await put(cache, `a/log/${i}`, bodyOf(`${i}`, 16 * KIB));
    expect(cache.snapshot().ranges).toBeGreaterThan(first + 2);
    await close(cache);
    expect(scene.disk.moved('write') - written).toBeLessThanOrEqual(200 * KIB);
  });

  test('what waits to be written has a bound, and what does not fit is not kept', async () => {
    const scene = new Scene();
    const cache = await scene.open({ maxUnwrittenBytes: 100 * KIB });
    await put(cache, KEY, bodyOf(KEY, 300 * KIB));
    expect(cache.snapshot().keptBytes).toBeGreaterThan(60 * KIB);
    expect(cache.snapshot().keptBytes).toBeLessThanOrEqual(100 * KIB);
    expect(isRangeOf(KEY, 300 * KIB, await read(cache, KEY, 0, 300 * KIB))).toBe(true);
    await close(cache);
  });
});

describe('What cannot be', () => {
  const refusalOf = async (options: object) => {
    const medium = await connectMemory({ sectorSize: 4096, sizeSectors: 1024 });
    const store = new MemoryStore();
    const error = await errorOf(connectObjectCache({ store, medium, scopes: [VOLUME], ...options }));
    return (error as { code?: string }).code;
  };

  test.each([
    ['an unknown option', { maxParts: 1 }],
    ['a part of no power of two', { maxPartBytes: 5000 }],
    ['a part that is too large', { maxPartBytes: 1 << 20 }],
    ['a region of no power of two', { maxRegionBytes: 3 << 20 }],
    ['a negative budget', { maxBytesPerDay: -1 }],
    ['no time', { maxMediumWaitMs: 0 }],
    ['no clock', { clock: {} }],
    ['no scopes', { scopes: undefined }],
    ['a scope without an id', { scopes: [{ prefix: 'a/', id: '' }] }],
    ['two scopes with one prefix', { scopes: [VOLUME, { ...VOLUME, id: 'other' }] }],
    ['no medium', { medium: undefined }],
  ])('%s is INVALID_ARGUMENT', async (_, options) => {
    expect(await refusalOf(options)).toBe('INVALID_ARGUMENT');
  });

  test('a medium that is too small is INVALID_ARGUMENT', async () => {
    for (const sizeSectors of [1, 16, 40, 100]) {
      const medium = await connectMemory({ sectorSize: 4096, sizeSectors });
      expect(await refusalOf({ medium })).toBe('INVALID_ARGUMENT');
    }
  });

  test('a rejected opening ends the store and the medium', async () => {
    const medium = await connectMemory({ sectorSize: 4096, sizeSectors: 1024 });
    const store = new MemoryStore();
    await errorOf(connectObjectCache({ store, medium, scopes: [VOLUME], maxPartBytes: 1 }));
    expect(await errorOf(store.head('a'))).toMatchObject({ code: 'DISCONNECTED' });
    expect(await errorOf(medium.flush())).toMatchObject({ code: 'DISCONNECTED' });
  });
});
