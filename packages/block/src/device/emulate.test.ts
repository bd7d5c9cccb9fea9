import { describe, expect, test } from 'vitest';
import { type BlockDriver, createDevice, type Extent, isZero, zeroBuffers } from '../index.js';
import { errorOf, memoryDriver, sectorsOf, sparseDriver } from '../testing.js';

const OPERATIONS = ['discard', 'writeZeroes'] as const;

/** A driver without anything optional, that notes what is written. */
function plain(sizeSectors: number) {
  const memory = memoryDriver(512, sizeSectors);
  const writes: number[][] = [];
  const driver: BlockDriver = {
    ...memory,
    write(start, buffers) {
      writes.push([start, ...buffers.map(({ byteLength }) => byteLength)]);
      return memory.write(start, buffers);
    },
  };
  return { driver, writes };
}

describe('zeroBuffers', () => {
  test.each([0, 512, 65_536, 65_536 + 512, 3 * 65_536])(
    'are %d bytes of zeroes from one shared block',
    (byteLength) => {
      const buffers = zeroBuffers(byteLength);
      expect(buffers.reduce((sum, bytes) => sum + bytes.byteLength, 0)).toBe(byteLength);
      expect(buffers.every(isZero)).toBe(true);
      expect(new Set(buffers.map(({ buffer }) => buffer)).size).toBeLessThanOrEqual(1);
    },
  );
});

describe('Zeroing [Z1]', () => {
  test.each(OPERATIONS)('by %s makes exactly the range read as zeroes, though the driver cannot', async (operation) => {
    const device = createDevice(plain(8).driver);
    await device.write(0, [sectorsOf(1, 8)]);
    await device[operation](2, 3);
    const bytes = new Uint8Array(8 * 512);
    await device.read(0, [bytes]);
    expect(bytes).toEqual(new Uint8Array([...sectorsOf(1, 2), ...sectorsOf(0, 3), ...sectorsOf(1, 3)]));
  });

  test.each(OPERATIONS)('by %s writes in steps of a bounded size', async (operation) => {
    const { driver, writes } = plain(5000);
    await createDevice(driver)[operation](100, 4900);
    expect(writes.map(([start]) => start)).toEqual([100, 2148, 4196]);
    expect(writes.map(([, ...lengths]) => lengths.reduce((a, b) => a + b))).toEqual([1 << 20, 1 << 20, 804 * 512]);
  });

  test.each(OPERATIONS)('by %s writes nothing where the driver knows zeroes already [Z2]', async (operation) => {
    const driver = sparseDriver(512, 2 ** 40);
    const { discard: _, ...withoutDiscard } = driver;
    const device = createDevice(withoutDiscard);
    await device.write(1000, [sectorsOf(1, 2)]);
    driver.writes.length = 0;
    await device[operation](0, 2 ** 40);
    expect(driver.writes).toEqual([{ start: 1000, count: 2 }]);
  });

  test('uses the one of the two that the driver has, and the right one if it has both', async () => {
    const calls: string[] = [];
    const discard = () => void calls.push('discard');
    const writeZeroes = () => void calls.push('writeZeroes');
    for (const natives of [{ discard }, { writeZeroes }, { discard, writeZeroes }]) {
      const device = createDevice({ ...memoryDriver(512, 1), ...natives });
      await device.discard(0, 1);
      await device.writeZeroes(0, 1);
    }
    expect(calls).toEqual(['discard', 'discard', 'writeZeroes', 'writeZeroes', 'discard', 'writeZeroes']);
  });
});

describe('Extents [Z3]', () => {
  const answering = (...answer: readonly Extent[]) =>
    createDevice({ ...memoryDriver(512, 16), extents: () => [...answer] });

  test('are one run of data where the driver does not know', async () => {
    expect(await createDevice(plain(16).driver).extents(3, 5)).toEqual([{ start: 3, count: 5, type: 'data' }]);
  });

  test('are merged where neighbours are of one type, into objects of their own', async () => {
    const first: Extent = { start: 0, count: 2, type: 'zero' };
    const device = answering(first, { start: 2, count: 2, type: 'zero' }, { start: 4, count: 4, type: 'data' });
    const extents = await device.extents(0, 8);
    expect(extents).toEqual([
      { start: 0, count: 4, type: 'zero' },
      { start: 4, count: 4, type: 'data' },
    ]);
    expect(first.count).toBe(2);
  });

  test.each<[string, Extent[]]>([
    ['begin late', [{ start: 1, count: 7, type: 'data' }]],
    ['end early', [{ start: 0, count: 7, type: 'data' }]],
    ['end late', [{ start: 0, count: 9, type: 'data' }]],
    [
      'have a gap',
      [
        { start: 0, count: 3, type: 'data' },
        { start: 4, count: 4, type: 'data' },
      ],
    ],
    [
      'overlap',
      [
        { start: 0, count: 5, type: 'data' },
        { start: 4, count: 4, type: 'data' },
      ],
    ],
    [
      'are empty in part',
      [
        { start: 0, count: 0, type: 'zero' },
        { start: 0, count: 8, type: 'data' },
      ],
    ],
    ['are no numbers', [{ start: 0, count: Number.NaN, type: 'zero' }]],
    ['are of no known type', [{ start: 0, count: 8, type: 'hole' as 'zero' }]],
    ['are missing', []],
  ])('that %s are the fault of the driver', async (_, extents) => {
    expect(await errorOf(answering(...extents).extents(0, 8))).toMatchObject({ code: 'IO', operation: 'extents' });
  });
});
