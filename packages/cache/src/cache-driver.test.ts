import { macrotasks } from '@blockyard/block/testing';
import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import { expect, test } from 'vitest';
import { connectCache } from './connect.js';
import { bytesAt, filled, openCache, SECTOR } from './testing/fixture.js';

const LINE = { lineSize: 4096, maxSizeBytes: 1 << 20 };
const LINE_SECTORS = 8;

test('it shows what the base shows, under a name that says so', async () => {
  const { cache, base } = await openCache(64, LINE, 8192);
  expect(cache.info).toMatchObject({
    name: `cache(${base.info.name})`,
    sectorSize: SECTOR,
    sizeSectors: 64,
    readOnly: false,
    preferredIoBytes: 8192,
    native: { discard: true, writeZeroes: true, extents: true },
  });
  await cache.resize(80);
  expect([cache.info.sizeSectors, base.info.sizeSectors]).toEqual([80, 80]);
});

test('a cache over a read-only base is read-only', async () => {
  const memory = createMemory({ sectorSize: SECTOR, sizeSectors: 64 });
  const cache = await connectCache(createReferenceDevice(memory, { readOnly: true }), LINE);
  expect(cache.info.readOnly).toBe(true);
  await expect(cache.write(0, [filled(1, 1)])).rejects.toMatchObject({ code: 'READ_ONLY' });
});

test('a write to a part of a line makes that part valid, and no more', async () => {
  const { cache, memory } = await openCache(64, LINE);
  memory.bytes.fill(5);
  await cache.write(2, [filled(2, 1)]);
  await cache.write(5, [filled(1, 2)]);
  await cache.write(3, [filled(1, 3)]);
  expect(cache.states(0, 8).map(({ start, count, state }) => [start, count, state])).toEqual([
    [0, 2, 'absent'],
    [2, 2, 'dirty'],
    [4, 1, 'absent'],
    [5, 1, 'dirty'],
    [6, 2, 'absent'],
  ]);
  expect(await bytesAt(cache, 0, 8)).toEqual([5, 5, 1, 3, 5, 2, 5, 5]);
});

test('a dirty line is written to while zeroes wait elsewhere, and in the same line', async () => {
  const { cache } = await openCache(64, LINE);
  await cache.write(0, [filled(8, 1)]);
  await cache.discard(2, 2);
  await cache.write(3, [filled(1, 4)]);
  expect(await bytesAt(cache, 0, 8)).toEqual([1, 1, 0, 4, 1, 1, 1, 1]);
  await cache.flush();
  expect(await bytesAt(cache, 0, 8)).toEqual([1, 1, 0, 4, 1, 1, 1, 1]);
});

test('what is rewritten in place moves up in the order in which lines leave', async () => {
  const { cache, writes } = await openCache(8 * 400, { maxSizeBytes: 120_000, lineSize: 4096, policy: 'lru' }, 4096);
  const { linesMax } = cache.snapshot();
  await cache.write(0, [filled(8, 1)]);
  for (let line = 1; line < 2 * linesMax; line++) {
    await bytesAt(cache, line * LINE_SECTORS, 8);
    await cache.write(0, [filled(1, line)]);
  }
  expect([writes, cache.snapshot().parkedLines]).toEqual([[], 0]);
});

