import { crc32 } from 'node:zlib';
import { errorOf, ManualClock, settled } from '@blockyard/block/testing';
import { readInto } from '@blockyard/object-store';
import { describe, expect, test } from 'vitest';
import { connectObjectCache } from './index.js';
import { Disk } from './testing/disk.js';
import { bodyOf, close, fetchedBy, isRangeOf, KIB, MIB, put, read, Scene, VOLUME } from './testing/scene.js';

const KEY = 'a/log/1';

/** Stores objects through a cache, and closes it. */
async function fill(scene: Scene, count: number, options = {}): Promise<void> {
  const cache = await scene.open(options);
  for (let i = 0; i < count; i++) await put(cache, `a/log/${i}`, bodyOf(`a/log/${i}`, 40 * KIB));
  await close(cache);
}

describe('After a restart', () => {
  test.each([512, 4096, 65_536])('with sectors of %i bytes, everything is there that was', async (sectorSize) => {
    const scene = new Scene(new Disk(8 * MIB, sectorSize));
    await fill(scene, 30);
    const cache = await scene.open();
    const all = async () => {
      for (let i = 0; i < 30; i++) {
        expect(isRangeOf(`a/log/${i}`, 40 * KIB, await read(cache, `a/log/${i}`, 0, 40 * KIB))).toBe(true);
      }
    };
    expect(await fetchedBy(cache, all)).toEqual({ gets: 0, bytes: 0 });
    await close(cache);
  });

  test('what was asked for once before is kept when it is asked for once after', async () => {
    const scene = new Scene();
    await scene.store(KEY, 30 * KIB);
    const first = await scene.open();
    await read(first, KEY, 0, 30 * KIB);
    await close(first);
    const second = await scene.open();
    await read(second, KEY, 0, 30 * KIB);
    expect(await fetchedBy(second, () => read(second, KEY, 0, 30 * KIB))).toEqual({ gets: 0, bytes: 0 });
    await close(second);
  });

  test('it tells what it has of a range, and reads nothing for that', async () => {
    const scene = new Scene();
    await fill(scene, 2);
    const cache = await scene.open();
    await cache.idle();
    const { readCalls } = cache.snapshot().medium;
    expect(cache.has('a/log/1', { offset: 1000, lengthBytes: 10 * KIB })).toEqual([
      { offset: 1000, lengthBytes: 10 * KIB },
    ]);
    expect(cache.has('a/log/1', { offset: 0, lengthBytes: MIB })).toEqual([{ offset: 0, lengthBytes: 40 * KIB }]);
    expect(cache.has('a/log/7', { offset: 0, lengthBytes: KIB })).toEqual([]);
    await cache.delete([{ key: 'a/log/1' }]);
    expect(cache.has('a/log/1', { offset: 0, lengthBytes: KIB })).toEqual([]);
    expect(cache.snapshot().medium.readCalls).toBe(readCalls);
    await close(cache);
  });

  test('what was deleted in the region that was open is not found', async () => {
    const scene = new Scene();
    const first = await scene.open();
    await put(first, KEY, bodyOf(KEY, 30 * KIB));
    await put(first, 'a/log/2', bodyOf('a/log/2', 30 * KIB));
    await first.delete([{ key: KEY }]);
    await close(first);
    const second = await scene.open();
    expect(await read(second, KEY, 0, 100)).toBeUndefined();
    expect(await fetchedBy(second, () => read(second, 'a/log/2', 0, 30 * KIB))).toMatchObject({ gets: 0 });
    await close(second);
  });

  test('requests are answered before the medium has been read, and what it has then is not older than they are', async () => {
    const scene = new Scene();
    await fill(scene, 10);
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    scene.disk.onCall = (operation, start) => (operation === 'read' && start >= 2 * 65_536 ? held : undefined);
    const cache = await connectObjectCache({ store: scene.plain, medium: scene.disk.open(), scopes: [VOLUME] });
    expect(cache.snapshot().isLoading).toBe(true);
    const target = new Uint8Array(40 * KIB);
    await readInto(cache, 'a/log/3', [target], 0);
    expect(isRangeOf('a/log/3', 40 * KIB, target)).toBe(true);
    await cache.put('a/log/4', bodyOf('new', 40 * KIB), 'any', 'stamp');
    await cache.delete([{ key: 'a/log/5' }]);
    goOn();
    await cache.idle();
    expect(cache.snapshot().isLoading).toBe(false);
    expect(isRangeOf('new', 40 * KIB, await read(cache, 'a/log/4', 0, 40 * KIB))).toBe(true);
    expect(await read(cache, 'a/log/5', 0, 10)).toBeUndefined();
    expect(await fetchedBy(cache, () => read(cache, 'a/log/3', 0, 40 * KIB))).toMatchObject({ gets: 0 });
    await close(cache);
  });

  test('the medium is read later where that is wanted, and what comes before is answered by the store', async () => {
    const scene = new Scene();
    await fill(scene, 10);
    const clock = new ManualClock();
    const late = { store: scene.plain, medium: scene.disk.open(), scopes: [VOLUME], loadDelayMs: 100, clock };
    const cache = await connectObjectCache(late);
    await settled();
    const { readCalls } = cache.snapshot().medium;
    const target = new Uint8Array(40 * KIB);
    await readInto(cache, KEY, [target], 0);
    expect(isRangeOf(KEY, 40 * KIB, target)).toBe(true);
    expect(cache.snapshot()).toMatchObject({ isLoading: true, misses: 1, medium: { readCalls } });
    clock.advance(100);
    await cache.idle();
    expect(await fetchedBy(cache, () => read(cache, KEY, 0, 40 * KIB))).toMatchObject({ gets: 0 });
    await close(cache);
  });

  test('one that is closed before the medium is to be read leaves it as it was', async () => {
    const scene = new Scene();
    await fill(scene, 10);
    const clock = new ManualClock();
    const late = { store: scene.plain, medium: scene.disk.open(), scopes: [VOLUME], loadDelayMs: 100, clock };
    const cache = await connectObjectCache(late);
    await close(cache);
    expect(clock.dueMs).toEqual([]);
    const again = await scene.open();
    expect(await fetchedBy(again, () => read(again, KEY, 0, 40 * KIB))).toMatchObject({ gets: 0 });
    await close(again);
  });

  test('one that is closed before the medium was read ends', async () => {
    const scene = new Scene();
    await fill(scene, 10);
    const cache = await connectObjectCache({ store: scene.plain, medium: scene.disk.open(), scopes: [VOLUME] });
    await close(cache);
    expect(await errorOf(cache.head(KEY))).toMatchObject({ code: 'DISCONNECTED' });
  });
});

