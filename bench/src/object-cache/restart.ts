import type { Figure } from '../figures.js';
import { CacheScene, dropPageCache, GIB, KIB, MIB, readRange } from './scene.js';
import { BODY, OBJECT_BYTES } from './uniform-store.js';

const STAMP = 'one';

/** How soon a cache is ready that was full when it ended, and what it takes in memory. */
export async function restart(directory: string, sizeBytes: number, isCold: boolean): Promise<Figure[]> {
  const scene = new CacheScene(directory, 'restart');
  try {
    const last = await fill(scene, sizeBytes);
    if (isCold) await dropPageCache();
    return await measure(scene, sizeBytes, last);
  } finally {
    await scene.dispose();
  }
}

/** Fills the medium with objects. Of their data the last one's alone is there: it is what is read. */
async function fill(scene: CacheScene, sizeBytes: number): Promise<string> {
  const thin = await scene.open(sizeBytes, true);
  for (let object = 0; object < Math.floor(sizeBytes / OBJECT_BYTES) - 4; object++) {
    await thin.put(`log/${object}`, BODY, 'absent', STAMP);
    await thin.idle();
  }
  await scene.close(thin);
  const whole = await scene.open(sizeBytes);
  await whole.idle();
  await whole.put('log/last', BODY.subarray(0, MIB), 'absent', STAMP);
  await whole.idle();
  await scene.close(whole);
  return 'log/last';
}

async function measure(scene: CacheScene, sizeBytes: number, last: string): Promise<Figure[]> {
  const work = `restart, ${sizeBytes / GIB} GiB`;
  const start = performance.now();
  const cache = await scene.open(sizeBytes);
  const open = performance.now() - start;
  await readRange(cache, last, 0, 4 * KIB);
  const first = performance.now() - start;
  await cache.idle();
  const ready = performance.now() - start;
  await readRange(cache, last, 64 * KIB, 64 * KIB);
  const hit = performance.now() - start;
  const { hits, ranges, memoryBytes } = cache.snapshot();
  if (hits === 0) throw new Error('what is on the medium was not found');
  await scene.close(cache);
  return [
    { work, name: 'open', value: open, unit: 'ms' },
    { work, name: 'first read, by the store', value: first, unit: 'ms', atMost: 500 },
    { work, name: 'all indexes read', value: ready, unit: 'ms', atMost: 500 * Math.max(1, sizeBytes / (100 * GIB)) },
    { work, name: 'first read by the medium', value: hit, unit: 'ms', atMost: 1000 },
    { work, name: 'ranges', value: ranges, unit: '' },
    { work, name: 'memory per GiB', value: memoryBytes / KIB / (sizeBytes / GIB), unit: 'KiB' },
    { work, name: 'memory per range of 128 KiB', value: memoryBytes / ranges, unit: 'bytes', atMost: 16 },
  ];
}
