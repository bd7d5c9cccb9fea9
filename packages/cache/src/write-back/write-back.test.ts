import { ManualClock, macrotasks } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { bytesAt, filled, openCache } from '../testing/fixture.js';

const LINE_SECTORS = 8;
const LINE = { lineSize: 4096, maxSizeBytes: 1 << 20 };
/** A base that takes one line at a time: every line is a group of its own. */
const LINE_BYTES = 4096;

const line = (number: number) => number * LINE_SECTORS;
const opened = (options = {}) => openCache(line(4000), { ...LINE, ...options }, LINE_BYTES);

test('writers wait as soon as half of the lines are dirty', async () => {
  const { cache, base } = await opened({ maxWriteConcurrency: 1 });
  const { linesMax } = cache.snapshot();
  base.hold('write');
  let accepted = 0;
  const writes = Array.from({ length: linesMax }, (_, i) =>
    cache.write(line(i), [filled(8, 1)]).then(() => accepted++),
  );
  await macrotasks();
  expect(accepted).toBe(Math.floor(linesMax / 2));
  expect(cache.snapshot()).toMatchObject({ dirtyLines: accepted, waitingRequests: linesMax - accepted });
  // What is dirty already can be written again without a share.
  await cache.write(line(accepted - 1), [filled(1, 2), filled(1, 2)]);
  base.release();
  await Promise.all(writes);
});

test('writing begins above a quarter of the lines and ends at a fifth', async () => {
  const { cache, base } = await opened({ maxWriteConcurrency: 1 });
  const { linesMax } = cache.snapshot();
  const start = Math.floor(linesMax / 4);
  for (let i = 0; i < start; i++) await cache.write(line(i), [filled(8, 1)]);
  await macrotasks();
  expect(base.calls('write')).toBe(0);
  await cache.write(line(start), [filled(8, 1)]);
  await base.called('write');
  while (cache.snapshot().writesInFlight > 0) await macrotasks();
  expect(cache.snapshot().dirtyLines).toBe(Math.floor(linesMax / 5));
});

test('the oldest data go first', async () => {
  const { cache, writes } = await opened();
  const { linesMax } = cache.snapshot();
  const start = Math.floor(linesMax / 4);
  for (let i = 0; i <= start; i++) await cache.write(line(start - i), [filled(8, 1)]);
  while (cache.snapshot().writesInFlight > 0) await macrotasks();
  const gone = writes.map(({ start: sector }) => sector / LINE_SECTORS);
  expect(gone).toEqual(Array.from({ length: gone.length }, (_, i) => start - i));
});

test('the nearer the limit, the more writes are in flight', async () => {
  const { cache, base } = await opened({ maxWriteConcurrency: 10 });
  const { linesMax } = cache.snapshot();
  const [stop, start, limit] = [0.2, 0.25, 0.5].map((share) => Math.floor(linesMax * share)) as [
    number,
    number,
    number,
  ];
  base.hold('write');
  const seen = new Set<number>();
  for (let dirty = 1; dirty <= limit; dirty++) {
    await cache.write(line(dirty), [filled(8, 1)]);
    const expected = dirty <= start ? 0 : Math.ceil(((dirty - stop) / (limit - stop)) * 10);
    expect(cache.snapshot().writesInFlight).toBe(expected);
    seen.add(expected);
  }
  expect(Math.max(...seen)).toBe(10);
  expect(seen.size).toBeGreaterThan(7);
  base.release();
});

test('a flush has as many writes in flight as there may be, and no more', async () => {
  const { cache, base } = await opened({ maxWriteConcurrency: 3 });
  for (let i = 0; i < 10; i++) await cache.write(line(i), [filled(8, 1)]);
  base.hold('write');
  const flushed = cache.flush();
  await base.called('write');
  expect(cache.snapshot().writesInFlight).toBe(3);
  base.release();
  await flushed;
  expect(cache.snapshot()).toMatchObject({ writesInFlight: 0, dirtyLines: 0, linesWrittenBack: 10 });
});

