import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BlockDevice,
  type BlockDriver,
  type CopyOptions,
  type CopyProgress,
  copy,
  createDevice,
  isZero,
} from '../index.js';
import {
  errorOf,
  holdCalls,
  isSame,
  memoryDriver,
  type SparseDriver,
  sectorsOf,
  settled,
  sparseDriver,
  stateOf,
} from '../testing.js';

/** Small pieces, so that small devices have many. */
const SMALL = { pieceBytes: 2048 } satisfies CopyOptions;

async function deviceWith(driver: BlockDriver, bytes: Uint8Array): Promise<BlockDevice> {
  const device = createDevice(driver);
  for (let at = 0; at < bytes.byteLength; at += driver.sectorSize) {
    const sector = bytes.subarray(at, at + driver.sectorSize);
    if (!isZero(sector)) await device.write(at / driver.sectorSize, [sector]);
  }
  forget(driver as Partial<SparseDriver>);
  return device;
}

/** So that a test sees only what the copy did. */
function forget(driver: Partial<SparseDriver>): void {
  for (const list of [driver.reads, driver.writes, driver.discards]) if (list) list.length = 0;
}

async function contentsOf(device: BlockDevice): Promise<Uint8Array> {
  const bytes = new Uint8Array(device.info.sizeSectors * device.info.sectorSize);
  await device.read(0, [bytes]);
  return bytes;
}

/** Blocks of 512 bytes, each filled with its number; none where it is zero. */
const blocks = (...fills: readonly number[]) => Uint8Array.from(fills.flatMap((fill) => [...sectorsOf(fill, 1)]));

const countOf = (ranges: readonly { readonly count: number }[]) => ranges.reduce((sum, { count }) => sum + count, 0);

