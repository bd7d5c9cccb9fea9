import { expect, test } from 'vitest';
import { LruPolicy } from './eviction/policy-lru.js';
import type { PolicyOptions } from './policies.js';
import { bytesAt, filled, fillsOf, openCache, SECTOR } from './testing/fixture.js';

/** Of lines of 64 KiB. */
const LINE_SECTORS = 128;

test('C2: readers wait in order, none is refused, and memory stays within the budget', async () => {
  const budget = { maxSizeBytes: 100_000, lineSize: 4096 };
  const { cache, base, memory } = await openCache(8 * 400, budget);
  for (let line = 0; line < 400; line++) memory.bytes.fill(1 + (line % 250), line * 4096, (line + 1) * 4096);
  base.hold('read');
  const reads = Array.from({ length: 400 }, (_, line) => bytesAt(cache, line * 8, 8));
  expect(cache.snapshot().waitingRequests).toBeGreaterThan(300);
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(budget.maxSizeBytes);
  base.release();
  (await Promise.all(reads)).forEach((read, line) => {
    expect(read).toEqual(Array(8).fill(1 + (line % 250)));
  });
});

test('C3: writes stay in memory, and a sector written a thousand times reaches the base once, with its last contents', async () => {
  const { cache, base, memory } = await openCache(1024);
  for (let i = 0; i < 1000; i++) await cache.write(5, [filled(1, 1 + (i % 250))]);
  expect(base.calls('write')).toBe(0);
  await cache.flush();
  expect(base.calls('write')).toBe(1);
  expect(memory.bytes[5 * SECTOR]).toBe(250);
});

test('C3: at the configured age writes go to the base by themselves', async () => {
  const timers: { callback: () => void; dueMs: number }[] = [];
  let nowMs = 0;
  const clock = {
    now: () => nowMs,
    set: (callback: () => void, delayMs: number) => timers[timers.push({ callback, dueMs: nowMs + delayMs }) - 1],
    clear: (timer: unknown) => timers.splice(timers.indexOf(timer as (typeof timers)[number]), 1),
  };
  const { cache, base } = await openCache(1024, { clock, maxDirtyAgeMs: 5000 });
  await cache.write(0, [filled(1, 1)]);
  expect(timers.map(({ dueMs }) => dueMs)).toEqual([5000]);
  expect(base.calls('write')).toBe(0);
  nowMs = 5000;
  timers.shift()?.callback();
  await base.called('write');
  await cache.disconnect();
  expect(timers).toEqual([]);
});

test('C4: a partial write never reads from the base', async () => {
  const { cache, base } = await openCache(1024);
  await cache.write(3, [filled(1, 1)]);
  await cache.write(130, [filled(2, 2)]);
  expect(base.calls('read')).toBe(0);
  expect(await bytesAt(cache, 3, 1)).toEqual([1]);
  await cache.flush();
  expect(base.calls('read')).toBe(0);
});

test('C5: what is rewritten while it is being written back stays dirty', async () => {
  const { cache, base, memory } = await openCache(1024);
  await cache.write(0, [filled(1, 1)]);
  base.hold('write');
  const flushed = cache.flush();
  await base.called('write');
  await cache.write(0, [filled(1, 2)]);
  base.release();
  await flushed;
  expect(memory.bytes[0]).toBe(1);
  expect(cache.states(0, 1)).toEqual([{ start: 0, count: 1, state: 'dirty' }]);
  await cache.flush();
  expect(memory.bytes[0]).toBe(2);
  expect(cache.states(0, 1)).toEqual([{ start: 0, count: 1, state: 'clean' }]);
});

