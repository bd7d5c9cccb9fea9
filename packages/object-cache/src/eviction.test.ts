import { settled } from '@blockyard/block/testing';
import { readInto } from '@blockyard/object-store';
import { describe, expect, test } from 'vitest';
import { Disk } from './testing/disk.js';
import { bodyOf, close, fetchedBy, isRangeOf, KIB, MIB, put, read, Scene } from './testing/scene.js';

const BODY = 60 * KIB;
const nameOf = (i: number) => `a/log/${i}`;

describe('Full laps of the medium', () => {
  test('everything that is read is right, and about as much is kept as fits', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    const count = 300; // some 18 MiB over 4 MiB
    for (let i = 0; i < count; i++) {
      await put(cache, nameOf(i), bodyOf(nameOf(i), BODY));
      const earlier = (i * 7) % (i + 1);
      expect(isRangeOf(nameOf(earlier), BODY, await read(cache, nameOf(earlier), 100, 20_000), 100)).toBe(true);
    }
    const { evictedRegions, ranges, damagedRanges } = cache.snapshot();
    expect(evictedRegions).toBeGreaterThan(30);
    expect(damagedRanges).toBe(0);
    expect(ranges * 15 * KIB).toBeGreaterThan(2 * MIB);
    expect(ranges * 15 * KIB).toBeLessThan(4 * MIB);
    await close(cache);
  });

  test('what is used is carried on from lap to lap, and what is not goes', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    const hot = Array.from({ length: 5 }, (_, i) => nameOf(i));
    for (const key of hot) await put(cache, key, bodyOf(key, BODY));
    await put(cache, 'a/log/cold', bodyOf('a/log/cold', BODY));
    for (let i = 100; i < 400; i++) {
      await put(cache, nameOf(i), bodyOf(nameOf(i), BODY));
      if (i % 10 === 0) for (const key of hot) await read(cache, key, 0, BODY);
    }
    const askHot = async () => {
      for (const key of hot) expect(isRangeOf(key, BODY, await read(cache, key, 0, BODY))).toBe(true);
    };
    expect(await fetchedBy(cache, askHot)).toEqual({ gets: 0, bytes: 0 });
    expect(await fetchedBy(cache, () => read(cache, 'a/log/cold', 0, BODY))).toEqual({ gets: 1, bytes: BODY });
    expect(cache.snapshot().carriedBytes).toBeGreaterThan(5 * BODY);
    await close(cache);
  });

  test('a read that the medium answers only when its range is gone and something else is there gives the right bytes', async () => {
    const scene = new Scene();
    // A medium that lets calls that overlap pass one another.
    const cache = await scene.open({}, scene.disk.open({ atomicSectors: true }));
    // All records have one size, so that a lap later another one begins where this one did.
    const size = 16 * KIB;
    await put(cache, nameOf(0), bodyOf(nameOf(0), size));
    let answer = () => {};
    let isHeld = false;
    scene.disk.onCall = (operation) => {
      if (operation !== 'read' || isHeld) return;
      isHeld = true;
      return new Promise<void>((resolve) => (answer = resolve));
    };
    const bytes = new Uint8Array(10_000);
    const reading = readInto(cache, nameOf(0), [bytes], 100);
    for (let i = 0; !isHeld && i < 100; i++) await settled();
    expect(isHeld).toBe(true);
    for (let i = 1; i < 300; i++) await put(cache, nameOf(i), bodyOf(nameOf(i), size));
    expect(cache.snapshot().evictedRegions).toBeGreaterThan(0);
    answer();
    await reading;
    expect(isRangeOf(nameOf(0), size, bytes, 100)).toBe(true);
    await close(cache);
  });

  test('not more than half of a region is carried on, though all of it is used', async () => {
    const scene = new Scene();
    const cache = await scene.open();
    for (let i = 0; i < 200; i++) {
      await put(cache, nameOf(i), bodyOf(nameOf(i), BODY));
      for (let j = Math.max(0, i - 60); j <= i; j += 3) await read(cache, nameOf(j), 0, BODY);
    }
    const { carriedBytes, evictedRegions } = cache.snapshot();
    expect(carriedBytes).toBeGreaterThan(0);
    expect(carriedBytes).toBeLessThanOrEqual(evictedRegions * 128 * KIB);
    await close(cache);
  });

  test('the order of the regions goes on after restarts', async () => {
    const scene = new Scene(new Disk(2 * MIB, 512));
    for (let life = 0; life < 25; life++) {
      const cache = await scene.open();
      for (let i = 0; i < 5; i++) {
        const key = nameOf(5 * life + i);
        await put(cache, key, bodyOf(key, BODY));
        if (life > 0) {
          const before = nameOf(5 * life - 1);
          expect(await fetchedBy(cache, () => read(cache, before, 0, BODY))).toMatchObject({ gets: 0 });
        }
      }
      await close(cache);
    }
  });
});
