import { BlockError, type Operation } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { newId, readInto } from '@blockyard/object-store';
import { describe, expect, test } from 'vitest';
import { type CachedObjectStore, connectObjectCache } from './index.js';
import { Disk } from './testing/disk.js';
import { bodyOf, close, fetchedBy, isRangeOf, KIB, put, read, Scene, VOLUME } from './testing/scene.js';

const BODY = 60 * KIB;
const nameOf = (i: number) => `a/log/${i}`;
const fail = (code: 'IO' | 'NO_SPACE') => () => Promise.reject(new BlockError(code, 'the disk was told to fail'));
const hang = () => new Promise<void>(() => {});

/** Reads through a cache, beside any idling: `isRight` tells whether the bytes are those of the object. */
async function isRight(cache: CachedObjectStore, key: string): Promise<boolean> {
  const target = new Uint8Array(BODY);
  await readInto(cache, key, [target], 0);
  return isRangeOf(key, BODY, target);
}

/** The same, over a medium that may hang: time goes on until the bytes are there. Gives the time that it took. */
async function waitFor<T>(
  clock: ManualClock,
  work: Promise<T>,
): Promise<{ readonly result: T; readonly tookMs: number }> {
  const start = clock.now();
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  for (let i = 0; i < 1000 && !isOver; i++) await clock.advanceAndSettle(isOver ? 0 : 10);
  return { result: await over, tookMs: clock.now() - start };
}

/** A life of a cache: it is opened, stores, reads, evicts and ends. Whatever the medium does, all goes well. */
async function live(scene: Scene, clock: ManualClock): Promise<number> {
  const options = { store: scene.plain, medium: scene.disk.open(), scopes: [VOLUME], clock, maxMediumWaitMs: 100 };
  const shape = { maxPartBytes: 16 * KIB, maxRegionBytes: 64 * KIB };
  const opened = await waitFor(clock, connectObjectCache({ ...options, ...shape }));
  const cache = opened.result;
  let longestMs = opened.tookMs;
  const timed = async <T>(work: Promise<T>) => {
    const { result, tookMs } = await waitFor(clock, work);
    longestMs = Math.max(longestMs, tookMs);
    return result;
  };
  for (let i = 0; i < 8; i++) {
    expect(await timed(cache.put(nameOf(i), bodyOf(nameOf(i), BODY), 'absent', newId()))).toMatchObject({
      kind: 'stored',
    });
    await clock.advanceAndSettle(0);
    expect(await timed(isRight(cache, nameOf(Math.floor(i / 2))))).toBe(true);
  }
  expect(await timed(cache.delete([{ key: nameOf(0) }]))).toEqual(['gone']);
  cache.close();
  await waitFor(clock, cache.ended);
  return longestMs;
}

describe('A medium that fails at one of its calls', () => {
  const ways: readonly (readonly [string, () => Promise<void>])[] = [
    ['EIO', fail('IO')],
    ['NO_SPACE', fail('NO_SPACE')],
    ['a hang', hang],
  ];

  test.each(ways)('whichever it is: %s reaches no caller, and none waits longer than the bound', async (_, fault) => {
    let failed = 0;
    for (let at = 0; failed === at && at < 1000; at++) {
      const scene = new Scene(new Disk(768 * KIB));
      // What is there already is read, too.
      await live(scene, new ManualClock());
      scene.objects.clear();
      let call = 0;
      scene.disk.onCall = () => {
        if (call++ !== at) return;
        failed++;
        return fault();
      };
      // Opening is up to three calls, one after the other; the last hangs.
      expect(await live(scene, new ManualClock())).toBeLessThanOrEqual(120);
    }
    expect(failed).toBeGreaterThan(20);
  });

  test.each(ways)('and from then on at each: %s reaches no caller', async (_, fault) => {
    for (let at = 0; at < 40; at += 3) {
      const scene = new Scene(new Disk(768 * KIB));
      let call = 0;
      scene.disk.onCall = () => (call++ >= at ? fault() : undefined);
      expect(await live(scene, new ManualClock())).toBeLessThanOrEqual(120);
    }
  });
});

