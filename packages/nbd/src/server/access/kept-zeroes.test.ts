import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { isBlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { test } from 'vitest';
import { writeKeptZeroes } from './kept-zeroes.js';

const MIB_SECTORS = 2 ** 20 / 512;

test('zeroes are data, from the first sector to the last and no further', async () => {
  const device = await connectMemory({ sizeSectors: 4 * MIB_SECTORS });
  const count = 2 * MIB_SECTORS + 3;
  const before = new Uint8Array((count + 2) * 512).fill(7);
  await device.write(5, [before]);
  await writeKeptZeroes(device, 6, count, () => true, macrotasks);
  const found = new Uint8Array(before.byteLength);
  await device.read(5, [found]);
  assert.deepEqual(found, before.fill(0, 512, 512 + count * 512));
  assert.deepEqual(
    (await device.extents(6, count)).map(({ type }) => type),
    ['data'],
  );
});

test('space is taken where there was none', async () => {
  const device = await connectMemory({ sizeSectors: 256 });
  await writeKeptZeroes(device, 0, 256, () => true, macrotasks);
  assert.deepEqual(await device.extents(0, 256), [{ start: 0, count: 256, type: 'data' }]);
});

test('the error of the device ends it', async () => {
  const device = await connectMemory({ sizeSectors: 8 });
  await device.disconnect();
  await assert.rejects(
    writeKeptZeroes(device, 0, 8, () => true, macrotasks),
    (error) => isBlockError(error, 'DISCONNECTED'),
  );
});

test('it yields to the event loop between pieces, also with a device that completes at once', async () => {
  const device = await connectMemory({ sizeSectors: 16 * MIB_SECTORS });
  let macrotasksRun = 0;
  let immediate = setImmediate(function count() {
    macrotasksRun++;
    immediate = setImmediate(count);
  });
  await writeKeptZeroes(device, 0, 16 * MIB_SECTORS, () => true, macrotasks);
  clearImmediate(immediate);
  assert.ok(macrotasksRun >= 15, `${macrotasksRun} macrotasks`);
});

test('no further piece is written when no one wants it', async () => {
  const device = await connectMemory({ sizeSectors: 16 * MIB_SECTORS });
  let asked = 0;
  await writeKeptZeroes(device, 0, 16 * MIB_SECTORS, () => asked++ < 3, macrotasks);
  assert.deepEqual(await device.extents(0, 16 * MIB_SECTORS), [
    { start: 0, count: 3 * MIB_SECTORS, type: 'data' },
    { start: 3 * MIB_SECTORS, count: 13 * MIB_SECTORS, type: 'zero' },
  ]);
});
