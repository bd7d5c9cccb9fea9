import { describe, expect, test } from 'vitest';
import {
  type BlockDevice,
  type BlockDriver,
  createDevice,
  type FillOptions,
  type FillPattern,
  fill,
  type SectorRange,
} from '../index.js';
import { errorOf, holdCalls, isSame, memoryDriver, sectorsOf, settled, sparseDriver, stateOf } from '../testing.js';

const SMALL = { pieceBytes: 2048 };

async function contentsOf(device: BlockDevice): Promise<Uint8Array> {
  const bytes = new Uint8Array(device.info.sizeSectors * device.info.sectorSize);
  await device.read(0, [bytes]);
  return bytes;
}

describe('fill', () => {
  test('with a byte puts it everywhere', async () => {
    const device = createDevice(memoryDriver(512, 19));
    expect(await fill(device, 0xa5, SMALL)).toEqual({ filledBytes: 19 * 512, totalBytes: 19 * 512 });
    expect(await contentsOf(device)).toEqual(sectorsOf(0xa5, 19));
  });

  test.each([1, 3, 512, 700, 2048, 5000, 20_000])(
    'repeats a pattern of %d bytes from the start of the range',
    async (period) => {
      const pattern = Uint8Array.from({ length: period }, (_, i) => (i * 7 + 1) % 251);
      const device = createDevice(memoryDriver(512, 24));
      await fill(device, pattern, { ...SMALL, offsetBytes: 1536, lengthBytes: 9728 });
      const expected = new Uint8Array(24 * 512);
      for (let i = 0; i < 9728; i++) expected[1536 + i] = pattern[i % period] ?? 0;
      expect(isSame(await contentsOf(device), expected)).toBe(true);
    },
  );

  test('leaves what is outside of the range alone', async () => {
    const device = createDevice(memoryDriver(512, 8));
    await fill(device, 1);
    await fill(device, 2, { offsetBytes: 1024, lengthBytes: 1024 });
    expect(await contentsOf(device)).toEqual(
      new Uint8Array([...sectorsOf(1, 2), ...sectorsOf(2, 2), ...sectorsOf(1, 4)]),
    );
  });

  test('with a function puts what it gives, asked once for every sector', async () => {
    const asked: SectorRange[] = [];
    const device = createDevice(memoryDriver(512, 19));
    const pattern = async (range: SectorRange) => {
      asked.push(range);
      await settled();
      return Uint8Array.from({ length: range.count * 512 }, (_, i) => range.start + Math.floor(i / 512));
    };
    await fill(device, pattern, { ...SMALL, offsetBytes: 512 });
    expect(asked).toEqual([
      { start: 1, count: 3 },
      { start: 4, count: 4 },
      { start: 8, count: 4 },
      { start: 12, count: 4 },
      { start: 16, count: 3 },
    ]);
    expect(await contentsOf(device)).toEqual(Uint8Array.from({ length: 19 * 512 }, (_, i) => Math.floor(i / 512)));
  });

  test.each<[string, FillPattern]>([
    ['the byte 0', 0],
    ['bytes that are all zero', new Uint8Array(700)],
  ])('with %s lets the device zero itself', async (_, pattern) => {
    const driver = sparseDriver(512, 2 ** 40);
    const device = createDevice(driver);
    await device.write(5, [sectorsOf(1, 1)]);
    driver.writes.length = 0;
    await fill(device, pattern);
    expect(driver.writes).toEqual([]);
    expect(driver.sectors.size).toBe(0);
  });

  test('takes a copy of the pattern, and never lets a device see it change', async () => {
    const driver = holdCalls(memoryDriver(512, 16));
    const device = createDevice(driver);
    const pattern = Uint8Array.of(1, 2);
    const filling = fill(device, pattern, SMALL);
    pattern.fill(9);
    driver.release();
    await filling;
    expect((await contentsOf(device)).every((byte, i) => byte === 1 + (i % 2))).toBe(true);
  });

  test('of nothing does nothing but flush', async () => {
    const driver = sparseDriver(512, 0);
    for (const pattern of [0, 1, Uint8Array.of(1, 2)]) {
      expect(await fill(createDevice(driver), pattern)).toEqual({ filledBytes: 0, totalBytes: 0 });
    }
    expect(driver.flushes).toHaveLength(3);
    expect(driver.writes).toEqual([]);
  });

  test('flushes at the end, unless told not to', async () => {
    const driver = sparseDriver(512, 8);
    await fill(createDevice(driver), 1, { flush: false });
    expect(driver.flushes).toEqual([]);
    await fill(createDevice(driver), 1);
    expect(driver.flushes).toEqual([undefined]);
  });

  test('tells its progress after every piece', async () => {
    const seen: number[] = [];
    const device = createDevice(memoryDriver(512, 10));
    await fill(device, 1, { ...SMALL, onProgress: ({ filledBytes }) => seen.push(filledBytes) });
    expect(seen).toEqual([2048, 4096, 5120]);
  });

  test.each<[string, FillPattern, FillOptions, Partial<BlockDriver>]>([
    ['INVALID_ARGUMENT', -1, {}, {}],
    ['INVALID_ARGUMENT', 256, {}, {}],
    ['INVALID_ARGUMENT', 0.5, {}, {}],
    ['INVALID_ARGUMENT', new Uint8Array(0), {}, {}],
    ['INVALID_ARGUMENT', 'zero' as unknown as number, {}, {}],
    ['INVALID_ARGUMENT', 1, { maxConcurrency: 0 }, {}],
    ['UNALIGNED', 1, { offsetBytes: 1 }, {}],
    ['UNALIGNED', 1, { pieceBytes: 513 }, {}],
    ['OUT_OF_BOUNDS', 1, { lengthBytes: 8192 }, {}],
    ['READ_ONLY', 1, {}, { readOnly: true }],
    ['ABORTED', 1, { signal: AbortSignal.abort() }, {}],
  ])('is refused with %s before anything was changed: %s, %o', async (code, pattern, options, overrides) => {
    const driver = sparseDriver(512, 8, overrides);
    expect(await errorOf(fill(createDevice(driver), pattern, options))).toMatchObject({ name: 'BlockError', code });
    expect([...driver.writes, ...driver.discards, ...driver.flushes]).toEqual([]);
  });

  test('refuses what a function gives if it is not the bytes that were asked for', async () => {
    for (const answer of [new Uint8Array(512), new Uint8Array(0), undefined as unknown as Uint8Array]) {
      const device = createDevice(memoryDriver(512, 2));
      expect(await errorOf(fill(device, () => answer))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  test('ends with what the function throws', async () => {
    const boom = new Error('boom');
    const pattern = () => {
      throw boom;
    };
    expect(await errorOf(fill(createDevice(memoryDriver(512, 2)), pattern))).toBe(boom);
  });

  test('that fails in piece k of n ends there, once what is in flight has settled', async () => {
    const driver = holdCalls(memoryDriver(512, 64));
    const filling = fill(createDevice(driver), 1, { ...SMALL, maxConcurrency: 2 });
    await settled();
    driver.take('write').carryOut();
    await settled();
    driver.take('write').fail(new Error('bad block'));
    expect(await stateOf(filling)).toBe('pending');
    driver.take('write').carryOut();
    expect(await errorOf(filling)).toMatchObject({ code: 'IO', operation: 'write', start: 4 });
    expect(driver.held).toEqual([]);
  });

  test('is aborted between its pieces, and before a write whose bytes are late', async () => {
    const abort = new AbortController();
    const driver = sparseDriver(512, 64);
    let calls = 0;
    const pattern = async ({ count }: SectorRange) => {
      if (++calls === 3) abort.abort('enough');
      return sectorsOf(1, count);
    };
    const filling = fill(createDevice(driver), pattern, { ...SMALL, maxConcurrency: 1, signal: abort.signal });
    expect(await errorOf(filling)).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(driver.writes).toHaveLength(2);
  });
});
