import { expect, test } from 'vitest';
import { createLogVolume } from '../index.js';
import { Bucket } from '../testing/bucket.js';
import { giveUp } from '../testing/history.js';

test('10,000 flushes of one sector leave at most 512 segments to replay', async () => {
  const bucket = new Bucket();
  await createLogVolume({ ...bucket.at(), sectorSize: 512, sizeSectors: 100, segmentSizeBytes: 64 << 10 });
  const device = await bucket.connect();
  const sector = new Uint8Array(512);
  for (let flushes = 0; flushes < 10_000; flushes++) {
    sector[0] = flushes % 251;
    await device.write(7, [sector]);
    await device.flush();
  }
  await giveUp(device);
  const store = bucket.process();
  const next = await bucket.connect({ store });
  const tails = new Set(
    store.requests.filter(({ kind, key }) => kind === 'get' && key.includes('/log/')).map(({ key }) => key),
  );
  expect(tails.size).toBeLessThanOrEqual(512 + 64);
  expect(tails.size).toBeGreaterThan(0);
  await next.read(7, [sector]);
  expect(sector[0]).toBe(9999 % 251);
  // Nor does the store keep what is no longer of use.
  await next.compact();
  expect(bucket.keys('/log/').length + bucket.keys('/pack/').length).toBeLessThan(20);
  await giveUp(next);
});

test('a file system is made on an empty volume of 2 TiB, and all of it trimmed, in a handful of requests', async () => {
  const bucket = new Bucket();
  const sizeSectors = 2 ** 41 / 4096;
  await createLogVolume({ ...bucket.at(), sizeSectors });
  const store = bucket.process();
  const device = await bucket.connect({ store });
  store.requests.length = 0;
  await device.discard(0, sizeSectors);
  // As mkfs does: what it needs here and there, and trims between.
  for (let group = 0; group < 64; group++) {
    const start = group * (sizeSectors / 64);
    await device.write(start, [new Uint8Array(4096).fill(group + 1)]);
    await device.writeZeroes(start + 1, 1000);
    await device.discard(start + 2000, sizeSectors / 64 - 2000);
  }
  await device.flush();
  await device.discard(0, sizeSectors);
  await device.flush();
  expect(await device.extents(0, sizeSectors)).toEqual([{ start: 0, count: sizeSectors, type: 'zero' }]);
  expect(store.requests.length).toBeLessThanOrEqual(5);
  await device.disconnect();
  expect(store.requests.length).toBeLessThanOrEqual(12);
});

test('what was discarded stays discarded after a crash, however the data before it was stored', async () => {
  const bucket = new Bucket();
  await createLogVolume({ ...bucket.at(), sectorSize: 512, sizeSectors: 1000, segmentSizeBytes: 64 << 10 });
  const device = await bucket.connect();
  await device.write(0, [new Uint8Array(512 * 100).fill(1)]);
  await device.flush();
  await device.takeSnapshot('full');
  await device.discard(10, 50);
  await device.flush();
  await giveUp(device);
  const next = await bucket.connect();
  const found = new Uint8Array(512 * 100);
  await next.read(0, [found]);
  expect(found.indexOf(0)).toBe(512 * 10);
  expect(found.subarray(512 * 10, 512 * 60).every((byte) => byte === 0)).toBe(true);
  expect(await next.extents(0, 100)).toEqual([
    { start: 0, count: 10, type: 'data' },
    { start: 10, count: 50, type: 'zero' },
    { start: 60, count: 40, type: 'data' },
  ]);
  await giveUp(next);
});