test('C6: a failed write-back is tried again with growing delay, and readable meanwhile', async () => {
  const delays: number[] = [];
  let due: (() => void) | undefined;
  const clock = {
    now: () => 0,
    set: (callback: () => void, delayMs: number) => {
      if (delayMs === 0) return;
      delays.push(delayMs);
      due = callback;
    },
    clear: () => {},
  };
  const options = { clock, minRetryDelayMs: 10, maxRetryDelayMs: 35, maxDirtyAgeMs: 0 };
  const { cache, base, memory } = await openCache(1024, options);
  base.fail('write', 'UNAVAILABLE');
  await cache.write(0, [filled(1, 9)]);
  for (let attempt = 1; attempt <= 4; attempt++) {
    await expect.poll(() => delays).toHaveLength(attempt);
    expect(await bytesAt(cache, 0, 1)).toEqual([9]);
    if (attempt === 4) base.heal();
    due?.();
  }
  expect(delays).toEqual([10, 20, 35, 35]);
  await expect.poll(() => memory.bytes[0]).toBe(9);
});

test('C6: a writer that needs space gets the error of a failing base, and only where no space can be made', async () => {
  const { cache, base } = await openCache(8 * 400, { maxSizeBytes: 100_000, lineSize: 4096, minRetryDelayMs: 1 });
  base.fail('write', 'NO_SPACE');
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, (_, line) => cache.write(line * 8, [filled(8, 1 + line)])),
  );
  const accepted = results.flatMap(({ status }, line) => (status === 'fulfilled' ? [line] : []));
  expect(accepted.length).toBeGreaterThan(0);
  expect(accepted.length).toBeLessThan(40);
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'NO_SPACE', operation: 'write' });
  }
  // Rewriting needs none; what was accepted is there; and cold reads still find room.
  await cache.write((accepted[0] ?? 0) * 8, [filled(8, 200)]);
  for (const line of accepted.slice(1)) expect(await bytesAt(cache, line * 8, 8)).toEqual(Array(8).fill(1 + line));
  expect(await bytesAt(cache, 300 * 8, 8)).toEqual(Array(8).fill(0));
  base.heal();
  await cache.flush();
});

test('C7: a hit waits for no miss', async () => {
  const { cache, base } = await openCache(1024);
  await cache.write(0, [filled(8, 1)]);
  base.hold('read');
  const miss = bytesAt(cache, 512, 8);
  await base.called('read');
  expect(await bytesAt(cache, 0, 8)).toEqual(Array(8).fill(1));
  base.release();
  await miss;
});

test('C7: only the missing runs are read, each by one read of the base, in parallel', async () => {
  const { cache, base, reads } = await openCache(128 * 8);
  await bytesAt(cache, 128 * 3, 1);
  reads.length = 0;
  base.hold('read');
  const read = bytesAt(cache, 0, 128 * 8);
  await base.called('read', 3);
  expect(reads).toEqual([]);
  base.release();
  await read;
  expect(reads.sort((a, b) => a.start - b.start)).toEqual([
    { start: 0, count: 128 * 3 },
    { start: 128 * 4, count: 128 * 4 },
  ]);
});

test('C7: a hundred misses of one range make one read of the base', async () => {
  const { cache, base } = await openCache(1024);
  base.hold('read');
  const all = Promise.all(Array.from({ length: 100 }, (_, i) => bytesAt(cache, i % 64, 8)));
  await base.called('read');
  base.release();
  await all;
  expect(base.calls('read')).toBe(1);
});

test('C7: what is written while its line is fetched stays, and the rest of the line arrives', async () => {
  const { cache, base, memory } = await openCache(1024);
  memory.bytes.fill(5);
  base.hold('read');
  const read = bytesAt(cache, 0, 4);
  await base.called('read');
  await cache.write(1, [filled(1, 8)]);
  await cache.discard(2, 1);
  base.release();
  await read;
  expect(await bytesAt(cache, 0, 4)).toEqual([5, 8, 0, 5]);
  expect(base.calls('read')).toBe(1);
});

test('C7: a second write to a line that is being fetched is as safe as the first', async () => {
  const { cache, base } = await openCache(1024);
  base.hold('read');
  const read = bytesAt(cache, 0, 1);
  await base.called('read');
  await cache.write(0, [filled(1, 8)]);
  await cache.write(1, [filled(1, 9)]);
  base.release();
  await read;
  expect(await bytesAt(cache, 0, 2)).toEqual([8, 9]);
});

