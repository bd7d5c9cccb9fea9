import { ManualClock } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { bytesAt, filled, openCache, SECTOR } from '../testing/fixture.js';

const LINE = { lineSize: 4096, maxSizeBytes: 1 << 20 };
const LINE_SECTORS = 8;

test('hits and misses are counted by line', async () => {
  const { cache } = await openCache(64, LINE);
  await bytesAt(cache, 0, 12);
  expect(cache.snapshot()).toMatchObject({ lookups: 2, hits: 0, lines: 2 });
  await bytesAt(cache, 4, 8);
  await bytesAt(cache, 0, 1);
  await bytesAt(cache, 12, 8);
  expect(cache.snapshot()).toMatchObject({ lookups: 7, hits: 4, lines: 3 });
  await cache.discard(40, 1);
  await bytesAt(cache, 40, 1);
  expect(cache.snapshot()).toMatchObject({ lookups: 8, hits: 5 });
});

test('calls of the base, their bytes and their failures are counted', async () => {
  const { cache, base } = await openCache(64, LINE);
  await bytesAt(cache, 0, 20);
  await cache.write(0, [filled(3, 1)]);
  await cache.write(32, [filled(2, 1)]);
  await cache.discard(48, 4);
  await cache.flush();
  const bytes = { baseReadBytes: 3 * LINE_SECTORS * SECTOR, baseWriteBytes: 5 * SECTOR };
  const counts = { baseReads: 1, baseWrites: 2, baseZeroes: 1, baseFlushes: 1, linesWrittenBack: 2, baseErrors: 0 };
  expect(cache.snapshot()).toMatchObject({ ...bytes, ...counts });
  base.fail('read', 'IO');
  await expect(bytesAt(cache, 56, 1)).rejects.toMatchObject({ code: 'IO' });
  await cache.write(0, [filled(1, 1)]);
  base.heal();
  base.fail('write', 'IO');
  await expect(cache.flush()).rejects.toMatchObject({ code: 'IO' });
  expect(cache.snapshot()).toMatchObject({ baseErrors: 3, baseWrites: 2, dirtyLines: 1, linesWrittenBack: 2 });
  base.heal();
  await cache.flush();
  expect(cache.snapshot()).toMatchObject({ baseWrites: 3, dirtyLines: 0, linesWrittenBack: 3, baseFlushes: 2 });
});

test('gauges tell what waits and what is on its way', async () => {
  const { cache, base } = await openCache(1024, { ...LINE, maxWriteConcurrency: 1 });
  base.hold('read', 'write', 'discard');
  const read = bytesAt(cache, 512, 1);
  await cache.write(0, [filled(1, 1)]);
  await cache.discard(640, 8);
  const flushed = cache.flush();
  await base.called('discard');
  expect(cache.snapshot()).toMatchObject({
    lines: 2,
    dirtyLines: 1,
    zeroRanges: 1,
    readsInFlight: 1,
    writesInFlight: 1,
    linesAhead: 0,
    waitingRequests: 0,
    parkedLines: 0,
  });
  base.release();
  await Promise.all([read, flushed]);
  expect(cache.snapshot()).toMatchObject({ dirtyLines: 0, zeroRanges: 0, readsInFlight: 0, writesInFlight: 0 });
});

test('calls of the base are timed in microseconds, and requests that waited for them', async () => {
  const clock = new ManualClock({ strict: true });
  const { cache, base } = await openCache(64, { ...LINE, clock });
  base.hold('read', 'write', 'flush');
  const read = bytesAt(cache, 0, 1);
  await base.called('read');
  clock.advance(3);
  base.release();
  await read;
  base.hold('write', 'flush');
  await cache.write(0, [filled(1, 1)]);
  const flushed = cache.flush();
  await base.called('write');
  clock.advance(5);
  base.release('write');
  await base.called('flush');
  clock.advance(7);
  base.release();
  await flushed;
  const { latencies } = cache.snapshot();
  expect([latencies.baseRead.count, latencies.baseRead.meanUs]).toEqual([1, 3000]);
  expect([latencies.readWait.count, latencies.readWait.meanUs]).toEqual([1, 3000]);
  expect([latencies.baseWrite.count, latencies.baseWrite.meanUs]).toEqual([1, 5000]);
  expect([latencies.baseFlush.count, latencies.baseFlush.meanUs]).toEqual([1, 7000]);
  expect(latencies.writeWait.count).toBe(0);
  await bytesAt(cache, 0, 1);
  expect(cache.snapshot().latencies.readWait.count).toBe(1);
});

