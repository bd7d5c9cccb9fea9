import { errorOf } from '@blockyard/block/testing';
import { readInto } from '@blockyard/object-store';
import { describe, expect, test } from 'vitest';
import { connectObjectCache } from './index.js';
import { Disk } from './testing/disk.js';
import { bodyOf, close, fetchedBy, KIB, put, read, Scene, VOLUME } from './testing/scene.js';

/** Of the bytes that say where things are, every third; with BLOCKYARD_THOROUGH=1 each. */
const STRIDE = process.env.BLOCKYARD_THOROUGH === '1' ? 1 : 3;
const BODY = 9 * KIB;
const KEYS = Array.from({ length: 4 }, (_, i) => `a/log/${i}`);

/** A disk with two regions that have something, an index each, ghosts and superblocks. */
async function filled(): Promise<Scene> {
  const scene = new Scene(new Disk(320 * KIB, 512));
  const options = { maxPartBytes: 4 * KIB, maxRegionBytes: 32 * KIB };
  for (const key of KEYS) {
    const cache = await scene.open(options);
    await put(cache, key, bodyOf(key, BODY));
    await read(cache, key, 0, 100);
    await close(cache);
  }
  return scene;
}

/** Opens the disk and reads all that there is. Gives how many bytes of it were not fetched. */
async function readAll(scene: Scene): Promise<number> {
  const cache = await connectObjectCache({ store: scene.plain, medium: scene.disk.open(), scopes: [VOLUME] });
  await cache.idle();
  for (const key of KEYS) {
    // One record alone: with several, their versions are compared.
    const part = new Uint8Array(100);
    expect(await readInto(cache, key, [part], 0)).toEqual(await scene.plain.head(key));
    expect(Buffer.compare(part, bodyOf(key, BODY).subarray(0, 100)), key).toBe(0);
    const target = new Uint8Array(BODY);
    // The version too: a sink is told it.
    expect(await readInto(cache, key, [target], 0)).toEqual(await scene.plain.head(key));
    expect(Buffer.compare(target, bodyOf(key, BODY)), key).toBe(0);
  }
  const { hitBytes } = cache.snapshot();
  cache.close();
  await cache.ended;
  return hitBytes;
}

describe('A flipped byte', () => {
  test('anywhere on the medium never gives wrong bytes, and costs one range or one region at most', async () => {
    const scene = await filled();
    const sound = scene.disk.clone();
    expect(await readAll(scene)).toBe(KEYS.length * (BODY + 100));
    // Whatever is not zeroes, and a little around it.
    let flipped = 0;
    for (let at = 0; at < sound.bytes.byteLength; at++) {
      const isNear = sound.bytes.subarray(Math.max(0, at - 8), at + 8).some((byte) => byte !== 0);
      if (!isNear) continue;
      // Every byte of what says where things are (or every third); every seventh of what is only data.
      if (at % (at > 150 * KIB && !isMeta(sound, at) ? 7 : STRIDE) !== 0) continue;
      const damaged = new Scene(sound.clone());
      for (const [key, object] of scene.objects) damaged.objects.set(key, object);
      damaged.disk.bytes[at] = (sound.bytes[at] ?? 0) ^ (1 << (at % 8));
      const hitBytes = await readAll(damaged);
      expect(hitBytes, `byte ${at}`).toBeGreaterThanOrEqual((KEYS.length - 1) * (BODY + 100));
      flipped++;
    }
    expect(flipped).toBeGreaterThan(7000 / STRIDE);
  }, 240_000);

  test('in a superblock is mended from the other copy', async () => {
    const scene = await filled();
    const sound = scene.disk.clone();
    for (const at of [0, 30, 508, 65_536, 65_536 + 100]) {
      scene.disk.bytes[at] = 0xee;
      expect(await readAll(scene)).toBe(KEYS.length * (BODY + 100));
      expect(Buffer.compare(scene.disk.bytes.subarray(0, 512), sound.bytes.subarray(0, 512))).toBe(0);
      const second = [65_536, 65_536 + 512] as const;
      expect(Buffer.compare(scene.disk.bytes.subarray(...second), sound.bytes.subarray(...second))).toBe(0);
    }
  });

  test('in both superblocks makes the medium CORRUPT', async () => {
    const scene = await filled();
    scene.disk.bytes[100] = 0xee;
    scene.disk.bytes[65_536 + 100] = 0xee;
    expect(await errorOf(scene.open())).toMatchObject({ code: 'CORRUPT' });
  });
});

/** Whether a byte is of a head, an index, or anything before the regions. */
function isMeta({ bytes }: Disk, at: number): boolean {
  const unit = at - (at % 512);
  const text = Buffer.from(bytes.buffer, unit, 512).toString('latin1');
  return text.startsWith('blkypart') || text.includes('blkyridx');
}

test('What another medium has written fits nowhere, though it is of the same objects', async () => {
  const [one, other] = [await filled(), await filled()];
  const regions = 192 * KIB;
  one.disk.bytes.set(other.disk.bytes.subarray(regions), regions);
  const cache = await one.open();
  const readEach = async () => {
    for (const key of KEYS) await read(cache, key, 0, BODY);
  };
  expect(await fetchedBy(cache, readEach)).toMatchObject({ gets: KEYS.length });
  await close(cache);
});