test('zeroes are not told to the base before they are due, though dirty lines go', async () => {
  const { cache, base } = await opened();
  const { linesMax } = cache.snapshot();
  await cache.discard(line(3000), 8);
  for (let i = 0; i <= linesMax / 4; i++) await cache.write(line(i), [filled(8, 1)]);
  while (cache.snapshot().writesInFlight > 0) await macrotasks();
  expect(base.calls('write')).toBeGreaterThan(0);
  expect([base.calls('discard'), cache.snapshot().zeroRanges]).toEqual([0, 1]);
});

test('zeroes are told when they are old, or when there are many', async () => {
  const clock = new ManualClock({ strict: true });
  const { cache, base } = await opened({ clock, maxDirtyAgeMs: 100 });
  await cache.discard(line(3000), 8);
  clock.advance(99);
  await macrotasks();
  expect(base.calls('discard')).toBe(0);
  clock.advance(1);
  await macrotasks();
  expect([base.calls('discard'), cache.snapshot().zeroRanges]).toEqual([1, 0]);
  const rangesMax = Math.floor((LINE.maxSizeBytes * 0.01) / 40);
  for (let i = 0; i < Math.floor(rangesMax / 2); i++) await cache.discard(line(2 * i), 8);
  await macrotasks();
  expect(base.calls('discard')).toBe(1);
  await cache.discard(line(3998), 8);
  await base.called('discard', 2);
});

test('zeroing waits where there are too many ranges to remember, and goes on', async () => {
  const { cache, base } = await opened();
  const rangesMax = Math.floor((LINE.maxSizeBytes * 0.01) / 40);
  base.hold('discard');
  let accepted = 0;
  const all = Array.from({ length: 1000 }, (_, i) => cache.discard(line(2 * i), 8).then(() => accepted++));
  await macrotasks();
  // Those on their way make room for as many more.
  expect(accepted - cache.snapshot().writesInFlight).toBe(rangesMax);
  expect(cache.snapshot().waitingRequests).toBe(1000 - accepted);
  base.release();
  await Promise.all(all);
  expect(accepted).toBe(1000);
});

test('a flush of a range waits for what lies in it, and for nothing else', async () => {
  const { cache, base, writes } = await opened();
  for (const i of [1, 5, 9]) await cache.write(line(i), [filled(8, 1)]);
  await cache.discard(line(20), 8);
  await cache.flush({ start: line(5), count: 8 });
  expect(writes).toEqual([{ start: line(5), count: 8 }]);
  expect([base.calls('discard'), cache.snapshot().dirtyLines]).toEqual([0, 2]);
  await cache.flush({ start: line(20), count: 1 });
  expect(base.calls('discard')).toBe(1);
});

test('a flush of a range waits for a write of it that is under way, and not for what is written after the call', async () => {
  const { cache, base, writes } = await opened();
  await cache.write(line(5), [filled(8, 1)]);
  base.hold('write');
  const all = cache.flush();
  await base.called('write');
  let isOver = false;
  const range = cache.flush({ start: line(5), count: 8 }).then(() => {
    isOver = true;
  });
  await cache.write(line(5), [filled(8, 2)]);
  await macrotasks();
  expect(isOver).toBe(false);
  base.release();
  await Promise.all([all, range]);
  expect([writes.length, cache.snapshot().dirtyLines]).toEqual([1, 1]);
});

test('a flush of a range does not wait for a write that began with newer data', async () => {
  const { cache, base } = await opened();
  await cache.write(line(5), [filled(8, 1)]);
  base.hold('write');
  const first = cache.flush();
  await base.called('write');
  await cache.write(line(5), [filled(8, 2)]);
  base.release();
  await first;
  base.fail('write', 'IO');
  await expect(cache.flush({ start: line(5), count: 1 })).rejects.toMatchObject({ code: 'IO' });
  base.heal();
  await cache.flush({ start: line(5), count: 1 });
  expect(cache.snapshot().dirtyLines).toBe(0);
});