test('C7: a bad sector fails the reads that ask for it, not those of its neighbours', async () => {
  const { cache, base } = await openCache(1024);
  await cache.write(0, [filled(1, 1)]);
  base.fail('read', 'IO');
  await expect(bytesAt(cache, 8, 1)).rejects.toMatchObject({ code: 'IO', operation: 'read', start: 8, count: 1 });
  expect(await bytesAt(cache, 0, 1)).toEqual([1]);
  base.heal();
  expect(await bytesAt(cache, 8, 1)).toEqual([0]);
});

test('C8: a scan of many times the memory leaves the working set alone', async () => {
  const { cache } = await openCache(LINE_SECTORS * 1024, { maxSizeBytes: 5 * 2 ** 20, readAhead: true });
  const hot = Math.floor(cache.snapshot().linesMax / 2);
  const readHot = async () => {
    for (let line = 0; line < hot; line++) await bytesAt(cache, line * LINE_SECTORS, 8);
  };
  for (let round = 0; round < 20; round++) await readHot();
  for (let line = hot; line < 1024; line++) await bytesAt(cache, line * LINE_SECTORS, LINE_SECTORS);
  const before = cache.snapshot();
  await readHot();
  const after = cache.snapshot();
  // What is in the window when the scan begins, a tenth of the memory at most, may go with it.
  expect(after.hits - before.hits).toBeGreaterThanOrEqual(hot - 0.1 * before.linesMax);
});

test.each([8, LINE_SECTORS, 3 * LINE_SECTORS])(
  'C8: three readers in sequence, of %i sectors at a time, are read ahead of by long reads of the base',
  async (count) => {
    const { cache, reads } = await openCache(LINE_SECTORS * 1024, { maxSizeBytes: 2 ** 24, readAhead: true });
    for (let at = 0; at < LINE_SECTORS * 96; at += count) {
      for (const start of [0, 300, 700]) await bytesAt(cache, start * LINE_SECTORS + at, count);
    }
    const read = reads.reduce((sum, read) => sum + read.count, 0);
    expect(read).toBeLessThan(3 * 2 * 96 * LINE_SECTORS);
    expect(reads.length).toBeLessThan((3 * 96) / 2);
  },
);

test('C9: a flush with nothing dirty writes nothing, and two at once share their work', async () => {
  const { cache, base } = await openCache(1024);
  await cache.write(0, [filled(1, 1)]);
  await Promise.all([cache.flush(), cache.flush()]);
  expect(base.calls('write')).toBe(1);
  expect(base.calls('flush')).toBeLessThanOrEqual(2);
  const { baseFlushes } = cache.snapshot();
  await cache.flush();
  expect(base.calls('write')).toBe(1);
  expect(cache.snapshot().baseFlushes).toBe(baseFlushes);
});

/** Least recently used leaves first; and how many lines it was asked about. */
class CountingPolicy extends LruPolicy {
  static looks = 0;

  override find(key: number): number {
    CountingPolicy.looks++;
    return super.find(key);
  }

  override entries(visit: (entry: number, key: number) => void): void {
    super.entries((entry, key) => {
      CountingPolicy.looks++;
      visit(entry, key);
    });
  }
}

