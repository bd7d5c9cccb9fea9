import { expect, test } from 'vitest';
import { bytesAt, filled, openCache } from './testing/fixture.js';

const LINE_SECTORS = 8;
const KIB = 1024;
const line = (number: number) => number * LINE_SECTORS;
const opened = (maxSizeBytes: number) => openCache(line(400), { maxSizeBytes, lineSize: 4096 }, 4096);

test('a smaller budget is kept at once where lines are clean, and the data stay readable', async () => {
  const { cache } = await opened(512 * KIB);
  for (let i = 0; i < 100; i++) await bytesAt(cache, line(i), 8);
  const { linesMax } = cache.snapshot();
  await cache.setMaxSizeBytes(256 * KIB);
  const smaller = cache.snapshot();
  expect(smaller.heldBytes).toBeLessThanOrEqual(256 * KIB);
  expect(smaller.heldBytes).toBeGreaterThan(200 * KIB);
  expect(smaller.linesMax).toBeLessThan(linesMax - 50);
  expect(smaller.lines).toBeLessThanOrEqual(smaller.linesMax);
  expect(smaller.lines).toBeGreaterThan(smaller.linesMax * 0.7);
  expect(await bytesAt(cache, line(99), 8)).toEqual(Array(8).fill(0));
});

test('a smaller budget waits for dirty lines to be written back, and fails with the base', async () => {
  const { cache, base } = await opened(512 * KIB);
  const { linesMax } = cache.snapshot();
  base.hold('write');
  for (let i = 0; i < Math.floor(linesMax / 2); i++) await cache.write(line(i), [filled(8, i + 1)]);
  let isOver = false;
  const resized = cache.setMaxSizeBytes(128 * KIB).finally(() => {
    isOver = true;
  });
  resized.catch(() => {});
  await base.called('write');
  expect([isOver, cache.snapshot().waitingRequests]).toEqual([false, 0]);
  base.fail('write', 'IO');
  base.release();
  await expect(resized).rejects.toMatchObject({ code: 'IO' });
  base.heal();
  await cache.setMaxSizeBytes(128 * KIB);
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(128 * KIB);
  for (let i = 0; i < Math.floor(linesMax / 2); i++)
    expect(await bytesAt(cache, line(i), 8)).toEqual(Array(8).fill(i + 1));
});

test('a larger budget holds more lines', async () => {
  const { cache, base } = await opened(128 * KIB);
  const before = cache.snapshot();
  await cache.setMaxSizeBytes(KIB * KIB);
  expect(cache.snapshot().linesMax).toBeGreaterThan(6 * before.linesMax);
  for (let round = 0; round < 2; round++) for (let i = 0; i < 150; i++) await bytesAt(cache, line(i), 8);
  expect(base.calls('read')).toBe(150);
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(KIB * KIB);
});

test('a budget without room beside the tables is refused, and changes nothing', async () => {
  const { cache } = await opened(KIB * KIB);
  const { linesMax, heldBytes } = cache.snapshot();
  await expect(cache.setMaxSizeBytes(heldBytes + 4096)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(`beside ${heldBytes} bytes of tables`),
  });
  await expect(cache.setMaxSizeBytes(1.5)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(cache.snapshot().linesMax).toBe(linesMax);
  expect(cache.snapshot().linesMax).toBe(linesMax);
});

test('whatever budget is taken is kept, though memory is given back in slabs of many lines', async () => {
  const { cache } = await opened(8 * KIB * KIB);
  const tables = cache.snapshot().heldBytes;
  let refused = 0;
  for (let extraLines = 200; extraLines >= 0; extraLines -= 7) {
    const maxSizeBytes = tables + extraLines * 4096;
    const isRefused = await cache.setMaxSizeBytes(maxSizeBytes).then(
      () => false,
      () => true,
    );
    if (isRefused) {
      refused++;
      continue;
    }
    expect(refused).toBe(0);
    for (let i = 0; i < 300; i++) await bytesAt(cache, line(i), 1);
    expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(maxSizeBytes);
  }
  expect(refused).toBeGreaterThan(1);
});

test('room for parked lines is kept in a budget that was changed', async () => {
  const { cache } = await opened(8 * KIB * KIB);
  const tables = cache.snapshot().heldBytes;
  for (let extraLines = 150; extraLines > 80; extraLines -= 10) {
    await cache.setMaxSizeBytes(tables + extraLines * 4096);
    for (let i = 0; i < 300; i++) await bytesAt(cache, line(i), 1);
    const { lines, linesMax } = cache.snapshot();
    expect(lines).toBeLessThan(linesMax);
  }
});

test('a budget that grows many times over has room for as many more parked lines', async () => {
  const options = { maxSizeBytes: KIB * KIB, lineSize: 4096, policy: 'lru' } as const;
  const { cache, base, memory } = await openCache(line(20_000), options, 4096);
  await cache.setMaxSizeBytes(32 * KIB * KIB);
  const { linesMax } = cache.snapshot();
  base.hold('write');
  const dirty = Math.floor(linesMax * 0.45);
  for (let i = 0; i < dirty; i++) await cache.write(line(i), [filled(8, 1 + (i % 250))]);
  for (let i = dirty; i < 2 * linesMax; i++) await bytesAt(cache, line(i), 1);
  expect(cache.snapshot().parkedLines).toBeGreaterThan(100);
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(32 * KIB * KIB);
  base.release();
  await cache.flush();
  for (let i = 0; i < dirty; i++) expect(memory.bytes[i * 4096]).toBe(1 + (i % 250));
  await cache.disconnect();
});

test('in the end all memory is given back, also by force while the base has not let go of it', async () => {
  const { cache } = await opened(512 * KIB);
  const { heldBytes } = cache.snapshot();
  await cache.write(0, [filled(8, 1)]);
  expect(cache.snapshot().heldBytes).toBeGreaterThan(heldBytes);
  await cache.disconnect();
  await Promise.resolve();
  expect(cache.snapshot().heldBytes).toBe(heldBytes);

  const forced = await opened(512 * KIB);
  await forced.cache.write(0, [filled(8, 1)]);
  forced.base.hold('write');
  const flushed = forced.cache.flush();
  await forced.base.called('write');
  await forced.cache.disconnect({ force: true });
  await expect(flushed).rejects.toMatchObject({ code: 'DISCONNECTED' });
  expect(forced.cache.snapshot().heldBytes).toBe(heldBytes);
});