test('a flush of a range does not wait for a clean line that another write takes along', async () => {
  const { cache, base, writes } = await openCache(line(400), LINE, 16 * LINE_BYTES);
  await bytesAt(cache, line(0), 24);
  for (const i of [0, 2]) await cache.write(line(i), [filled(8, 1)]);
  base.hold('write');
  const all = cache.flush();
  await base.called('write');
  await cache.flush({ start: line(1), count: 8 });
  expect(base.calls('write')).toBe(1);
  base.release();
  await all;
  expect(writes).toEqual([{ start: 0, count: 24 }]);
});

test('zeroes wait for a write of the same place that is under way, and for no other', async () => {
  for (const [waits, goes] of [
    [line(5) + 7, line(4)],
    [line(5) - 7, line(6)],
  ] as const) {
    const { cache, base } = await opened();
    await cache.write(line(5), [filled(8, 1)]);
    base.hold('write');
    const first = cache.flush();
    await base.called('write');
    await cache.discard(waits, 8);
    const second = cache.flush();
    await macrotasks();
    expect(base.calls('discard')).toBe(0);
    await cache.discard(goes, 8);
    await cache.discard(line(90), 8);
    const third = cache.flush();
    await macrotasks();
    base.release();
    await Promise.all([first, second, third]);
    expect(cache.snapshot().zeroRanges).toBe(0);
    const zeroed = new Set([waits, goes].flatMap((start) => Array.from({ length: 8 }, (_, i) => start + i)));
    const expected = Array.from({ length: 8 }, (_, i) => (zeroed.has(line(5) + i) ? 0 : 1));
    expect(await bytesAt(cache, line(5), 8)).toEqual(expected);
    expect(await bytesAt(base, line(5), 8)).toEqual(expected);
  }
});

test('a write under way holds up no zeroes elsewhere, not even beside it', async () => {
  const { cache, base } = await opened();
  await cache.write(line(5), [filled(8, 1)]);
  base.hold('write');
  const first = cache.flush();
  await base.called('write');
  for (const i of [4, 6, 9]) await cache.discard(line(i), 8);
  const second = cache.flush();
  await macrotasks();
  expect([base.calls('discard'), cache.snapshot().zeroRanges]).toEqual([3, 0]);
  base.release();
  await Promise.all([first, second]);
});

test('data wait for zeroes of the same place that are under way, and for no other', async () => {
  const { cache, base, memory, writes } = await opened();
  await cache.discard(line(5), 8);
  base.hold('discard');
  const first = cache.flush();
  await base.called('discard');
  for (const i of [4, 5, 6]) await cache.write(line(i), [filled(8, i)]);
  const second = cache.flush();
  await macrotasks();
  expect(writes.map(({ start }) => start)).toEqual([line(4), line(6)]);
  base.release();
  await Promise.all([first, second]);
  expect(memory.bytes[line(5) * 512]).toBe(5);
});

test('after a failure one write tries, and after its success as many as before; the delay starts anew', async () => {
  const clock = new ManualClock({ strict: true });
  const delays = { minRetryDelayMs: 10, maxRetryDelayMs: 1000 };
  const { cache, base } = await opened({ clock, ...delays, maxDirtyAgeMs: 0, maxWriteConcurrency: 4 });
  base.fail('write', 'UNAVAILABLE');
  for (let i = 0; i < 8; i++) await cache.write(line(i), [filled(8, 1)]);
  await macrotasks();
  expect(clock.dueMs).toEqual([10]);
  const calls = base.calls('write');
  await cache.write(line(8), [filled(8, 1)]);
  await macrotasks();
  expect(base.calls('write')).toBe(calls);
  clock.advance(10);
  await macrotasks();
  expect([base.calls('write'), clock.dueMs]).toEqual([calls + 1, [30]]);
  base.heal();
  base.hold('write');
  clock.advance(20);
  await macrotasks();
  expect(base.calls('write')).toBe(calls + 2);
  base.release('write');
  base.hold('write');
  await macrotasks();
  expect(cache.snapshot().writesInFlight).toBe(4);
  base.fail('write', 'UNAVAILABLE');
  base.release();
  await macrotasks();
  expect(clock.dueMs).toEqual([clock.now() + 10]);
  await cache.disconnect({ force: true });
  expect(clock.timers).toEqual([]);
});

