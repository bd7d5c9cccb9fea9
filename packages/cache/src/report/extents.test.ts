import { createDevice, type Extent } from '@blockyard/block';
import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import { expect, test } from 'vitest';
import { connectCache } from '../connect.js';
import { bytesAt, filled } from '../testing/fixture.js';

const SECTORS = 64;

/** A cache over a base that says of its extents what the test says, when the test says. */
async function cacheOver(answer?: () => Promise<Extent[]>) {
  const device = createReferenceDevice(createMemory({ sectorSize: 512, sizeSectors: SECTORS }));
  const base = createDevice({
    name: 'told',
    sectorSize: 512,
    sizeSectors: SECTORS,
    atomicSectors: true,
    read: (start, buffers) => device.read(start, buffers),
    write: (start, buffers) => device.write(start, buffers),
    flush: () => {},
    resize: () => {},
    disconnect: () => {},
    ...(answer && { extents: answer }),
  });
  return connectCache(base, { lineSize: 4096, maxSizeBytes: 1 << 20 });
}

const DATA_THEN_ZERO: Extent[] = [
  { start: 0, count: 16, type: 'data' },
  { start: 16, count: 48, type: 'zero' },
];

test("the base's zeroes are zero, but for what is dirty, and its data are data, but for what was zeroed", async () => {
  const cache = await cacheOver(async () => DATA_THEN_ZERO);
  await cache.write(20, [filled(4, 1)]);
  await cache.discard(8, 4);
  await cache.writeZeroes(4, 2);
  expect(await cache.extents(0, 64)).toEqual([
    { start: 0, count: 4, type: 'data' },
    { start: 4, count: 2, type: 'zero' },
    { start: 6, count: 2, type: 'data' },
    { start: 8, count: 4, type: 'zero' },
    { start: 12, count: 4, type: 'data' },
    { start: 16, count: 4, type: 'zero' },
    { start: 20, count: 4, type: 'data' },
    { start: 24, count: 40, type: 'zero' },
  ]);
});

test('clean data are for the base to tell', async () => {
  const cache = await cacheOver(async () => DATA_THEN_ZERO);
  await bytesAt(cache, 0, 64);
  expect(await cache.extents(0, 64)).toEqual(DATA_THEN_ZERO);
});

test('what is written while the base answers is data, and so is what was dirty before and is clean by then', async () => {
  let release = (_: Extent[]) => {};
  const cache = await cacheOver(
    () =>
      new Promise((resolve) => {
        release = resolve;
      }),
  );
  await cache.write(0, [filled(4, 1)]);
  const asked = cache.extents(0, 64);
  await cache.flush();
  await cache.write(16, [filled(4, 1)]);
  release([{ start: 0, count: 64, type: 'zero' }]);
  expect(await asked).toEqual([
    { start: 0, count: 4, type: 'data' },
    { start: 4, count: 12, type: 'zero' },
    { start: 16, count: 4, type: 'data' },
    { start: 20, count: 44, type: 'zero' },
  ]);
});

test('a base that knows no extents makes a cache that knows none', async () => {
  const cache = await cacheOver();
  await cache.discard(0, 64);
  expect(cache.info.native.extents).toBe(false);
  expect(await cache.extents(0, 64)).toEqual([{ start: 0, count: 64, type: 'data' }]);
});