test('a writer that waits for memory is timed', async () => {
  const clock = new ManualClock({ strict: true });
  const { cache, base } = await openCache(8 * 400, { maxSizeBytes: 100_000, lineSize: 4096, clock });
  base.hold('write');
  const writes = Array.from({ length: 40 }, (_, line) => cache.write(line * 8, [filled(8, 1)]));
  await base.called('write');
  const { waitingRequests } = cache.snapshot();
  expect(waitingRequests).toBeGreaterThan(20);
  clock.advance(7);
  base.release();
  await Promise.all(writes);
  const { writeWait } = cache.snapshot().latencies;
  expect([writeWait.count, writeWait.meanUs]).toEqual([waitingRequests, 7000]);
});

test('the bytes held are the tables at first, and grow with the slabs that are needed', async () => {
  const { cache } = await openCache(4096, { maxSizeBytes: 2 ** 20, lineSize: 4096 });
  const empty = cache.snapshot();
  expect([empty.lines, empty.linesMax > 100]).toEqual([0, true]);
  await bytesAt(cache, 0, 1);
  const one = cache.snapshot().heldBytes - empty.heldBytes;
  expect(one).toBeGreaterThan(0);
  expect(one % 4096).toBe(0);
  for (let line = 0; line < 512; line++) await bytesAt(cache, line * 8, 1);
  const full = cache.snapshot();
  expect(full.heldBytes).toBeLessThanOrEqual(2 ** 20);
  expect(full.heldBytes).toBeGreaterThan(0.9 * 2 ** 20);
  // Room for parked lines, which no line needed, may not have been allocated.
  expect(full.heldBytes - empty.heldBytes).toBeLessThanOrEqual(full.linesMax * 4096);
  expect((full.heldBytes - empty.heldBytes) % 4096).toBe(0);
});

test('a line that had to wait for memory counts once', async () => {
  const { cache, base } = await openCache(8 * 400, { maxSizeBytes: 100_000, lineSize: 4096 });
  base.hold('read');
  const reads = Array.from({ length: 40 }, (_, line) => bytesAt(cache, line * 8, 8));
  await base.called('read');
  expect(cache.snapshot().waitingRequests).toBeGreaterThan(20);
  base.release();
  await Promise.all(reads);
  expect(cache.snapshot()).toMatchObject({ lookups: 40, hits: 0, baseReads: 40 });
});

test('that a flush waits, and that the base fails it, is told with how long and when it is tried again', async () => {
  const clock = new ManualClock({ strict: true });
  const { cache, base } = await openCache(64, { ...LINE, clock, minRetryDelayMs: 100, maxRetryDelayMs: 150 });
  expect(cache.snapshot()).toMatchObject({ isFlushing: false, writeBackFailure: undefined });
  await cache.write(0, [filled(1, 1)]);
  base.hold('write');
  const flushed = cache.flush();
  await base.called('write');
  expect(cache.snapshot().isFlushing).toBe(true);
  clock.advance(1000);
  base.fail('write', 'UNAVAILABLE');
  base.release();
  await expect(flushed).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  clock.advance(30);
  const error = expect.objectContaining({ code: 'UNAVAILABLE' });
  const failing = { isFlushing: false, writeBackFailure: { error, failingMs: 30, nextTryMs: 70 } };
  expect(cache.snapshot()).toMatchObject(failing);
  await clock.advanceAndSettle(70);
  expect(cache.snapshot()).toMatchObject({ writeBackFailure: { error, failingMs: 100, nextTryMs: 150 } });
  base.heal();
  await clock.advanceAndSettle(150);
  expect(cache.snapshot()).toMatchObject({ writeBackFailure: undefined, dirtyLines: 0 });
});
