import { type BlockDevice, createDevice, isBlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectCache } from './connect.js';
import { bytesAt, filled, openCache, SECTOR } from './testing/fixture.js';

/** Room for a few lines of 4 KiB: eviction never rests. */
const STARVED = { maxSizeBytes: 100_000, lineSize: 4096 };

interface HeldWrite {
  readonly start: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A base of zeroes, each write of which ends when the test says so. */
function byHand(sizeSectors: number): { base: BlockDevice; calls: HeldWrite[] } {
  const calls: HeldWrite[] = [];
  const base = createDevice({
    name: 'by hand',
    sectorSize: SECTOR,
    sizeSectors,
    atomicSectors: true,
    read: async (_start, buffers) => {
      for (const buffer of buffers) buffer.fill(0);
    },
    write: (start) => new Promise<void>((resolve, reject) => calls.push({ start, resolve, reject })),
    writeZeroes: async () => {},
    flush: async () => {},
    resize: async () => {},
    disconnect: async () => {},
  });
  return { base, calls };
}

/** Lets the event loop run until the base has been called so often. */
async function untilThereAre(count: number, calls: readonly HeldWrite[]): Promise<void> {
  for (let i = 0; i < 100 && calls.length < count; i++) await macrotasks();
  expect(calls.length).toBeGreaterThanOrEqual(count);
}

describe('what a write-back cache must get right', () => {
  test('two overlapping reads in flight both finish', async () => {
    const { cache, base, memory, reads } = await openCache(1024);
    memory.bytes.fill(7);
    base.hold('read');
    const both = Promise.all([bytesAt(cache, 0, 16), bytesAt(cache, 8, 16)]);
    await base.called('read');
    base.release();
    expect(await both).toEqual([Array(16).fill(7), Array(16).fill(7)]);
    expect(reads).toHaveLength(1);
  });

  test('a write that overlaps a flush finishes, and disturbs no other', async () => {
    const { cache, base, memory } = await openCache(1024);
    await cache.write(0, [filled(8, 1)]);
    base.hold('write');
    const flushed = cache.flush();
    await base.called('write');
    await cache.write(4, [filled(8, 2)]);
    expect(await bytesAt(cache, 0, 12)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
    base.release();
    await flushed;
    expect([...memory.bytes.subarray(0, 9 * SECTOR)].filter((_, i) => i % SECTOR === 0)).toEqual([
      1, 1, 1, 1, 1, 1, 1, 1, 0,
    ]);
    await cache.flush();
    expect(memory.bytes[4 * SECTOR]).toBe(2);
    expect(await bytesAt(cache, 0, 12)).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
  });

  test('a write that overlaps an eviction finishes, and disturbs no other', async () => {
    const { cache, base } = await openCache(4096, STARVED);
    base.hold('write');
    const writes: Promise<void>[] = [];
    for (let line = 0; line < 64; line++) writes.push(cache.write(line * 8, [filled(8, 1 + (line % 200))]));
    await base.called('write');
    const again = cache.write(0, [filled(8, 250)]);
    base.release();
    await Promise.all([...writes, again]);
    expect(await bytesAt(cache, 0, 1)).toEqual([250]);
    for (let line = 1; line < 64; line++) expect(await bytesAt(cache, line * 8, 8)).toEqual(Array(8).fill(1 + line));
  });

  test('scribbling over a buffer after its write resolved changes nothing', async () => {
    const { cache, memory } = await openCache(1024);
    const buffer = filled(8, 3);
    await cache.write(0, [buffer]);
    buffer.fill(9);
    expect(await bytesAt(cache, 0, 8)).toEqual(Array(8).fill(3));
    await cache.flush();
    expect(memory.bytes[0]).toBe(3);
  });

  test('a base that fails once loses nothing, and the next flush repairs it', async () => {
    const { cache, base, memory } = await openCache(1024);
    await cache.write(0, [filled(8, 4)]);
    base.fail('write', 'IO');
    await expect(cache.flush()).rejects.toMatchObject({ code: 'IO' });
    expect(await bytesAt(cache, 0, 8)).toEqual(Array(8).fill(4));
    base.heal();
    await cache.flush();
    expect(memory.bytes[0]).toBe(4);
    expect(cache.snapshot().dirtyLines).toBe(0);
  });

  test('a failure in any one of many writes of a flush orphans nothing', async () => {
    for (let failing = 1; failing <= 6; failing++) {
      const { cache, base, memory } = await openCache(8 * 2048);
      for (let group = 0; group < 6; group++) await cache.write(group * 2048, [filled(4, group + 1)]);
      base.hold('write');
      const flushed = cache.flush();
      await base.called('write', failing);
      base.fail('write', 'UNAVAILABLE');
      base.release();
      await expect(flushed).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      for (let group = 0; group < 6; group++)
        expect(await bytesAt(cache, group * 2048, 4)).toEqual(Array(4).fill(group + 1));
      base.heal();
      await cache.flush();
      for (let group = 0; group < 6; group++) expect(memory.bytes[group * 2048 * SECTOR]).toBe(group + 1);
    }
  });

  test('a flush called while a line is half written, after its first half failed, writes that half again', async () => {
    const { base, calls } = byHand(1024);
    const cache = await connectCache(base, { maxDirtyAgeMs: Number.POSITIVE_INFINITY });
    await cache.write(0, [filled(1, 1)]);
    await cache.write(64, [filled(1, 2)]);
    const failed = cache.flush();
    expect(calls.map(({ start }) => start)).toEqual([0, 64]);
    calls[0]?.reject(new Error('bad luck'));
    await expect(failed).rejects.toMatchObject({ code: 'IO' });
    const flushed = cache.flush();
    calls[1]?.resolve();
    await untilThereAre(3, calls);
    expect(calls[2]?.start).toBe(0);
    calls[2]?.resolve();
    await flushed;
    await cache.disconnect();
  });

  test('data that take the place of zeroes which a flush waits for are written by that flush', async () => {
    const { base, calls } = byHand(1024);
    const cache = await connectCache(base, { ...STARVED, maxDirtyAgeMs: Number.POSITIVE_INFINITY });
    const full = Math.floor(cache.snapshot().linesMax / 2);
    for (let line = 1; line <= full; line++) await cache.write(line * 8, [filled(8, line)]);
    const first = cache.flush();
    const onTheirWay = calls.length;
    // The base is told of the zeroes once it has what they overlap; and there is no memory for more.
    await cache.writeZeroes(0, 9);
    const second = cache.flush();
    const written = cache.write(0, [filled(9, 77)]);
    for (const { resolve } of calls) resolve();
    await written;
    await first;
    await untilThereAre(onTheirWay + 1, calls);
    for (const { resolve } of calls.slice(onTheirWay)) resolve();
    await second;
    expect(await bytesAt(cache, 0, 9)).toEqual(Array(9).fill(77));
    await cache.disconnect();
  });

  test('a failed final flush is seen by the caller, and can be repaired', async () => {
    const { cache, base, memory } = await openCache(1024);
    await cache.write(0, [filled(1, 5)]);
    base.fail('write', 'NO_SPACE');
    await expect(cache.disconnect()).rejects.toMatchObject({ code: 'NO_SPACE' });
    expect(base.disconnects).toBe(0);
    expect(await bytesAt(cache, 0, 1)).toEqual([5]);
    base.heal();
    await cache.disconnect();
    expect(memory.bytes[0]).toBe(5);
    expect(base.disconnects).toBe(1);
  });

  test('grow, shrink, grow and flush in random order keep what lies within, and nothing of what did not', async () => {
    const step = fc.oneof(
      fc.record({ resize: fc.integer({ min: 0, max: 96 }) }),
      fc.record({ write: fc.integer({ min: 0, max: 95 }), byte: fc.integer({ min: 1, max: 255 }) }),
      fc.constant({ flush: true as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { cache, memory } = await openCache(48, STARVED);
        let model: number[] = Array(48).fill(0);
        for (const it of steps) {
          if ('resize' in it) {
            await cache.resize(it.resize);
            model = Array.from({ length: it.resize }, (_, i) => model[i] ?? 0);
          } else if ('write' in it) {
            if (it.write >= model.length) continue;
            await cache.write(it.write, [filled(1, it.byte)]);
            model[it.write] = it.byte;
          } else await cache.flush();
          expect(await bytesAt(cache, 0, model.length)).toEqual(model);
        }
        await cache.disconnect();
        expect(memory.bytes.byteLength).toBe(model.length * SECTOR);
        expect(model.every((byte, i) => memory.bytes[i * SECTOR] === byte)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('a shrink during write-back waits for it, and nothing reaches the base behind the new end', async () => {
    const { cache, base, memory, writes } = await openCache(1024);
    await cache.write(0, [filled(1, 1)]);
    await cache.write(600, [filled(1, 2)]);
    base.hold('write');
    const flushed = cache.flush();
    await base.called('write', 2);
    await cache.write(700, [filled(1, 3)]);
    const resized = cache.resize(512);
    base.release();
    await Promise.all([flushed, resized]);
    await cache.flush();
    expect(memory.bytes.byteLength).toBe(512 * SECTOR);
    expect(writes.some(({ start }) => start === 700)).toBe(false);
    expect(base.misuses).toEqual([]);
    await cache.resize(1024);
    expect(await bytesAt(cache, 600, 1)).toEqual([0]);
    expect(await bytesAt(cache, 700, 1)).toEqual([0]);
  });

  test('out of bounds and read-only are refused up front', async () => {
    const { cache, base } = await openCache(64);
    await expect(cache.write(60, [filled(8, 1)])).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS' });
    await expect(cache.read(64, [filled(1, 1)])).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS' });
    await cache.flush();
    expect(base.calls('write') + base.calls('read')).toBe(0);
    expect(cache.snapshot().lines).toBe(0);
  });

  test('an empty list is a no-op', async () => {
    const { cache, base } = await openCache(64);
    await cache.write(64, []);
    await cache.read(0, []);
    await cache.flush();
    expect(base.calls('write') + base.calls('read')).toBe(0);
  });

  test('an ill-sized buffer anywhere changes nothing', async () => {
    const { cache } = await openCache(64);
    for (const list of [
      [new Uint8Array(100), filled(1, 1)],
      [filled(1, 1), new Uint8Array(513)],
      [new Uint8Array(256), new Uint8Array(256)],
    ]) {
      await expect(cache.write(0, list)).rejects.toMatchObject({ code: 'UNALIGNED' });
    }
    expect(await bytesAt(cache, 0, 4)).toEqual([0, 0, 0, 0]);
    expect(cache.snapshot().dirtyLines).toBe(0);
  });

  test('requests larger than the budget are served', async () => {
    const { cache, memory } = await openCache(4096, STARVED);
    const big = new Uint8Array(4096 * SECTOR);
    for (let i = 0; i < 4096; i++) big.fill(1 + (i % 255), i * SECTOR, (i + 1) * SECTOR);
    await cache.write(0, [big]);
    const back = new Uint8Array(big.byteLength);
    await cache.read(0, [back]);
    expect(Buffer.compare(back, big)).toBe(0);
    await cache.flush();
    expect(Buffer.compare(memory.bytes, big)).toBe(0);
    expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(STARVED.maxSizeBytes);
  });

  test('a hundred writers at once stay within the budget, and all finish', async () => {
    const { cache, base } = await openCache(100 * 64, STARVED);
    base.hold('write');
    let heldBytesMax = 0;
    const writers = Array.from({ length: 100 }, (_, i) =>
      cache.write(i * 64, [filled(64, i + 1)]).then(() => {
        heldBytesMax = Math.max(heldBytesMax, cache.snapshot().heldBytes);
      }),
    );
    expect(cache.snapshot().waitingRequests).toBeGreaterThan(90);
    expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(STARVED.maxSizeBytes);
    base.release();
    await Promise.all(writers);
    expect(heldBytesMax).toBeLessThanOrEqual(STARVED.maxSizeBytes);
    for (let i = 0; i < 100; i++) expect(await bytesAt(cache, i * 64 + 63, 1)).toEqual([i + 1]);
  });

  test('a hundred thousand scattered dirty sectors do not slow a read', async () => {
    const { cache, base } = await openCache(100_000 * 16, { maxSizeBytes: 2 ** 31, lineSize: 4096 });
    // Counted, not timed: a read of dirty data touches one line and no other, whatever else is dirty.
    for (let i = 0; i < 100_000; i++) await cache.write(i * 16, [filled(1, 1 + (i % 255))]);
    expect(cache.snapshot().dirtyLines).toBe(100_000);
    const before = cache.snapshot();
    expect(await bytesAt(cache, 50_000 * 16, 1)).toEqual([1 + (50_000 % 255)]);
    expect(cache.snapshot().lookups - before.lookups).toBe(1);
    expect(base.calls('read')).toBe(0);
    expect(base.calls('write')).toBe(0);
  });

  test('growing by a tebibyte writes nothing', async () => {
    const { cache, base } = await openCacheOverSparse();
    const grown = 1024 + 2 ** 40 / SECTOR;
    await cache.resize(grown);
    await cache.flush();
    expect(base.calls('write')).toBe(0);
    expect(await bytesAt(cache, grown - 1, 1)).toEqual([0]);
  });

  test('disconnecting twice at once disconnects the base once', async () => {
    const { cache, base } = await openCache(64);
    await cache.write(0, [filled(1, 1)]);
    await Promise.all([cache.disconnect(), cache.disconnect()]);
    expect(base.disconnects).toBe(1);
    const refused = await cache.read(0, [filled(1, 0)]).catch((error: unknown) => error);
    expect(isBlockError(refused, 'DISCONNECTED')).toBe(true);
  });
});

/** As `openCache`, over a base that can be a tebibyte large. */
async function openCacheOverSparse() {
  const { connectMemory } = await import('@blockyard/backend-memory');
  const { ControlledBase } = await import('@blockyard/conformance/testing');
  const { connectCache } = await import('./connect.js');
  const base = new ControlledBase(await connectMemory({ sectorSize: SECTOR, sizeSectors: 1024 }));
  return { cache: await connectCache(base, { maxSizeBytes: 2 ** 20 }), base };
}