describe('copy', () => {
  test('with skipEqual writes what differs alone, and does not read what the target knows to be zero', async () => {
    const source = await deviceWith(
      sparseDriver(512, 16, { preferredIoBytes: 512 }),
      blocks(1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8),
    );
    const driver = sparseDriver(512, 16, { preferredIoBytes: 512 });
    const target = await deviceWith(driver, blocks(1, 2, 9, 4, 0, 7, 0, 0));
    const progress = await copy(source, target, { ...SMALL, skipEqual: true });
    expect(progress).toEqual({ copiedBytes: 5 * 512, zeroBytes: 8 * 512, equalBytes: 3 * 512, totalBytes: 16 * 512 });
    expect(driver.reads).toEqual([{ start: 0, count: 4 }]);
    expect(driver.writes).toEqual([
      { start: 2, count: 1 },
      { start: 8, count: 4 },
    ]);
    expect(driver.discards).toEqual([{ start: 5, count: 1 }]);
    expect(await contentsOf(target)).toEqual(await contentsOf(source));
    forget(driver);
    const again = await copy(source, target, { ...SMALL, skipEqual: true });
    expect(again).toMatchObject({ copiedBytes: 0, equalBytes: 8 * 512 });
    expect(driver.writes).toEqual([]);
  });

  test('makes the target the same as the source, whatever both hold, in whatever range and sizes', async () => {
    const fills = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3), { maxLength: 64 });
    const sizes = fc.constantFrom(512, 1024, 4096);
    const options = fc.record({
      maxConcurrency: fc.integer({ min: 1, max: 9 }),
      pieceBytes: fc.constantFrom(4096, 8192, 12_288),
      detectZeroes: fc.boolean(),
      skipEqual: fc.boolean(),
    });
    const places = fc.record({ from: fc.nat(4), to: fc.nat(4), length: fc.nat(8) });
    await fc.assert(
      fc.asyncProperty(fills, fills, sizes, sizes, options, places, async (a, b, sizeA, sizeB, options, places) => {
        const unit = Math.max(sizeA, sizeB);
        const fit = (list: readonly number[]) => {
          const bytes = new Uint8Array(12 * unit);
          bytes.set(blocks(...list).subarray(0, bytes.byteLength));
          return bytes;
        };
        const [bytesA, bytesB] = [fit(a), fit(b)];
        const from = await deviceWith(sparseDriver(sizeA, bytesA.byteLength / sizeA), bytesA);
        const to = await deviceWith(sparseDriver(sizeB, bytesB.byteLength / sizeB), bytesB);
        const [fromOffsetBytes, toOffsetBytes] = [places.from * sizeA, places.to * sizeB];
        const lengthBytes = places.length * unit;
        const progress = await copy(from, to, { ...options, fromOffsetBytes, toOffsetBytes, lengthBytes });
        bytesB.set(bytesA.subarray(fromOffsetBytes, fromOffsetBytes + lengthBytes), toOffsetBytes);
        expect(isSame(await contentsOf(to), bytesB)).toBe(true);
        expect(isSame(await contentsOf(from), bytesA)).toBe(true);
        expect(progress.totalBytes).toBe(lengthBytes);
        expect(progress.copiedBytes + progress.zeroBytes + progress.equalBytes).toBe(lengthBytes);
      }),
      { numRuns: 200 },
    );
  });

  test('does not read what the source knows to be zero', async () => {
    const source = sparseDriver(512, 32, { preferredIoBytes: 512 });
    const from = await deviceWith(source, blocks(...Array(8).fill(0), 1, 2, ...Array(22).fill(0)));
    const target = sparseDriver(512, 32, { preferredIoBytes: 512 });
    await copy(from, createDevice(target));
    expect(source.reads).toEqual([{ start: 8, count: 2 }]);
    expect(target.writes).toEqual([{ start: 8, count: 2 }]);
    expect(target.discards).toEqual([]);
  });

  test('discards on the target only what does not read as zeroes already', async () => {
    const from = createDevice(sparseDriver(512, 32, { preferredIoBytes: 512 }));
    const target = sparseDriver(512, 32, { preferredIoBytes: 512 });
    const to = await deviceWith(target, blocks(0, 0, 1, 1, 0, 2));
    const progress = await copy(from, to);
    expect(target.discards).toEqual([
      { start: 2, count: 2 },
      { start: 5, count: 1 },
    ]);
    expect(target.sectors.size).toBe(0);
    expect(progress).toEqual({ copiedBytes: 0, zeroBytes: 32 * 512, equalBytes: 0, totalBytes: 32 * 512 });
  });

  test('copies a huge device that is nearly empty in no time', async () => {
    const source = sparseDriver(512, 2 ** 43);
    const from = createDevice(source);
    await from.write(2 ** 42, [sectorsOf(1, 1)]);
    forget(source);
    const target = sparseDriver(512, 2 ** 43);
    const to = createDevice(target);
    await copy(from, to);
    expect([...target.sectors.keys()].every((sector) => sector >= 2 ** 42 && sector < 2 ** 42 + 128)).toBe(true);
    expect(countOf(source.reads)).toBe(128);
  });

  test('zeroes rather than writes data that turns out to be zero, in blocks of the preferred size', async () => {
    const bytes = blocks(1, 1, 0, 0, 0, 1, 0, 0);
    const from = await deviceWith({ ...memoryDriver(512, 8), preferredIoBytes: 1024 }, bytes);
    const target = sparseDriver(512, 8, { preferredIoBytes: 1024 });
    const to = await deviceWith(target, blocks(9, 9, 9, 9, 9, 9, 0, 0));
    const progress = await copy(from, to);
    expect(target.writes).toEqual([
      { start: 0, count: 2 },
      { start: 4, count: 2 },
    ]);
    expect(target.discards).toEqual([{ start: 2, count: 2 }]);
    expect(progress).toEqual({ copiedBytes: 2048, zeroBytes: 2048, equalBytes: 0, totalBytes: 4096 });
    expect(await contentsOf(to)).toEqual(bytes);
  });

  test('writes zeroes as data if it is told not to look for them', async () => {
    const from = createDevice(memoryDriver(512, 8));
    const target = sparseDriver(512, 8);
    const progress = await copy(from, createDevice(target), { detectZeroes: false });
    expect(countOf(target.writes)).toBe(8);
    expect(progress).toEqual({ copiedBytes: 4096, zeroBytes: 0, equalBytes: 0, totalBytes: 4096 });
  });

  test('keeps to whole blocks of the size that the target prefers, wherever the source has holes', async () => {
    const source = sparseDriver(512, 64, { preferredIoBytes: 512 });
    const from = await deviceWith(source, blocks(...Array.from({ length: 64 }, (_, i) => (i % 3 === 0 ? 1 : 0))));
    const target = sparseDriver(512, 80, { preferredIoBytes: 4096 });
    await copy(from, createDevice(target), { pieceBytes: 8192, toOffsetBytes: 3 * 512 });
    for (const { start, count } of target.writes) {
      expect(start === 3 || start % 8 === 0).toBe(true);
      expect(start + count === 67 || (start + count) % 8 === 0).toBe(true);
    }
    const copied = (await contentsOf(createDevice(target))).subarray(3 * 512, 67 * 512);
    expect(isSame(copied, await contentsOf(from))).toBe(true);
  });

  test('holds a bounded number of pieces in flight', async () => {
    const target = holdCalls(memoryDriver(512, 64), { atomicSectors: true });
    const from = await deviceWith(memoryDriver(512, 64), sectorsOf(1, 64));
    const copying = copy(from, createDevice(target), { ...SMALL, maxConcurrency: 3 });
    await settled();
    expect(target.held.map(({ operation, args }) => [operation, args[0]])).toEqual([
      ['write', 0],
      ['write', 4],
      ['write', 8],
    ]);
    target.release();
    await copying;
  });

  test('copies a device onto itself at the same place, and nothing changes', async () => {
    const bytes = blocks(1, 0, 2, 0, 0, 0, 3, 4);
    const device = await deviceWith(sparseDriver(512, 8, { preferredIoBytes: 512 }), bytes);
    await copy(device, device, { pieceBytes: 512 });
    expect(await contentsOf(device)).toEqual(bytes);
  });

  test('copies within a device, but refuses ranges that overlap', async () => {
    const device = await deviceWith(memoryDriver(512, 8), blocks(1, 2, 3, 4));
    await copy(device, device, { toOffsetBytes: 2048, lengthBytes: 2048 });
    expect(await contentsOf(device)).toEqual(blocks(1, 2, 3, 4, 1, 2, 3, 4));
    for (const options of [
      { toOffsetBytes: 512, lengthBytes: 1024 },
      { fromOffsetBytes: 512, lengthBytes: 1024 },
    ]) {
      expect(await errorOf(copy(device, device, options))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  test('of nothing does nothing but flush', async () => {
    const target = sparseDriver(512, 8);
    const empty = { copiedBytes: 0, zeroBytes: 0, equalBytes: 0, totalBytes: 0 };
    expect(await copy(createDevice(memoryDriver(4096, 0)), createDevice(target))).toEqual(empty);
    expect(await copy(createDevice(memoryDriver(512, 0)), createDevice(memoryDriver(512, 0)))).toEqual(empty);
    expect(target.flushes).toEqual([undefined]);
  });

  test('flushes the target at the end, unless told not to', async () => {
    const target = sparseDriver(512, 8);
    const from = await deviceWith(memoryDriver(512, 8), blocks(1));
    await copy(from, createDevice(target), { flush: false });
    expect(target.flushes).toEqual([]);
    await copy(from, createDevice(target));
    expect(target.flushes).toEqual([undefined]);
  });

  test('fails if the final flush does', async () => {
    const target = memoryDriver(512, 8);
    const to = createDevice({ ...target, flush: () => Promise.reject(new Error('no')) });
    const from = createDevice(memoryDriver(512, 8));
    expect(await errorOf(copy(from, to))).toMatchObject({ code: 'IO', operation: 'flush' });
  });

  test('tells its progress after every piece, up to the total', async () => {
    const seen: CopyProgress[] = [];
    const from = await deviceWith(memoryDriver(512, 16), sectorsOf(1, 12));
    const result = await copy(from, createDevice(memoryDriver(512, 16)), {
      ...SMALL,
      maxConcurrency: 1,
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen.map(({ copiedBytes, zeroBytes }) => [copiedBytes, zeroBytes])).toEqual([
      [2048, 0],
      [4096, 0],
      [6144, 0],
      [6144, 2048],
    ]);
    expect(seen.at(-1)).toEqual(result);
  });

  test('ends with what the progress callback throws', async () => {
    const boom = new Error('boom');
    const onProgress = () => {
      throw boom;
    };
    const sparse = () => createDevice(sparseDriver(512, 8));
    expect(await errorOf(copy(sparse(), sparse(), { onProgress }))).toBe(boom);
    const from = await deviceWith(memoryDriver(512, 8), blocks(1));
    expect(await errorOf(copy(from, sparse(), { onProgress }))).toBe(boom);
  });
});

describe('A copy that cannot be', () => {
  const cases: readonly [string, string, () => [BlockDevice, BlockDevice, CopyOptions?]][] = [
    ['OUT_OF_BOUNDS', 'the target is too small', () => [device(512, 8), device(512, 7)]],
    [
      'OUT_OF_BOUNDS',
      'the target is too small behind the offset',
      () => [device(512, 8), device(512, 8), { toOffsetBytes: 512 }],
    ],
    ['OUT_OF_BOUNDS', 'the source has no such range', () => [device(512, 8), device(512, 8), { lengthBytes: 4608 }]],
    ['UNALIGNED', 'the source is no whole sectors of the target', () => [device(512, 9), device(4096, 2)]],
    ['UNALIGNED', 'the offset is no whole sector', () => [device(512, 8), device(4096, 2), { toOffsetBytes: 512 }]],
    ['READ_ONLY', 'the target is read-only', () => [device(512, 8), device(512, 8, { readOnly: true })]],
    ['INVALID_ARGUMENT', 'an option is wrong', () => [device(512, 8), device(512, 8), { maxConcurrency: 0 }]],
    ['ABORTED', 'it is aborted already', () => [device(512, 8), device(512, 8), { signal: AbortSignal.abort() }]],
  ];
  let touched: string[] = [];
  const touch = (what: string) => () => void touched.push(what);
  const device = (sectorSize: number, sizeSectors: number, overrides: Partial<BlockDriver> = {}) =>
    createDevice({
      ...memoryDriver(sectorSize, sizeSectors),
      write: touch('write'),
      discard: touch('discard'),
      flush: touch('flush'),
      ...overrides,
    });

  test.each(cases)('is refused with %s before anything was changed: %s', async (code, _, make) => {
    touched = [];
    expect(await errorOf(copy(...make()))).toMatchObject({ name: 'BlockError', code });
    expect(touched).toEqual([]);
  });
});

describe('A copy that goes wrong', () => {
  test('in piece k of n ends there, and reports the error once what is in flight has settled', async () => {
    const target = holdCalls(memoryDriver(512, 64), { atomicSectors: true });
    const from = await deviceWith(memoryDriver(512, 64), sectorsOf(1, 64));
    const copying = copy(from, createDevice(target), { ...SMALL, maxConcurrency: 2 });
    await settled();
    target.take('write').carryOut();
    await settled();
    const cause = new Error('bad block');
    expect(target.held.map(({ args }) => args[0])).toEqual([4, 8]);
    target.held.pop()?.fail(cause);
    expect(await stateOf(copying)).toBe('pending');
    target.take('write').carryOut();
    expect(await errorOf(copying)).toMatchObject({ code: 'IO', operation: 'write', start: 8, count: 4, cause });
    expect(target.held).toEqual([]);
  });

  test('in a read does not write what was not read', async () => {
    const target = sparseDriver(512, 64);
    const source: BlockDriver = {
      ...memoryDriver(512, 64),
      read(start) {
        if (start === 16) throw new Error('bad block');
      },
    };
    const copying = copy(createDevice(source), createDevice(target), {
      ...SMALL,
      detectZeroes: false,
      maxConcurrency: 1,
    });
    expect(await errorOf(copying)).toMatchObject({ code: 'IO', operation: 'read', start: 16 });
    expect(countOf(target.writes)).toBe(16);
    expect(target.flushes).toEqual([]);
  });

  test('in the extents of either side is reported', async () => {
    const failing = { extents: () => Promise.reject(new Error('no map')) };
    const good = () => createDevice(sparseDriver(512, 8));
    const bad = () => createDevice(sparseDriver(512, 8, failing));
    expect(await errorOf(copy(bad(), good()))).toMatchObject({ operation: 'extents' });
    expect(await errorOf(copy(good(), bad()))).toMatchObject({ operation: 'extents' });
  });

  test('is aborted between its pieces, with the reason as cause, and uses no buffer afterwards', async () => {
    const target = holdCalls(memoryDriver(512, 64), { atomicSectors: true });
    const from = await deviceWith(memoryDriver(512, 64), sectorsOf(1, 64));
    const abort = new AbortController();
    const copying = copy(from, createDevice(target), { ...SMALL, maxConcurrency: 2, signal: abort.signal });
    await settled();
    abort.abort('enough');
    expect(await stateOf(copying)).toBe('pending');
    target.take('write').carryOut();
    expect(await stateOf(copying)).toBe('pending');
    target.take('write').carryOut();
    expect(await errorOf(copying)).toMatchObject({ code: 'ABORTED', cause: 'enough' });
    expect(target.held).toEqual([]);
  });

  test('is aborted between a read and its write', async () => {
    const source = holdCalls(memoryDriver(512, 8));
    const target = sparseDriver(512, 8);
    const abort = new AbortController();
    const copying = copy(createDevice(source), createDevice(target), { detectZeroes: false, signal: abort.signal });
    await settled();
    abort.abort();
    source.take('read').carryOut();
    expect(await errorOf(copying)).toMatchObject({ code: 'ABORTED' });
    expect(target.writes).toEqual([]);
  });

  test('is aborted though no device ever waits for anything', async () => {
    const nothing: BlockDriver = { ...memoryDriver(512, 0), sizeSectors: 2 ** 27, read() {}, write() {} };
    const abort = new AbortController();
    setImmediate(() => abort.abort());
    const options = { detectZeroes: false, signal: abort.signal };
    const copying = copy(createDevice(nothing), createDevice(nothing), options);
    expect(await errorOf(copying)).toMatchObject({ code: 'ABORTED' });
  });
});