test('a flush tries at once, whatever delay is under way, and reports its own failure', async () => {
  const clock = new ManualClock({ strict: true });
  const { cache, base } = await opened({ clock, minRetryDelayMs: 10 });
  await cache.write(line(0), [filled(8, 1)]);
  base.fail('write', 'UNAVAILABLE');
  await expect(cache.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(cache.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect([base.calls('write'), clock.dueMs]).toEqual([2, [10]]);
  base.heal();
  await cache.flush();
  expect([clock.timers, cache.snapshot().dirtyLines]).toEqual([[], 0]);
});

test('zeroes that failed are told again with the next attempt', async () => {
  const clock = new ManualClock({ strict: true });
  const { cache, base } = await opened({ clock, minRetryDelayMs: 10 });
  await cache.discard(line(0), 8);
  base.fail('discard', 'UNAVAILABLE');
  await expect(cache.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  base.heal();
  clock.advance(10);
  await macrotasks();
  expect([base.calls('discard'), cache.snapshot().zeroRanges]).toEqual([2, 0]);
});

test('a resize waits for what is written back and read ahead meanwhile, and nothing begins before it is over', async () => {
  const { cache, base } = await opened({ maxDirtyAgeMs: 0, maxWriteConcurrency: 1 });
  base.hold('write', 'read');
  for (const i of [0, 1]) await cache.write(line(i), [filled(8, 1)]);
  void cache.prefetch(line(100), 8);
  await Promise.all([base.called('write'), base.called('read')]);
  const resized = cache.resize(line(3000));
  await macrotasks();
  expect(base.calls('resize')).toBe(0);
  base.hold('resize');
  base.release('write');
  await macrotasks();
  expect([base.calls('resize'), base.calls('write')]).toEqual([0, 1]);
  base.release('read');
  await base.called('resize');
  expect(base.calls('write')).toBe(1);
  base.release();
  await resized;
  await base.called('write', 2);
});

test('a resize that fails lets everything go on as before', async () => {
  const { cache, base } = await opened();
  await cache.write(line(3500), [filled(8, 1)]);
  base.fail('resize', 'NO_SPACE');
  await expect(cache.resize(line(10))).rejects.toMatchObject({ code: 'NO_SPACE' });
  expect(await bytesAt(cache, line(3500), 8)).toEqual(Array(8).fill(1));
  await cache.flush();
  expect(base.calls('write')).toBe(1);
});

test('growing and shrinking alone make the next flush one of the base', async () => {
  const { cache, base } = await opened();
  await cache.flush();
  const before = base.calls('flush');
  await cache.resize(line(4100));
  await cache.flush();
  expect(base.calls('flush')).toBe(before + 1);
  await cache.flush();
  expect(base.calls('flush')).toBe(before + 1);
});

test('given up by force, it begins nothing, and all that wait are told', async () => {
  const { cache, base } = await opened({ maxWriteConcurrency: 1, maxDirtyAgeMs: 0 });
  base.hold('write');
  for (const i of [0, 1, 2]) await cache.write(line(i), [filled(8, 1)]);
  const flushed = cache.flush();
  await base.called('write');
  await cache.disconnect({ force: true });
  await expect(flushed).rejects.toMatchObject({ code: 'DISCONNECTED' });
  base.release();
  await macrotasks();
  expect(base.calls('write')).toBe(1);
  expect(cache.snapshot()).toMatchObject({ writesInFlight: 0 });
});

test('a disconnect that the base refuses leaves a cache that works', async () => {
  const { cache, base } = await opened();
  base.fail('disconnect', 'IO');
  await expect(cache.disconnect()).rejects.toMatchObject({ code: 'IO' });
  base.heal();
  await cache.write(line(0), [filled(8, 1)]);
  await cache.flush();
  expect(await bytesAt(cache, line(100), 1)).toEqual([0]);
  await cache.prefetch(line(200), 8);
  expect(base.calls('read')).toBe(2);
  await cache.disconnect();
});