/** How many lines each operation on a few lines looks at, with so many in memory, and a fifth of them dirty. */
async function looksWith(lines: number): Promise<Record<string, number>> {
  const looks: Record<string, number> = {};
  const policy = (options: PolicyOptions) => new CountingPolicy(options);
  const { cache, base } = await openCache(8 * 4000, { maxSizeBytes: 20 * 2 ** 20, lineSize: 4096, policy });
  const count = async (name: string, operation: () => unknown) => {
    const before = CountingPolicy.looks;
    await operation();
    looks[name] = CountingPolicy.looks - before;
  };
  for (let line = 0; line < lines; line++) await bytesAt(cache, 8 * line, 8);
  base.fail('discard', 'IO');
  await cache.discard(8 * 3000, 32);
  await count('a zeroing that fails', () => cache.flush().catch(() => {}));
  base.heal();
  await cache.flush();
  for (let line = 0; line < lines / 5; line++) await cache.write(8 * line, [filled(8, 1)]);
  await count('read', () => bytesAt(cache, 16, 24));
  await count('write', () => cache.write(16, [filled(24, 1)]));
  await count('lend', () => cache.lend?.(16, 24)?.release());
  await count('states', () => cache.states(16, 24));
  await count('extents', () => cache.extents(16, 24));
  await count('prefetch', () => cache.prefetch(16, 24));
  await count('flush of a range', () => cache.flush({ start: 16, count: 24 }));
  await count('writeZeroes', () => cache.writeZeroes(16, 24));
  await count('discard', () => cache.discard(16, 24));
  await cache.flush();
  await cache.write(0, [filled(8, 1)]);
  await count('extents of all, where one line is dirty', () => cache.extents(0, 8 * 4000));
  await count('resize', () => cache.resize(8 * 3999));
  expect(cache.snapshot().lines).toBeGreaterThan(lines - 10);
  await cache.disconnect();
  return looks;
}

test('C10: what an operation looks at does not depend on how much is cached or dirty', async () => {
  const few = await looksWith(500);
  expect(await looksWith(3000)).toEqual(few);
  expect(Math.max(...Object.values(few))).toBeLessThan(1000);
});

test('write-back is ascending, joins neighbours, and fills short gaps with what is held', async () => {
  const { cache, writes } = await openCache(16 * 2048);
  await bytesAt(cache, 0, 128);
  for (const start of [9 * 2048, 64, 0, 32, 4 * 2048 + 8, 4 * 2048]) await cache.write(start, [filled(8, 1)]);
  await cache.flush();
  expect(writes).toEqual([
    { start: 0, count: 72 },
    { start: 4 * 2048, count: 16 },
    { start: 9 * 2048, count: 8 },
  ]);
});

test('dirty lines go to the base before the cache is full of them', async () => {
  const { cache, base } = await openCache(8 * 4000, { maxSizeBytes: 2 ** 20, lineSize: 4096 });
  const { linesMax } = cache.snapshot();
  for (let line = 0; line < Math.ceil(linesMax * 0.3); line++) await cache.write(line * 8, [filled(8, 1)]);
  await base.called('write');
  await expect.poll(() => cache.snapshot().dirtyLines).toBeLessThanOrEqual(linesMax * 0.25);
});

test('discarding a tebibyte is one interval and one call of the base', async () => {
  const { connectMemory } = await import('@blockyard/backend-memory');
  const { ControlledBase } = await import('@blockyard/conformance/testing');
  const { connectCache } = await import('./connect.js');
  const sizeSectors = 2 ** 40 / SECTOR;
  const base = new ControlledBase(await connectMemory({ sectorSize: SECTOR, sizeSectors }));
  const cache = await connectCache(base);
  await cache.write(12_345, [filled(1, 1)]);
  await cache.discard(0, sizeSectors);
  expect(cache.snapshot()).toMatchObject({ zeroRanges: 1, dirtyLines: 0, lines: 0 });
  expect(await bytesAt(cache, 12_345, 1)).toEqual([0]);
  await cache.flush();
  expect(base.calls('discard')).toBe(1);
  expect(base.calls('write')).toBe(0);
});

test('C11: the states of a range say what is absent, zero, clean and dirty', async () => {
  const { cache } = await openCache(1024);
  await bytesAt(cache, 0, 1);
  await cache.write(4, [filled(2, 1)]);
  await cache.writeZeroes(200, 10);
  expect(cache.states(0, 300)).toEqual([
    { start: 0, count: 4, state: 'clean' },
    { start: 4, count: 2, state: 'dirty' },
    { start: 6, count: 122, state: 'clean' },
    { start: 128, count: 72, state: 'absent' },
    { start: 200, count: 10, state: 'zero' },
    { start: 210, count: 90, state: 'absent' },
  ]);
});

