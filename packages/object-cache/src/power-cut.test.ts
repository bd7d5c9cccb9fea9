import type { BlockDevice } from '@blockyard/block';
import { crashStates, createRecording, type MediumEvent, openCrashState, replay } from '@blockyard/conformance/testing';
import { newId, readInto } from '@blockyard/object-store';
import { expect, test } from 'vitest';
import { type CachedObjectStore, connectObjectCache } from './index.js';
import { bodyOf, KIB, Scene, VOLUME } from './testing/scene.js';

/** Every third call of the medium, from one on that differs by sector size; with BLOCKYARD_THOROUGH=1 at each. */
const STRIDE = process.env.BLOCKYARD_THOROUGH === '1' ? 1 : 3;
const BODY = 10 * KIB;
const KEYS = Array.from({ length: 36 }, (_, i) => `a/log/${i}`);

async function open(scene: Scene, medium: BlockDevice): Promise<CachedObjectStore> {
  const options = { store: scene.plain, medium, scopes: [VOLUME], maxPartBytes: 4 * KIB, maxRegionBytes: 32 * KIB };
  const cache = await connectObjectCache(options);
  await cache.idle();
  return cache;
}

/** Reads everything that there is: it must be right. */
async function expectRight(scene: Scene, cache: CachedObjectStore): Promise<void> {
  for (const key of scene.objects.keys()) {
    const target = new Uint8Array(BODY);
    await readInto(cache, key, [target], 0);
    expect(Buffer.compare(target, bodyOf(key, BODY)), key).toBe(0);
  }
}

/** Fills the medium twice over, and restarts half-way. */
async function live(scene: Scene, recording: { readonly device: BlockDevice }): Promise<void> {
  const cache = await open(scene, recording.device);
  for (const key of KEYS) {
    await cache.put(key, bodyOf(key, BODY), 'absent', newId());
    await cache.idle();
    if (scene.objects.size % 3 === 0) await expectRight(scene, cache);
  }
  cache.close();
  await cache.ended;
}

test.each([512, 4096])(
  'A power cut at calls of the medium, sectors of %i bytes: what is read is right, before and after it is written to again',
  async (sectorSize) => {
    const shape = { sectorSize, sizeSectors: (448 * KIB) / sectorSize };
    const scene = new Scene();
    const recording = createRecording(shape);
    await live(scene, recording);
    const changes = recording.log.flatMap((event: MediumEvent, i) => (event.type === 'accepted' ? [] : [i]));
    const offset = (sectorSize / 512) % STRIDE;
    expect(changes.length).toBeGreaterThan(30);
    let states = 0;
    for (const at of changes.filter((_, i) => i % STRIDE === offset)) {
      const medium = replay(shape, recording.log, at + 1);
      for (const state of crashStates(medium, { maxStates: 6, seed: at })) {
        const left = openCrashState(state);
        const after = new Scene();
        for (const [key, object] of scene.objects) after.objects.set(key, object);
        const cache = await open(after, left.device);
        await expectRight(after, cache);
        const key = `a/log/after ${at}`;
        await cache.put(key, bodyOf(key, BODY), 'absent', newId());
        await expectRight(after, cache);
        cache.close();
        await cache.ended;
        states++;
      }
    }
    expect(states).toBeGreaterThan(150 / STRIDE);
  },
  240_000,
);
