import assert from 'node:assert/strict';
import { isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { connectMemory, type MemoryOptions } from './index.js';

const PEBI = 2 ** 50;
const HUGE = { sizeSectors: (8 * PEBI) / 4096 - 1, sectorSize: 4096 };

const sectors = (count: number, value: number, sectorSize = 512) => new Uint8Array(count * sectorSize).fill(value);

describe('connectMemory', () => {
  test('gives a device of 512-byte zeroes unless told otherwise', async () => {
    const device = await connectMemory({ sizeSectors: 10 });
    assert.equal(device.info.sectorSize, 512);
    assert.equal(device.info.sizeSectors, 10);
    assert.equal(device.info.readOnly, false);
    assert.deepEqual(device.info.native, { discard: true, writeZeroes: true, extents: true });
    const found = sectors(10, 0xff);
    await device.read(0, [found]);
    assert.deepEqual(found, sectors(10, 0));
  });

  test('takes its size in bytes, too', async () => {
    const device = await connectMemory({ sizeBytes: 8192, sectorSize: 4096 });
    assert.equal(device.info.sizeSectors, 2);
  });

  test('refuses an option that it does not know, naming it', async () => {
    const options = { sizeSectors: 1, sizeKiB: 512 } as MemoryOptions;
    await assert.rejects(connectMemory(options), (error) => {
      assert.ok(isBlockError(error, 'INVALID_ARGUMENT'));
      assert.match(error.message, /unknown option "sizeKiB" in options; there are: sizeSectors, sizeBytes, sectorSize/);
      assert.equal(error.operation, 'connect');
      return true;
    });
  });

  test.each([
    ['no options', undefined],
    ['no size', {}],
    ['two sizes', { sizeSectors: 1, sizeBytes: 512 }],
    ['a negative size', { sizeSectors: -1 }],
    ['a size in fractions', { sizeSectors: 1.5 }],
    ['a sector size that is no power of two', { sizeSectors: 1, sectorSize: 1000 }],
    ['more than 2^53 - 1 bytes', { sizeSectors: 2 ** 44, sectorSize: 512 }],
  ])('rejects %s', async (_, options) => {
    await assert.rejects(connectMemory(options as MemoryOptions), (error) => isBlockError(error, 'INVALID_ARGUMENT'));
  });
});

describe('a device of almost 8 PiB', () => {
  test('reads, writes and lists what little there is on it', async () => {
    const device = await connectMemory(HUGE);
    const last = HUGE.sizeSectors - 1;
    await device.write(last, [sectors(1, 9, 4096)]);
    const found = sectors(2, 0xff, 4096);
    await device.read(last - 1, [found]);
    assert.deepEqual([found[4095], found[4096]], [0, 9]);
    const extents = await device.extents(0, HUGE.sizeSectors);
    assert.equal(extents.length, 2);
    assert.deepEqual(extents[0]?.type, 'zero');
    assert.deepEqual(extents[1]?.type, 'data');
    assert.equal(
      extents.reduce((sum, { count }) => sum + count, 0),
      HUGE.sizeSectors,
    );
  });

  // Walking the range would take days, so the test's own time-out is the assertion.
  test('is discarded, zeroed, resized and mapped at the cost of what is on it', async () => {
    const device = await connectMemory(HUGE);
    await device.write(1 << 20, [sectors(64, 1, 4096)]);
    await device.discard(1, HUGE.sizeSectors - 1);
    await device.writeZeroes(0, HUGE.sizeSectors);
    assert.deepEqual(await device.extents(0, HUGE.sizeSectors), [{ start: 0, count: HUGE.sizeSectors, type: 'zero' }]);
    await device.resize(1);
    await device.resize(HUGE.sizeSectors);
    assert.equal(device.info.sizeSectors, HUGE.sizeSectors);
  });
});

describe('resize', () => {
  test('what was dropped by shrinking reads as zeroes after growing, also in the chunk that was truncated', async () => {
    const device = await connectMemory({ sizeSectors: 200 });
    await device.write(0, [sectors(200, 5)]);
    await device.resize(3);
    await device.resize(200);
    const found = sectors(200, 0xff);
    await device.read(0, [found]);
    assert.deepEqual(found.subarray(0, 3 * 512), sectors(3, 5));
    assert.deepEqual(found.subarray(3 * 512), sectors(197, 0));
  });
});

describe('write', () => {
  test('keeps its own copy of what it was given', async () => {
    const device = await connectMemory({ sizeSectors: 1 });
    const buffer = sectors(1, 1);
    await device.write(0, [buffer]);
    buffer.fill(2);
    const found = sectors(1, 0);
    await device.read(0, [found]);
    assert.deepEqual(found, sectors(1, 1));
  });

  test('finishes at once, so that a read without waiting sees it', async () => {
    const device = await connectMemory({ sizeSectors: 1 });
    const found = sectors(1, 0);
    const wrote = device.write(0, [sectors(1, 3)]);
    const read = device.read(0, [found]);
    assert.deepEqual(found, sectors(1, 3));
    await Promise.all([wrote, read]);
  });

  test('reports that there is no memory left as NO_SPACE', async () => {
    const device = await connectMemory({ sizeSectors: 1 });
    const data = sectors(1, 1);
    const real = globalThis.Uint8Array;
    class Exhausted extends real {
      static override [Symbol.hasInstance](value: unknown): boolean {
        return value instanceof real;
      }
      constructor() {
        super(0);
        throw new RangeError('Array buffer allocation failed');
      }
    }
    globalThis.Uint8Array = Exhausted as typeof real;
    const wrote = device.write(0, [data]);
    globalThis.Uint8Array = real;
    await assert.rejects(wrote, (error) => isBlockError(error, 'NO_SPACE'));
    await device.write(0, [data]);
  });
});