test('a resize that shrinks forgets what lies past the end, in any form', async () => {
  const { cache, base, writes } = await openCache(64, LINE, 4096);
  await bytesAt(cache, 32, 8);
  await cache.write(36, [filled(8, 1)]);
  await cache.discard(50, 10);
  await cache.resize(38);
  expect(cache.snapshot()).toMatchObject({ lines: 1, dirtyLines: 1, zeroRanges: 0 });
  await cache.resize(64);
  expect(await bytesAt(cache, 32, 16)).toEqual([0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  await cache.flush();
  expect(writes).toEqual([{ start: 36, count: 2 }]);
  expect(base.calls('discard')).toBe(0);
});

test('a resize that grows forgets nothing', async () => {
  const { cache } = await openCache(60, LINE, 4096);
  await cache.write(58, [filled(2, 1)]);
  await cache.discard(0, 8);
  await cache.resize(100);
  expect(cache.snapshot()).toMatchObject({ lines: 1, dirtyLines: 1, zeroRanges: 1 });
  expect(await bytesAt(cache, 56, 8)).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
});

test('write-through: zeroes are in the base when they are accepted, and so is all of a large write', async () => {
  const { cache, base, memory } = await openCache(64, { ...LINE, mode: 'writethrough' }, 4096);
  await cache.write(4, [filled(20, 1)]);
  expect([memory.bytes[4 * SECTOR], memory.bytes[23 * SECTOR], cache.snapshot().dirtyLines]).toEqual([1, 1, 0]);
  base.hold('discard');
  let isOver = false;
  const discarded = cache.discard(4, 4).then(() => {
    isOver = true;
  });
  await base.called('discard');
  await macrotasks();
  expect(isOver).toBe(false);
  base.release();
  await discarded;
  expect([memory.bytes[4 * SECTOR], cache.snapshot().zeroRanges]).toEqual([0, 0]);
});

test('write-through: a write waits for itself, not for others', async () => {
  const { cache, base } = await openCache(640, { ...LINE, mode: 'writethrough' }, 4096);
  base.hold('write');
  const first = cache.write(0, [filled(8, 1)]);
  await base.called('write');
  const second = cache.write(80, [filled(8, 1)]);
  await base.called('write', 2);
  base.fail('write', 'IO');
  base.release();
  const results = await Promise.allSettled([first, second]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  base.heal();
  await cache.write(160, [filled(8, 1)]);
  expect(await bytesAt(base, 160, 1)).toEqual([1]);
});

test('write-through: a write over one that failed waits for the base all the same', async () => {
  const { cache, base, memory } = await openCache(64, { ...LINE, mode: 'writethrough' }, 4096);
  base.fail('write', 'IO');
  await expect(cache.write(0, [filled(1, 1)])).rejects.toMatchObject({ code: 'IO' });
  await expect(cache.write(0, [filled(1, 2)])).rejects.toMatchObject({ code: 'IO' });
  base.heal();
  await cache.write(0, [filled(1, 3)]);
  expect(memory.bytes[0]).toBe(3);
});

test('a flush of a range makes the base flush that range', async () => {
  const { cache, base } = await openCache(64, LINE, 4096);
  await cache.write(0, [filled(1, 1)]);
  await cache.flush({ start: 0, count: 1 });
  expect([base.calls('write'), base.calls('flush')]).toEqual([1, 1]);
  await cache.flush({ start: 8, count: 1 });
  expect([base.calls('write'), base.calls('flush')]).toEqual([1, 2]);
});

test('the flush of an enormous range is a flush of all that is dirty', async () => {
  const { cache, base } = await openCache(4200 * LINE_SECTORS, LINE, 4096);
  await cache.write(4199 * LINE_SECTORS, [filled(1, 1)]);
  await cache.flush({ start: 0, count: 4096 * LINE_SECTORS });
  expect(base.calls('write')).toBe(0);
  await cache.flush({ start: 0, count: 4097 * LINE_SECTORS });
  expect(base.calls('write')).toBe(1);
});

test('one that was disconnected refuses, and says why', async () => {
  const { cache, base } = await openCache(64, LINE, 4096);
  await cache.disconnect();
  expect(base.disconnects).toBe(1);
  await expect(cache.write(0, [filled(1, 1)])).rejects.toMatchObject({ code: 'DISCONNECTED' });
  const forced = await openCache(64, LINE, 4096);
  await forced.cache.write(0, [filled(1, 1)]);
  forced.base.hold('write');
  const flushed = forced.cache.flush();
  await forced.base.called('write');
  await forced.cache.disconnect({ force: true });
  await expect(flushed).rejects.toMatchObject({
    code: 'DISCONNECTED',
    message: expect.stringContaining('disconnected by force'),
  });
  expect(forced.base.disconnects).toBe(1);
});

test('the line whose memory is wanted is the first to be written back, though others are dirty for longer', async () => {
  const { cache, base, writes } = await openCache(
    8 * 400,
    { maxSizeBytes: 150_000, lineSize: 4096, policy: 'lru', maxWriteConcurrency: 1 },
    4096,
  );
  const { linesMax } = cache.snapshot();
  for (const line of [1, 2]) await cache.write(line * 8, [filled(8, line)]);
  await bytesAt(cache, 8, 8);
  base.hold('write');
  for (let line = 10; line < 9 + linesMax; line++) await bytesAt(cache, line * 8, 8);
  await base.called('write');
  base.release();
  await cache.flush();
  expect(writes.map(({ start }) => start / 8)).toEqual([2, 1]);
});
