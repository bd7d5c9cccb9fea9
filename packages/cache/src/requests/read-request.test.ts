import { BlockError, createDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import { expect, test } from 'vitest';
import { connectCache } from '../connect.js';
import { bytesAt, filled, fillsOf, openCache } from '../testing/fixture.js';

const LINE = { lineSize: 4096, maxSizeBytes: 1 << 20 };

async function opened() {
  const fixture = await openCache(640, LINE);
  fixture.memory.bytes.fill(5);
  return fixture;
}

test('a fetch of more than was asked for that fails is tried again for what was asked for alone', async () => {
  const { cache, base, reads } = await opened();
  base.hold('read');
  const read = bytesAt(cache, 2, 3);
  await base.called('read');
  base.fail('read', 'IO');
  base.release();
  base.hold('read');
  await base.called('read', 2);
  base.heal();
  base.release();
  expect(await read).toEqual([5, 5, 5]);
  expect(reads).toEqual([{ start: 2, count: 3 }]);
  expect(cache.states(0, 8).map(({ start, state }) => [start, state])).toEqual([
    [0, 'absent'],
    [2, 'clean'],
    [5, 'absent'],
  ]);
});

test('the second failure is believed', async () => {
  const { cache, base } = await opened();
  base.fail('read', 'IO');
  await expect(bytesAt(cache, 2, 3)).rejects.toMatchObject({ code: 'IO', operation: 'read', start: 2, count: 3 });
  expect(base.calls('read')).toBe(2);
});

test('a failure of the way to the base is believed at once, and so is one of just what was asked for', async () => {
  const { cache, base } = await opened();
  base.fail('read', 'UNAVAILABLE');
  await expect(bytesAt(cache, 2, 3)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(base.calls('read')).toBe(1);
  base.fail('read', 'IO');
  await expect(bytesAt(cache, 8, 8)).rejects.toMatchObject({ code: 'IO' });
  expect(base.calls('read')).toBe(2);
  await expect(bytesAt(cache, 16, 7)).rejects.toMatchObject({ code: 'IO' });
  expect(base.calls('read')).toBe(4);
  await expect(bytesAt(cache, 25, 7)).rejects.toMatchObject({ code: 'IO' });
  expect(base.calls('read')).toBe(6);
});

test("readers that share another's fetch try by themselves when it fails, unless it is the way that failed", async () => {
  for (const [code, callsAfter] of [
    ['IO', 3],
    ['UNAVAILABLE', 1],
  ] as const) {
    const { cache, base } = await opened();
    base.hold('read');
    const both = Promise.allSettled([bytesAt(cache, 0, 2), bytesAt(cache, 4, 2)]);
    await base.called('read');
    base.fail('read', code);
    base.release();
    const errors = (await both).map((each) => each.status === 'rejected' && each.reason);
    expect(errors.map(({ code }) => code)).toEqual([code, code]);
    expect(errors[0]).not.toBe(errors[1]);
    expect(base.calls('read')).toBe(callsAfter);
  }
});

test('readers of the same sectors share the second failure too', async () => {
  const { cache, base } = await opened();
  base.hold('read');
  const all = Promise.allSettled(Array.from({ length: 5 }, () => bytesAt(cache, 2, 3)));
  await base.called('read');
  base.fail('read', 'IO');
  base.release();
  expect((await all).every(({ status }) => status === 'rejected')).toBe(true);
  expect(base.calls('read')).toBe(2);
});

test('a bad sector fails none of the readers in its line that do not ask for it, however many read at once', async () => {
  const bad = 3;
  const ranges = [
    [0, 2],
    [2, 3],
    [4, 2],
    [0, 3],
    [3, 1],
    [5, 3],
    [0, 8],
  ] as const;
  const device = createReferenceDevice(createMemory({ sectorSize: 512, sizeSectors: 64 }));
  const base = createDevice({
    name: 'with a bad sector',
    sectorSize: 512,
    sizeSectors: 64,
    atomicSectors: true,
    write: (start, buffers) => device.write(start, buffers),
    flush: () => device.flush(),
    resize: (sizeSectors) => device.resize(sizeSectors),
    disconnect: () => device.disconnect(),
    async read(start, buffers) {
      const count = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) / 512;
      if (start <= bad && bad < start + count) throw new BlockError('IO', 'a bad sector');
      await device.read(start, buffers);
    },
  });
  const cache = await connectCache(base, { ...LINE, readAhead: false });
  const results = await Promise.allSettled(ranges.map(([start, count]) => bytesAt(cache, start, count)));
  expect(results.map(({ status }) => status)).toEqual(
    ranges.map(([start, count]) => (start <= bad && bad < start + count ? 'rejected' : 'fulfilled')),
  );
});

test('a reader that met a read-ahead tries by itself whether that completes or fails', async () => {
  const { cache, base, reads } = await opened();
  base.hold('read');
  const prefetched = cache.prefetch(0, 8);
  const read = bytesAt(cache, 2, 3);
  await base.called('read');
  base.fail('read', 'UNAVAILABLE');
  base.release();
  base.hold('read');
  await base.called('read', 2);
  base.heal();
  base.release();
  await prefetched;
  expect(await read).toEqual([5, 5, 5]);
  expect(reads).toEqual([{ start: 2, count: 3 }]);
});

test("a reader whose sectors another's fetch does not bring tries for them afterwards", async () => {
  const { cache, base } = await opened();
  base.hold('read');
  const first = bytesAt(cache, 0, 1);
  await base.called('read');
  await cache.discard(4, 2);
  await cache.write(4, [filled(1, 9)]);
  const second = bytesAt(cache, 4, 3);
  base.release();
  expect([await first, await second]).toEqual([[5], [9, 0, 5]]);
});

test('of a read of many lines in which one fails, nothing is told before all fetches are over', async () => {
  const { cache, base } = await opened();
  await bytesAt(cache, 8, 8);
  base.hold('read');
  let isOver = false;
  const read = bytesAt(cache, 0, 24).finally(() => {
    isOver = true;
  });
  read.catch(() => {});
  await base.called('read', 3);
  base.fail('read', 'UNAVAILABLE');
  await macrotasks();
  expect(isOver).toBe(false);
  base.release();
  await expect(read).rejects.toMatchObject({ code: 'UNAVAILABLE', start: 0, count: 24 });
  base.heal();
  expect(await bytesAt(cache, 0, 24)).toEqual(Array(24).fill(5));
});

test('a line that is there in part is read for what is missing, from the first missing sector to the last', async () => {
  const { cache, reads } = await opened();
  await cache.write(0, [filled(2, 1)]);
  await cache.write(4, [filled(1, 2)]);
  await cache.write(7, [filled(1, 3)]);
  expect(await bytesAt(cache, 0, 8)).toEqual([1, 1, 5, 5, 2, 5, 5, 3]);
  expect(reads).toEqual([{ start: 2, count: 5 }]);
});

test('zeroes in the gaps of a line need no read, unless another gap does', async () => {
  const { cache, base } = await opened();
  await cache.write(1, [filled(1, 1)]);
  await cache.discard(0, 1);
  await cache.discard(2, 2);
  expect(await bytesAt(cache, 0, 4)).toEqual([0, 1, 0, 0]);
  expect(base.calls('read')).toBe(0);
  expect(await bytesAt(cache, 0, 8)).toEqual([0, 1, 0, 0, 5, 5, 5, 5]);
  expect(base.calls('read')).toBe(1);
});

test('zeroes take the place of what a buffer held, to its last byte', async () => {
  const { cache } = await opened();
  await cache.write(1, [filled(1, 1)]);
  await cache.discard(2, 4);
  await cache.discard(8, 8);
  const [parts, line] = [filled(5, 9), filled(8, 9)];
  await cache.read(1, [parts]);
  await cache.read(8, [line]);
  expect(fillsOf(parts)).toEqual([1, 0, 0, 0, 0]);
  expect(fillsOf(line)).toEqual(Array(8).fill(0));
});

test('what is read across lines moves up in the order in which lines leave, too', async () => {
  const { cache, base } = await openCache(8 * 400, { maxSizeBytes: 120_000, lineSize: 4096, policy: 'lru' });
  const { linesMax } = cache.snapshot();
  await bytesAt(cache, 0, 16);
  for (let line = 2; line < 3 * linesMax; line++) {
    await bytesAt(cache, line * 8, 8);
    await bytesAt(cache, 6, 4);
  }
  expect(base.calls('read')).toBe(3 * linesMax - 1);
});

test('every line of a full cache that is there in part is completed by one read, and written to where it is', async () => {
  const { cache, reads } = await openCache(8 * 400, { maxSizeBytes: 120_000, lineSize: 4096, policy: 'lru' });
  const lines = cache.snapshot().linesMax - 1;
  for (let line = 0; line < lines; line++) {
    await cache.write(line * 8 + 3, [filled(1, line + 1)]);
    await cache.flush();
  }
  expect(cache.snapshot().lines).toBe(lines);
  for (let line = 0; line < lines; line++) {
    await cache.write(line * 8 + 4, [filled(1, line + 2)]);
    expect(await bytesAt(cache, line * 8, 8)).toEqual([0, 0, 0, line + 1, line + 2, 0, 0, 0]);
  }
  expect([reads.length, cache.snapshot().lines]).toEqual([lines, lines]);
});

test('a request that crosses lines is served from wherever they lie in memory', async () => {
  const { cache, base } = await opened();
  for (const line of [3, 1, 2, 0]) await cache.write(line * 8, [filled(8, line + 1)]);
  expect(await bytesAt(cache, 6, 4)).toEqual([1, 1, 2, 2]);
  expect(await bytesAt(cache, 15, 10)).toEqual([2, 3, 3, 3, 3, 3, 3, 3, 3, 4]);
  await cache.write(14, [filled(4, 9)]);
  expect(await bytesAt(cache, 0, 32)).toEqual([
    ...Array(8).fill(1),
    ...Array(6).fill(2),
    ...Array(4).fill(9),
    ...Array(6).fill(3),
    ...Array(8).fill(4),
  ]);
  expect(base.calls('read')).toBe(0);
});

test('what is read moves up in the order in which lines leave', async () => {
  const { cache, base } = await openCache(8 * 400, { maxSizeBytes: 120_000, lineSize: 4096, policy: 'lru' });
  const { linesMax } = cache.snapshot();
  await bytesAt(cache, 0, 8);
  for (let line = 1; line < 3 * linesMax; line++) {
    await bytesAt(cache, line * 8, 8);
    await bytesAt(cache, line % 2, 2);
    await bytesAt(cache, 7, 1);
  }
  expect(base.calls('read')).toBe(3 * linesMax);
});

test('a line that is there in part and read for the rest counts as used', async () => {
  const { cache, base } = await openCache(8 * 400, { maxSizeBytes: 120_000, lineSize: 4096, policy: 'lru' });
  const { linesMax } = cache.snapshot();
  await cache.write(0, [filled(1, 1)]);
  await cache.flush();
  for (let line = 1; line < linesMax - 1; line++) await bytesAt(cache, line * 8, 8);
  await bytesAt(cache, 4, 1);
  await bytesAt(cache, linesMax * 8, 8);
  const calls = base.calls('read');
  await bytesAt(cache, 0, 8);
  expect(base.calls('read')).toBe(calls);
  await bytesAt(cache, 8, 8);
  expect(base.calls('read')).toBe(calls + 1);
});

test('readers of whole lines believe the one failure, which is about just what they asked for', async () => {
  const { cache, base } = await opened();
  base.hold('read');
  const both = Promise.allSettled([bytesAt(cache, 0, 8), bytesAt(cache, 0, 8)]);
  await base.called('read');
  base.fail('read', 'IO');
  base.release();
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(base.calls('read')).toBe(1);
});

test('a read never runs over into the memory of another line', async () => {
  const { cache } = await openCache(640, { lineSize: 32 * 512, maxSizeBytes: 1 << 20 });
  for (const line of [0, 5, 1]) await cache.write(line * 32, [filled(32, line + 1)]);
  expect(await bytesAt(cache, 28, 8)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  await cache.write(28, [filled(8, 9)]);
  expect(await bytesAt(cache, 5 * 32, 8)).toEqual(Array(8).fill(6));
  expect(await bytesAt(cache, 30, 6)).toEqual(Array(6).fill(9));
});
