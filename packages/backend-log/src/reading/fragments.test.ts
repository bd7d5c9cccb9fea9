import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createLogVolume } from '../index.js';
import { Bucket } from '../testing/bucket.js';
import { giveUp } from '../testing/history.js';

const SECTOR = 4096;
const SIZE_SECTORS = 4096;

const bytesOf = (fill: number, sectors = 1) => new Uint8Array(sectors * SECTOR).fill(fill);

/** A volume that is opened again once these were written, each list in an object of its own. Its map is loaded. */
async function opened(...objects: readonly (readonly number[])[]) {
  const bucket = new Bucket();
  await createLogVolume({ ...bucket.at(), sizeSectors: SIZE_SECTORS });
  const writer = await bucket.connect();
  for (const sectors of objects) {
    for (const sector of sectors) await writer.write(sector, [bytesOf(1)]);
    await writer.flush();
  }
  await writer.disconnect();
  const store = bucket.process();
  const device = await bucket.connect({ store });
  onTestFinished(() => giveUp(device));
  await device.extents(0, SIZE_SECTORS);
  store.requests.length = 0;
  return { bucket, device, gets: () => store.requests.filter(({ kind }) => kind === 'get').length };
}

const upTo = (count: number) => Array.from({ length: count }, (_, sector) => sector);

test('what was overwritten is a request of its own, and what lies around it comes by one', async () => {
  const { device } = await opened(upTo(16), [5, 9], [12]);
  expect(device.fragments?.(0, 18)).toEqual([
    { start: 0, count: 5, request: 1 },
    { start: 5, count: 1, request: 2 },
    { start: 6, count: 3, request: 1 },
    { start: 9, count: 1, request: 2 },
    { start: 10, count: 2, request: 1 },
    { start: 12, count: 1, request: 3 },
    { start: 13, count: 3, request: 1 },
    { start: 16, count: 2, request: 0 },
  ]);
});

test('what lies far away in the same object is another request', async () => {
  const { device } = await opened([0, ...upTo(1000).map((sector) => sector + 100), 1]);
  expect(device.fragments?.(0, 2)).toEqual([
    { start: 0, count: 1, request: 1 },
    { start: 1, count: 1, request: 2 },
  ]);
});

test('what is not stored yet is at hand', async () => {
  const { device, gets } = await opened(upTo(16));
  await device.write(3, [bytesOf(7)]);
  await device.discard(8, 2);
  expect(device.fragments?.(2, 8)).toEqual([
    { start: 2, count: 1, request: 1 },
    { start: 3, count: 1, request: 0 },
    { start: 4, count: 4, request: 1 },
    { start: 8, count: 2, request: 0 },
  ]);
  await Promise.all([device.read(3, [bytesOf(0)]), device.read(8, [bytesOf(0, 2)])]);
  expect(gets()).toBe(0);
});

test('near what was read lately nothing is told, in as many places as are remembered', async () => {
  const { device } = await opened(upTo(SIZE_SECTORS));
  const isTold = (start: number, count = 1) => device.fragments?.(start, count) !== undefined;
  const read = (start: number, count = 1) => device.read(start, [bytesOf(0, count)]);
  await read(1000, 4);
  // 16 sectors are 64 KiB.
  expect([982, 983, 1001, 1020, 1021].map((start) => isTold(start))).toEqual([true, false, false, false, true]);
  expect([isTold(900, 83), isTold(900, 84)]).toEqual([true, false]);
  for (let place = 1; place <= 8; place++) await read(1000 + 100 * place);
  expect([1000, 1100, 1800].map((start) => isTold(start))).toEqual([true, false, false]);
  // A reader who goes on takes one place, however long.
  for (let start = 1800; start > 1200; start -= 10) await read(start);
  expect([1100, 1700, 1210].map((start) => isTold(start))).toEqual([false, true, false]);
});

test('nothing is known before the map is loaded, nor of a range that takes long to look at', async () => {
  const { bucket, device } = await opened(upTo(16));
  const later = await bucket.connect({ readOnly: true });
  expect(later.fragments?.(0, 16)).toBeUndefined();
  await later.read(1000, [bytesOf(0)]);
  expect(later.fragments?.(0, 16)).toEqual([{ start: 0, count: 16, request: 1 }]);
  await later.disconnect();
  expect(device.fragments?.(0, SIZE_SECTORS)).toBeDefined();
  await device.resize(2 * SIZE_SECTORS);
  expect(device.fragments?.(0, SIZE_SECTORS + 1)).toBeUndefined();
});

test('runs of one number come by one request where they are read at once, whatever was written in which order', async () => {
  const sectors = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 80 });
  await fc.assert(
    fc.asyncProperty(fc.array(sectors, { minLength: 1, maxLength: 4 }), async (objects) => {
      const { device, gets } = await opened(upTo(256), ...objects);
      const fragments = device.fragments?.(3, 200) ?? [];
      for (const number of new Set(fragments.map(({ request }) => request))) {
        const before = gets();
        const runs = fragments.filter(({ request }) => request === number);
        await Promise.all(runs.map(({ start, count }) => device.read(start, [bytesOf(0, count)])));
        expect(gets() - before).toBe(number === 0 ? 0 : 1);
      }
    }),
    { numRuns: 40 },
  );
});