describe('A medium that failed', () => {
  /** A cache with one object on its medium, on which `operation` then fails. */
  async function failing(operation: Operation, fault: () => Promise<void>) {
    const clock = new ManualClock();
    const errors: BlockError[] = [];
    const scene = new Scene();
    const cache = await scene.open({ clock, onError: (error) => errors.push(error) });
    for (let i = 0; i < 3; i++) await put(cache, nameOf(i), bodyOf(nameOf(i), BODY));
    scene.disk.onCall = (called) => (called === operation ? fault() : undefined);
    return { clock, errors, scene, cache };
  }

  test('is left out, tried again at growing intervals, and told once', async () => {
    const { clock, errors, scene, cache } = await failing('read', fail('IO'));
    expect(await isRight(cache, nameOf(0))).toBe(true);
    expect(cache.snapshot().medium).toMatchObject({ state: 'failed', error: { code: 'IO' }, nextProbeMs: 1000 });
    const tries: number[] = [];
    scene.disk.calls.length = 0;
    for (let ms = 0; ms < 40_000; ms += 100) {
      clock.advance(100);
      expect(await isRight(cache, nameOf(1))).toBe(true);
      await cache.idle();
      if (scene.disk.calls.length > tries.length) tries.push(clock.now());
    }
    expect(tries).toEqual([1000, 3000, 7000, 15_000, 31_000]);
    expect(errors).toHaveLength(1);
    await close(cache);
  });

  test('is used again when it has come back, with what is on it', async () => {
    const { clock, scene, cache } = await failing('read', fail('IO'));
    await isRight(cache, nameOf(0));
    scene.disk.onCall = () => {};
    clock.advance(1000);
    expect(await fetchedBy(cache, () => isRight(cache, nameOf(1)))).toMatchObject({ gets: 1 });
    await cache.idle();
    expect(await fetchedBy(cache, () => isRight(cache, nameOf(1)))).toMatchObject({ gets: 0 });
    expect(cache.snapshot().medium).toMatchObject({ state: 'good', error: undefined });
    await close(cache);
  });

  test('that is full is read as before, and written to again later', async () => {
    const { clock, scene, cache } = await failing('write', fail('NO_SPACE'));
    await put(cache, nameOf(5), bodyOf(nameOf(5), BODY));
    expect(cache.snapshot().medium).toMatchObject({ state: 'failed', error: { code: 'NO_SPACE' } });
    const written = scene.disk.calls.length;
    for (let i = 10; i < 20; i++) await put(cache, nameOf(i), bodyOf(nameOf(i), BODY));
    expect(scene.disk.calls).toHaveLength(written);
    expect(await fetchedBy(cache, () => isRight(cache, nameOf(1)))).toMatchObject({ gets: 0 });
    scene.disk.onCall = () => {};
    clock.advance(1000);
    await put(cache, nameOf(6), bodyOf(nameOf(6), BODY));
    expect(await fetchedBy(cache, () => isRight(cache, nameOf(6)))).toMatchObject({ gets: 0 });
    expect(cache.snapshot().medium.state).toBe('good');
    await close(cache);
  });

  test('with a sector that cannot be read is used for the rest', async () => {
    const { clock, scene, cache } = await failing('read', () => Promise.resolve());
    scene.disk.onCall = (operation, start) => (operation === 'read' && start > 200_000 ? fail('IO')() : undefined);
    for (let i = 0; i < 3; i++) expect(await isRight(cache, nameOf(i))).toBe(true);
    scene.disk.onCall = () => {};
    clock.advance(1000);
    await isRight(cache, nameOf(2));
    await cache.idle();
    const { ranges } = cache.snapshot();
    expect(ranges).toBeGreaterThan(0);
    await close(cache);
  });

  test('that hangs does not get one probe after the other', async () => {
    const { clock, scene, cache } = await failing('read', hang);
    await waitFor(clock, isRight(cache, nameOf(0)));
    scene.disk.calls.length = 0;
    for (let i = 0; i < 100; i++) {
      await clock.advanceAndSettle(60_000);
      expect(await isRight(cache, nameOf(1))).toBe(true);
    }
    // The read that hangs still does.
    expect(scene.disk.calls).toHaveLength(0);
    cache.close();
    await waitFor(clock, cache.ended);
  });

  test('before it could be opened is opened when it can be', async () => {
    const clock = new ManualClock();
    const scene = new Scene();
    scene.disk.onCall = fail('IO');
    const cache = await scene.open({ clock });
    await put(cache, nameOf(0), bodyOf(nameOf(0), BODY));
    expect(cache.snapshot().medium.state).toBe('failed');
    scene.disk.onCall = () => {};
    clock.advance(1000);
    await isRight(cache, nameOf(0));
    await cache.idle();
    expect(cache.snapshot().medium.state).toBe('good');
    await put(cache, nameOf(1), bodyOf(nameOf(1), BODY));
    expect(await fetchedBy(cache, () => read(cache, nameOf(1), 0, BODY))).toMatchObject({ gets: 0 });
    await close(cache);
  });

  test('and then has something else on it is left alone for good', async () => {
    const clock = new ManualClock();
    const scene = new Scene();
    const errors: BlockError[] = [];
    scene.disk.onCall = fail('IO');
    const cache = await scene.open({ clock, onError: (error) => errors.push(error) });
    scene.disk.onCall = () => {};
    scene.disk.bytes[5] = 1;
    clock.advance(1000);
    expect(await read(cache, nameOf(0), 0, 10)).toBeUndefined();
    expect(cache.snapshot().medium).toMatchObject({ state: 'refused', error: { code: 'ALREADY_EXISTS' } });
    expect(errors.map(({ code }) => code)).toEqual(['IO', 'ALREADY_EXISTS']);
    clock.advance(10_000_000);
    scene.disk.calls.length = 0;
    await put(cache, nameOf(1), bodyOf(nameOf(1), BODY));
    expect(scene.disk.calls).toHaveLength(0);
    await close(cache);
  });

  test('is told by a function that throws, and no one notices', async () => {
    const scene = new Scene();
    const cache = await scene.open({
      onError: () => {
        throw new Error('not my day');
      },
    });
    await put(cache, nameOf(0), bodyOf(nameOf(0), BODY));
    scene.disk.onCall = fail('IO');
    expect(await isRight(cache, nameOf(0))).toBe(true);
    await close(cache);
  });
});
