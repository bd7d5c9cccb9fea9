import { createDevice } from '@blockyard/block';
import { describe, expect, test } from 'vitest';
import { type CacheDevice, connectCache } from './connect.js';

describe('A loop of awaits lets timers in, of a cache', () => {
  /** More than any machine does in the milliseconds after which the event loop is due. */
  const OPERATIONS_MAX = 200_000;
  const bytes = new Uint8Array(4096);
  const loops: readonly [string, (cache: CacheDevice, n: number) => unknown][] = [
    ['read hits', (cache, n) => cache.read(n % 64, [bytes])],
    ['reads of known zeroes', (cache, n) => cache.read(300 + (n % 64), [bytes])],
    ['rewrites of a dirty line', (cache) => cache.write(100, [bytes])],
    ['writes', (cache, n) => cache.write(n % 64, [bytes])],
    ['discards', (cache) => cache.discard(300, 100)],
    ['extents', (cache) => cache.extents(0, 64)],
    ['flushes', (cache) => cache.flush()],
    ['prefetches of what is there', (cache) => cache.prefetch(0, 64)],
    ['prefetches of zeroes', (cache) => cache.prefetch(300, 100)],
    ['warm-ups of what is there', (cache) => cache.warmUp([{ start: 0, count: 64, heat: 1 }])],
    ['warm-ups of nothing', (cache) => cache.warmUp([])],
    ['lists of what is held', (cache) => cache.hotRanges(100)],
    ['budgets', (cache, n) => cache.setMaxSizeBytes(1_000_000 + n)],
    ['refused prefetches', (cache) => cache.prefetch(0, 10_000).catch(() => {})],
    [
      'loans, and reads where there is none',
      (cache, n) => {
        const loan = cache.lend?.(n % 64, 1);
        return loan === undefined ? cache.read(n % 64, [bytes]) : loan.release();
      },
    ],
    ['a mixture', (cache, n) => (n % 2 === 0 ? cache.read(n % 64, [bytes]) : cache.extents(0, 4))],
  ];

  test.each(loops)('%s', async (_, operation) => {
    const base = createDevice({
      name: 'base',
      sectorSize: 512,
      sizeSectors: 512,
      atomicSectors: true,
      read() {},
      write() {},
      flush() {},
      resize() {},
      disconnect() {},
    });
    const cache = await connectCache(base, { maxSizeBytes: 1_000_000 });
    for (const over of [cache, await connectCache(cache, { maxSizeBytes: 200_000 })]) {
      await over.read(0, [new Uint8Array(64 * 512)]);
      await over.discard(300, 100);
      let isIn = false;
      const timer = setTimeout(() => {
        isIn = true;
      }, 1);
      for (let n = 0; !isIn && n < OPERATIONS_MAX; n++) await operation(over, n);
      clearTimeout(timer);
      expect(isIn).toBe(true);
    }
    await cache.disconnect({ force: true });
  });
});
