import { describe, expect, test } from 'vitest';
import { bodyOf, close, fetchedBy, isRangeOf, KIB, put, read, Scene } from './testing/scene.js';

const SIZE = 40 * KIB;

async function store(cache: Awaited<ReturnType<Scene['open']>>, key: string): Promise<void> {
  await put(cache, key, bodyOf(key, SIZE));
}

describe('An end that was prepared for', () => {
  test('writes nothing, and the next opening has what was kept before', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await store(cache, 'a/log/1');
    await cache.prepareToLeave();
    const { writtenBytes } = cache.snapshot().medium;
    await store(cache, 'a/log/2');
    await close(cache);
    expect(cache.snapshot().medium.writtenBytes).toBe(writtenBytes);
    const again = await scene.open();
    const both = async () => {
      for (const key of ['a/log/1', 'a/log/2']) {
        expect(isRangeOf(key, SIZE, await read(again, key, 0, SIZE))).toBe(true);
      }
    };
    expect(await fetchedBy(again, both)).toEqual({ gets: 1, bytes: SIZE });
    await close(again);
  });

  test('leaves nothing to be made durable at the end', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await store(cache, 'a/log/1');
    await cache.prepareToLeave();
    const operations = scene.disk.calls.map(({ operation }) => operation);
    expect(operations.lastIndexOf('flush')).toBeGreaterThan(operations.lastIndexOf('write'));
    await close(cache);
  });

  test('and does not come: what comes is kept again, and found by the next opening', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await store(cache, 'a/log/1');
    await cache.prepareToLeave();
    cache.stay();
    await store(cache, 'a/log/2');
    await close(cache);
    const again = await scene.open();
    const both = async () => {
      for (const key of ['a/log/1', 'a/log/2']) {
        expect(isRangeOf(key, SIZE, await read(again, key, 0, SIZE))).toBe(true);
      }
    };
    expect(await fetchedBy(again, both)).toEqual({ gets: 0, bytes: 0 });
    await close(again);
  });

  test('forgets what is deleted meanwhile', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    await store(cache, 'a/log/1');
    await cache.prepareToLeave();
    await cache.delete([{ key: 'a/log/1' }]);
    expect(await read(cache, 'a/log/1', 0, SIZE)).toBeUndefined();
    await close(cache);
  });
});