test('write-through: an accepted write is in the base', async () => {
  const { cache, memory, base } = await openCache(1024, { mode: 'writethrough' });
  await cache.write(7, [filled(1, 6)]);
  expect(memory.bytes[7 * SECTOR]).toBe(6);
  base.fail('write', 'IO');
  await expect(cache.write(8, [filled(1, 6)])).rejects.toMatchObject({ code: 'IO' });
});

test('prefetch brings a range in, and reads of it do not ask the base', async () => {
  const { cache, base, memory } = await openCache(4096);
  memory.bytes.fill(3);
  await cache.prefetch(100, 3000);
  const reads = base.calls('read');
  const buffer = new Uint8Array(3000 * SECTOR);
  await cache.read(100, [buffer]);
  expect(fillsOf(buffer)).toEqual(Array(3000).fill(3));
  expect(base.calls('read')).toBe(reads);
});

test('options that are unknown or make no sense are refused, and the base is left alone', async () => {
  for (const options of [
    { maxSize: 5 },
    { maxSizeBytes: 1000 },
    { maxSizeBytes: -1 },
    { lineSize: 1000 },
    { lineSize: 256 },
    { mode: 'fast' },
    { policy: 'random' },
    { maxWriteConcurrency: 0 },
    { maxDirtyAgeMs: Number.NaN },
  ]) {
    await expect(openCache(64, options as object)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  }
});

test('C2: the budget can be lowered and raised at work, and dirty data that have to leave reach the base', async () => {
  const mebibyte = 2 ** 20;
  const { cache, memory } = await openCache(32 * 2048, { maxSizeBytes: 16 * mebibyte, lineSize: 4096 });
  for (let line = 0; line < 2000; line++) await cache.write(line * 8, [filled(8, 1 + (line % 250))]);
  expect(cache.snapshot().heldBytes).toBeGreaterThan(8 * mebibyte);
  await cache.setMaxSizeBytes(3 * mebibyte);
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(3 * mebibyte);
  for (let line = 0; line < 2000; line += 7)
    expect(await bytesAt(cache, line * 8, 8)).toEqual(Array(8).fill(1 + (line % 250)));
  await cache.setMaxSizeBytes(24 * mebibyte);
  for (let line = 0; line < 4000; line++) await cache.write(line * 8, [filled(8, 1 + (line % 200))]);
  expect(cache.snapshot().heldBytes).toBeGreaterThan(8 * mebibyte);
  expect(cache.snapshot().heldBytes).toBeLessThanOrEqual(24 * mebibyte);
  await cache.flush();
  for (let line = 0; line < 4000; line += 11) expect(memory.bytes[line * 4096]).toBe(1 + (line % 200));
  await expect(cache.setMaxSizeBytes(1000)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('C11: the map has every sector in one state, in as many cells as asked for', async () => {
  const { cache, base } = await openCache(1000);
  await bytesAt(cache, 0, 1);
  await cache.write(4, [filled(2, 1)]);
  await cache.writeZeroes(200, 100);
  const map = cache.map(10);
  expect([map.cells, map.cellSectors]).toEqual([10, 100]);
  expect([...map.sectors.dirty]).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect([...map.sectors.clean]).toEqual([98, 28, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect([...map.sectors.zero]).toEqual([0, 0, 100, 0, 0, 0, 0, 0, 0, 0]);
  expect([...map.sectors.absent]).toEqual([0, 72, 0, 100, 100, 100, 100, 100, 100, 100]);
  base.hold('write', 'read');
  const flushed = cache.flush();
  const read = bytesAt(cache, 900, 1);
  await base.called('write');
  expect(cache.map(1).sectors.writing[0]).toBe(2);
  expect(cache.map(1).sectors.reading[0]).toBe(104);
  base.release();
  await Promise.all([flushed, read]);
  expect(cache.snapshot().latencies.baseRead.count).toBe(2);
});
