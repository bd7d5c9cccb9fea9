import { describe, expect, test } from 'vitest';
import { createDevice } from '../index.js';
import { errorOf, memoryDriver, sectorsOf, sparseDriver } from '../testing.js';
import { ByteView } from './byte-view.js';

const memory = (sectorSize: number, sizeSectors: number) => createDevice(memoryDriver(sectorSize, sizeSectors));

async function runsOf(view: ByteView, start: number, end: number) {
  const runs = [];
  for await (const run of view.extents(start, end)) runs.push(run);
  return runs;
}

describe('ByteView', () => {
  test('is the rest of the device unless a length is given', () => {
    expect(new ByteView(memory(512, 8))).toMatchObject({ offsetBytes: 0, lengthBytes: 4096 });
    expect(new ByteView(memory(512, 8), 1024)).toMatchObject({ offsetBytes: 1024, lengthBytes: 3072 });
    expect(new ByteView(memory(512, 8), 4096)).toMatchObject({ lengthBytes: 0 });
    expect(new ByteView(memory(512, 8), 1024, 512)).toMatchObject({ lengthBytes: 512 });
  });

  test.each<[string, number, number | undefined]>([
    ['INVALID_ARGUMENT', -512, undefined],
    ['INVALID_ARGUMENT', 0.5, undefined],
    ['INVALID_ARGUMENT', 0, Number.NaN],
    ['UNALIGNED', 511, undefined],
    ['UNALIGNED', 0, 513],
    ['OUT_OF_BOUNDS', 4608, undefined],
    ['OUT_OF_BOUNDS', 512, 4096],
    ['OUT_OF_BOUNDS', 0, 2 ** 52],
  ])('refuses with %s the range from %s of %s bytes', (code, offset, length) => {
    expect(() => new ByteView(memory(512, 8), offset, length)).toThrow(expect.objectContaining({ code }));
  });

  test('reads as zeroes beyond its end, and parts of sectors', async () => {
    const device = memory(512, 4);
    await device.write(0, [sectorsOf(1, 4)]);
    const view = new ByteView(device, 512);
    const scratch = sectorsOf(9, 8);
    expect(await view.read(512, 700, scratch)).toEqual(sectorsOf(1, 2).subarray(0, 700));
    expect(await view.read(1024, 1024, scratch)).toEqual(new Uint8Array([...sectorsOf(1, 1), ...sectorsOf(0, 1)]));
    expect(await view.read(4096, 512, scratch)).toEqual(sectorsOf(0, 1));
  });

  test('tells extents in bytes from its start, and zeroes beyond its end', async () => {
    const device = createDevice(sparseDriver(512, 8));
    await device.write(2, [sectorsOf(1, 2)]);
    const view = new ByteView(device, 512);
    expect(await runsOf(view, 0, 5000)).toEqual([
      { start: 0, end: 512, zero: true },
      { start: 512, end: 1536, zero: false },
      { start: 1536, end: 3584, zero: true },
      { start: 3584, end: 5000, zero: true },
    ]);
    expect(await runsOf(view, 600, 700)).toEqual([{ start: 600, end: 700, zero: false }]);
    expect(await view.isKnownZero(1536, 5000)).toBe(true);
    expect(await view.isKnownZero(1535, 5000)).toBe(false);
  });

  test('is told from a foreign device that does not cover what it was asked', async () => {
    const device = memory(512, 8);
    const foreign = Object.create(device, {
      info: { value: device.info },
      extents: { value: async () => [{ start: 0, count: 4, type: 'data' }] },
    });
    expect(await errorOf(runsOf(new ByteView(foreign), 0, 4096))).toMatchObject({ code: 'IO' });
  });
});
