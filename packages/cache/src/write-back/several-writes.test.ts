import { type BlockDevice, createDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { connectCache } from '../connect.js';
import { bytesAt, filled, fillsOf, openCache, SECTOR } from '../testing/fixture.js';

const LINE_SECTORS = 8;
const LINE = { lineSize: 4096, maxSizeBytes: 1 << 20, readAhead: false, seed: 1 };

/** A base of which the test ends each write, and that tells when it was resized. */
function heldWrites() {
  const writes: (() => void)[] = [];
  const resizes: number[] = [];
  const base: BlockDevice = createDevice({
    name: 'by hand',
    sectorSize: SECTOR,
    sizeSectors: 800,
    preferredIoBytes: 4096,
    atomicSectors: true,
    read: async () => {},
    write: () => new Promise<void>((resolve) => writes.push(resolve)),
    writeZeroes: async () => {},
    flush: async () => {},
    resize: async (sizeSectors) => {
      resizes.push(sizeSectors);
    },
    disconnect: async () => {},
  });
  return { base, writes, resizes };
}

test('a resize waits for the last of several writes', async () => {
  const { base, writes, resizes } = heldWrites();
  const cache = await connectCache(base, LINE);
  for (const line of [0, 20, 40]) await cache.write(line * LINE_SECTORS, [filled(1, 1)]);
  const flushed = cache.flush();
  await macrotasks();
  expect(writes).toHaveLength(3);
  const resized = cache.resize(900);
  for (const end of writes) {
    await macrotasks();
    expect(resizes).toEqual([]);
    end();
  }
  await Promise.all([resized, flushed]);
  expect(resizes).toEqual([900]);
});

/** Three neighbours that one write of the base takes: two dirty, and a clean one between. The write waits. */
async function filledGap() {
  const fixture = await openCache(64, LINE, 3 * 4096);
  const { cache, base, memory } = fixture;
  memory.bytes.fill(5);
  await bytesAt(cache, LINE_SECTORS, LINE_SECTORS);
  for (const line of [0, 2]) await cache.write(line * LINE_SECTORS, [filled(LINE_SECTORS, 1)]);
  base.hold('write');
  const flushed = cache.flush();
  await base.called('write');
  return { ...fixture, flushed };
}

const ALL = [...Array(8).fill(1), 5, 2, 2, ...Array(5).fill(5), ...Array(8).fill(1)];

test('a clean line that a write took along, and that was written to since, is dirty when the write fails, and once', async () => {
  const { cache, base, memory, writes, flushed } = await filledGap();
  await cache.write(LINE_SECTORS + 1, [filled(2, 2)]);
  base.fail('write', 'IO');
  base.release();
  await expect(flushed).rejects.toMatchObject({ code: 'IO' });
  expect(cache.snapshot().dirtyLines).toBe(3);
  base.heal();
  await cache.flush();
  expect(fillsOf(memory.bytes.subarray(0, 24 * SECTOR))).toEqual(ALL);
  expect([cache.snapshot().dirtyLines, writes]).toEqual([0, [{ start: 0, count: 24 }]]);
  await cache.disconnect();
});

test('a clean line that a write took along, and that was written to since, is dirty when the write is over', async () => {
  const { cache, base, memory, flushed } = await filledGap();
  await cache.write(LINE_SECTORS + 1, [filled(2, 2)]);
  base.release();
  await flushed;
  expect([cache.snapshot().dirtyLines, memory.bytes[9 * SECTOR]]).toEqual([1, 5]);
  await cache.flush();
  expect(fillsOf(memory.bytes.subarray(0, 24 * SECTOR))).toEqual(ALL);
  await cache.disconnect();
});

test('a clean line that a write took along stays clean when the write fails', async () => {
  const { cache, base, flushed } = await filledGap();
  base.fail('write', 'IO');
  base.release();
  await expect(flushed).rejects.toMatchObject({ code: 'IO' });
  expect(cache.snapshot().dirtyLines).toBe(2);
  expect(cache.states(LINE_SECTORS, LINE_SECTORS).map(({ state }) => state)).toEqual(['clean']);
  base.heal();
  await cache.disconnect();
});
