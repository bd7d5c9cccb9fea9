import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BlockDevice, type BlockDriver, compare, copy, createDevice } from '../index.js';
import { errorOf, holdCalls, memoryDriver, sectorsOf, settled, sparseDriver, stateOf } from '../testing.js';

const SMALL = { pieceBytes: 2048 };

async function deviceWith(driver: BlockDriver, bytes: Uint8Array): Promise<BlockDevice> {
  const device = createDevice(driver);
  for (let at = 0; at < bytes.byteLength; at += driver.sectorSize) {
    const sector = bytes.subarray(at, at + driver.sectorSize);
    if (sector.some((byte) => byte !== 0)) await device.write(at / driver.sectorSize, [sector]);
  }
  if ('reads' in driver) (driver.reads as unknown[]).length = 0;
  return device;
}

describe('compare', () => {
  test('finds the first difference, whatever both hold, in whatever sizes', async () => {
    const contents = fc.array(fc.constantFrom(0, 0, 1, 2), { maxLength: 16 });
    const changes = fc.array(fc.nat(16_383), { maxLength: 2 });
    const sizes = fc.constantFrom(512, 1024, 4096);
    const missing = fc.nat(3);
    const options = fc.record({ maxConcurrency: fc.integer({ min: 1, max: 9 }), ignoreZeroTail: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        contents,
        changes,
        sizes,
        sizes,
        missing,
        missing,
        options,
        async (fills, at, sizeA, sizeB, missingA, missingB, rest) => {
          const whole = new Uint8Array(16_384);
          for (const [i, fill] of fills.entries()) whole.fill(fill, i * 512, (i + 1) * 512);
          const a = whole.slice(0, whole.byteLength - missingA * sizeA);
          const b = whole.slice(0, whole.byteLength - missingB * sizeB);
          for (const place of at) if (place < b.byteLength) b[place] = (b[place] ?? 0) ^ 4;
          const deviceA = await deviceWith(sparseDriver(sizeA, a.byteLength / sizeA), a);
          const deviceB = await deviceWith(sparseDriver(sizeB, b.byteLength / sizeB), b);
          const result = await compare(deviceA, deviceB, { pieceBytes: 4096, ...rest });
          const expected = firstDifferenceOf(a, b, rest.ignoreZeroTail);
          expect(result.equal).toBe(expected === undefined);
          expect(result.firstDifference).toEqual(
            expected === undefined
              ? undefined
              : {
                  offsetBytes: expected,
                  sectorOfA: Math.floor(expected / sizeA),
                  sectorOfB: Math.floor(expected / sizeB),
                },
          );
          const longest = Math.max(a.byteLength, b.byteLength);
          const shortest = Math.min(a.byteLength, b.byteLength);
          if (result.equal) expect(result.comparedBytes).toBe(rest.ignoreZeroTail ? longest : shortest);
        },
      ),
      { numRuns: 300 },
    );
  });

  /** The same, byte by byte. */
  function firstDifferenceOf(a: Uint8Array, b: Uint8Array, ignoreZeroTail: boolean): number | undefined {
    for (let i = 0; i < Math.max(a.byteLength, b.byteLength); i++) {
      if (!ignoreZeroTail && (i >= a.byteLength || i >= b.byteLength)) return i;
      if ((a[i] ?? 0) !== (b[i] ?? 0)) return i;
    }
    return undefined;
  }

  test('compares ranges, and counts the difference from their start', async () => {
    const a = await deviceWith(memoryDriver(512, 8), new Uint8Array([...sectorsOf(0, 2), ...sectorsOf(1, 6)]));
    const b = await deviceWith(memoryDriver(512, 8), sectorsOf(1, 7));
    const range = { aOffsetBytes: 1024, bOffsetBytes: 512 };
    expect(await compare(a, b, { ...range, lengthBytes: 3072 })).toEqual({ equal: true, comparedBytes: 3072 });
    expect(await compare(a, b, range)).toMatchObject({
      firstDifference: { offsetBytes: 3072, sectorOfA: 8, sectorOfB: 7 },
    });
  });

  test('reads nothing of what both know to be zero, and only one side of what one does', async () => {
    const [driverA, driverB] = [0, 1].map(() => sparseDriver(512, 32, { preferredIoBytes: 512 }));
    if (driverA === undefined || driverB === undefined) throw new Error('two drivers');
    const a = await deviceWith(driverA, new Uint8Array([...sectorsOf(0, 8), ...sectorsOf(1, 1)]));
    const b = await deviceWith(driverB, new Uint8Array([...sectorsOf(0, 8), ...sectorsOf(1, 1)]));
    // Data that is zero, which only the device itself can't know.
    driverA.sectors.set(20, sectorsOf(0, 1));
    driverB.sectors.set(24, sectorsOf(0, 1));
    expect(await compare(a, b, { pieceBytes: 512 })).toEqual({ equal: true, comparedBytes: 32 * 512 });
    const one = { count: 1 };
    expect(driverA.reads).toEqual([
      { start: 8, ...one },
      { start: 20, ...one },
    ]);
    expect(driverB.reads).toEqual([
      { start: 8, ...one },
      { start: 24, ...one },
    ]);
  });

  test('compares huge devices that are nearly empty in no time', async () => {
    const a = createDevice(sparseDriver(512, 2 ** 43));
    const b = createDevice(sparseDriver(4096, 2 ** 40));
    expect(await compare(a, b)).toEqual({ equal: true, comparedBytes: 2 ** 52 });
    await b.write(2 ** 39, [sectorsOf(7, 8)]);
    expect(await compare(a, b)).toMatchObject({ firstDifference: { offsetBytes: 2 ** 51, sectorOfA: 2 ** 42 } });
  });

  test('takes a device for the same as itself, and empty ones for equal', async () => {
    const device = await deviceWith(memoryDriver(512, 8), sectorsOf(1, 8));
    expect(await compare(device, device)).toEqual({ equal: true, comparedBytes: 4096 });
    const empty = createDevice(memoryDriver(4096, 0));
    expect(await compare(empty, empty)).toEqual({ equal: true, comparedBytes: 0 });
    expect(await compare(empty, device)).toMatchObject({ equal: false, firstDifference: { offsetBytes: 0 } });
    expect(await compare(empty, device, { ignoreZeroTail: true })).toMatchObject({ equal: false });
  });

  test('agrees that a copy is the same', async () => {
    const from = await deviceWith(sparseDriver(512, 64), new Uint8Array([...sectorsOf(0, 7), ...sectorsOf(3, 20)]));
    const to = createDevice(memoryDriver(4096, 9));
    await copy(from, to);
    expect(await compare(from, to, { ignoreZeroTail: true })).toMatchObject({ equal: true });
    expect(await compare(from, to)).toMatchObject({ equal: false, firstDifference: { offsetBytes: 32_768 } });
  });

  test('stops at a difference, but only after everything before it', async () => {
    const a = holdCalls(memoryDriver(512, 64), { atomicSectors: true });
    const b = await deviceWith(memoryDriver(512, 64), new Uint8Array(64 * 512).fill(1, 700));
    const comparing = compare(createDevice(a), b, { ...SMALL, maxConcurrency: 2 });
    await settled();
    a.held.pop()?.carryOut();
    expect(await stateOf(comparing)).toBe('pending');
    a.take('read').carryOut();
    expect(await comparing).toMatchObject({ firstDifference: { offsetBytes: 700 } });
    expect(a.held).toEqual([]);
  });

  test('tells its progress after every piece', async () => {
    const seen: number[] = [];
    const device = createDevice(memoryDriver(512, 10));
    await compare(device, device, {
      ...SMALL,
      maxConcurrency: 1,
      onProgress: (p) => seen.push(p.comparedBytes, p.totalBytes),
    });
    expect(seen).toEqual([2048, 5120, 4096, 5120, 5120, 5120]);
  });

  test.each([
    ['OUT_OF_BOUNDS', { lengthBytes: 4608 }],
    ['OUT_OF_BOUNDS', { bOffsetBytes: 8192 }],
    ['UNALIGNED', { aOffsetBytes: 1 }],
    ['UNALIGNED', { bOffsetBytes: 512 }],
    ['UNALIGNED', { pieceBytes: 512 }],
    ['INVALID_ARGUMENT', { maxConcurrency: -1 }],
    ['ABORTED', { signal: AbortSignal.abort() }],
  ])('rejects with %s the options %o', async (code, options) => {
    const devices = [createDevice(memoryDriver(512, 8)), createDevice(memoryDriver(4096, 1))] as const;
    expect(await errorOf(compare(...devices, options))).toMatchObject({ name: 'BlockError', code });
  });

  test('reports the error of one side once the other has settled', async () => {
    const a = holdCalls(memoryDriver(512, 8));
    const b = holdCalls(memoryDriver(512, 8));
    const comparing = compare(createDevice(a), createDevice(b));
    await settled();
    const cause = new Error('bad block');
    a.take('read').fail(cause);
    expect(await stateOf(comparing)).toBe('pending');
    b.take('read').fail(new Error('another'));
    expect(await errorOf(comparing)).toMatchObject({ code: 'IO', operation: 'read', cause });
  });

  test('is aborted between its pieces', async () => {
    const a = holdCalls(memoryDriver(512, 64));
    const abort = new AbortController();
    const comparing = compare(createDevice(a), createDevice(memoryDriver(512, 64)), {
      ...SMALL,
      maxConcurrency: 1,
      signal: abort.signal,
    });
    await settled();
    abort.abort('enough');
    expect(await stateOf(comparing)).toBe('pending');
    a.take('read').carryOut();
    expect(await errorOf(comparing)).toMatchObject({ code: 'ABORTED', cause: 'enough' });
  });
});