test('A region of so many small ranges that its index does not fit into the directory is found at its end', async () => {
  const scene = new Scene(new Disk(4 * MIB, 512));
  const first = await scene.open();
  for (let i = 0; i < 200; i++) await put(first, `a/log/${i}`, bodyOf(`a/log/${i}`, 300));
  await close(first);
  const second = await scene.open();
  expect(second.snapshot().ranges).toBe(200);
  const all = async () => {
    for (let i = 0; i < 200; i++) {
      expect(isRangeOf(`a/log/${i}`, 300, await read(second, `a/log/${i}`, 0, 300))).toBe(true);
    }
  };
  expect(await fetchedBy(second, all)).toEqual({ gets: 0, bytes: 0 });
  await close(second);
});

describe('Another user of the medium', () => {
  test('with other scopes finds nothing of the first, and the first finds what it left', async () => {
    const scene = new Scene();
    await fill(scene, 10);
    await scene.store('b/pack/0', 30 * KIB);
    const other = { prefix: 'b/pack/', id: 'volume-2' };
    const second = await scene.open({ scopes: [other] });
    for (let i = 0; i < 3; i++) {
      expect(isRangeOf('b/pack/0', 30 * KIB, await read(second, 'b/pack/0', 0, 30 * KIB))).toBe(true);
      expect(await fetchedBy(second, () => read(second, 'a/log/1', 0, 100))).toMatchObject({ gets: 1 });
    }
    await close(second);
    const third = await scene.open();
    expect(await fetchedBy(third, () => read(third, 'a/log/1', 0, 40 * KIB))).toMatchObject({ gets: 0 });
    await close(third);
  });

  test('a volume that was made again under the same prefix has another id, and never gets what the old one had', async () => {
    const scene = new Scene();
    await fill(scene, 10);
    for (let i = 0; i < 10; i++) {
      await scene.plain.put(`a/log/${i}`, bodyOf(`again ${i}`, 40 * KIB), 'any', `stamp ${i}`);
    }
    const cache = await scene.open({ scopes: [{ ...VOLUME, id: 'volume-2' }] });
    for (let i = 0; i < 10; i++) {
      expect(isRangeOf(`again ${i}`, 40 * KIB, await read(cache, `a/log/${i}`, 0, 40 * KIB))).toBe(true);
    }
    await close(cache);
  });

  test('the same volume under another prefix has what was kept', async () => {
    const scene = new Scene();
    await fill(scene, 3);
    for (let i = 0; i < 3; i++) await scene.store(`moved/log/${i}`, 40 * KIB);
    const cache = await scene.open({ scopes: [{ prefix: 'moved/log/', id: VOLUME.id }] });
    const ask = async () =>
      expect(isRangeOf('a/log/1', 40 * KIB, await read(cache, 'moved/log/1', 0, 40 * KIB))).toBe(true);
    expect(await fetchedBy(cache, ask)).toMatchObject({ gets: 0 });
    await close(cache);
  });

  test('a medium with something else on it is refused, wherever that is, and left as it is', async () => {
    for (const at of [0, 8, 65_536, 300_000, 4 * MIB - 1]) {
      const scene = new Scene();
      scene.disk.bytes[at] = 1;
      expect(await errorOf(scene.open())).toMatchObject({ code: 'ALREADY_EXISTS' });
      expect(scene.disk.moved('write')).toBe(0);
    }
  });

  test('a medium of a later version is UNSUPPORTED', async () => {
    const scene = new Scene();
    await fill(scene, 1);
    for (const at of [0, 65_536]) {
      const copy = Buffer.from(scene.disk.bytes.buffer, at, 512);
      copy.writeUInt32LE(2, 8);
      copy.writeUInt32LE(crc32(copy.subarray(0, 508)), 508);
    }
    expect(await errorOf(scene.open())).toMatchObject({ code: 'UNSUPPORTED' });
  });

  test('a medium that has grown is used as far as it goes, and one that has shrunk likewise', async () => {
    const scene = new Scene();
    await fill(scene, 10);
    for (const sizeBytes of [8 * MIB, 2 * MIB]) {
      const next = new Scene(new Disk(sizeBytes));
      next.disk.bytes.set(scene.disk.bytes.subarray(0, sizeBytes));
      for (const [key, object] of scene.objects) next.objects.set(key, object);
      const cache = await next.open();
      expect(await fetchedBy(cache, () => read(cache, 'a/log/1', 0, 40 * KIB))).toMatchObject({ gets: 0 });
      for (let i = 10; i < 300; i++) await put(cache, `a/log/${i}`, bodyOf(`a/log/${i}`, 40 * KIB));
      expect(isRangeOf('a/log/290', 40 * KIB, await read(cache, 'a/log/290', 0, 40 * KIB))).toBe(true);
      expect(cache.snapshot().capacityBytes).toBeGreaterThan(sizeBytes / 2);
      await close(cache);
    }
  });
});
