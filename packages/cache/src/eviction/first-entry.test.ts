import { describe, expect, test } from 'vitest';
import type { PolicyOptions } from '../policies.js';
import { FifoPolicy } from '../testing/fifo-policy.js';
import { bytesAt, type Fixture, filled, fillsOf, openCache, SECTOR } from '../testing/fixture.js';

const LINE_SECTORS = 8;
/** Room for some twenty lines. */
const STARVED = { lineSize: 4096, maxSizeBytes: 160_000 };

/** A policy that tells which entries are used. */
class TellingPolicy extends FifoPolicy {
  readonly touched: number[] = [];

  override touch(entry: number): void {
    this.touched.push(entry);
    super.touch(entry);
  }
}

/** A cache whose policy names the first line that comes in by entry 0. */
async function opened(options = {}): Promise<Fixture & { readonly policy: TellingPolicy }> {
  const made: TellingPolicy[] = [];
  const make = (size: PolicyOptions) => {
    const policy = new TellingPolicy(size);
    made.push(policy);
    return policy;
  };
  const fixture = await openCache(1000 * LINE_SECTORS, { ...STARVED, policy: make, ...options }, 4096);
  fixture.memory.bytes.fill(5);
  const policy = made.at(-1);
  if (policy === undefined) throw new Error('there is a policy');
  return { ...fixture, policy };
}

const FIVES = Array(LINE_SECTORS).fill(5);
const stateOf = ({ cache }: Fixture) => cache.states(0, LINE_SECTORS).map(({ count, state }) => [count, state]);

/** Reads of line after line, which the base holds up, until they have all of the memory that is left and one waits. */
function takeMemory({ cache }: Fixture): Promise<unknown> {
  const reads: Promise<unknown>[] = [];
  for (let line = 100; cache.snapshot().waitingRequests === 0; line++) {
    reads.push(bytesAt(cache, line * LINE_SECTORS, LINE_SECTORS));
  }
  return Promise.all(reads);
}

describe('A line that the policy names by entry 0', () => {
  test('is read once, and counts as used each time after', async () => {
    const { cache, reads, policy } = await opened();
    await bytesAt(cache, 0, LINE_SECTORS);
    expect([policy.find(0), policy.touched]).toEqual([0, []]);
    await bytesAt(cache, 2, 2);
    await cache.read(2, [filled(1, 0), filled(1, 0)]);
    await bytesAt(cache, 6, 4);
    expect(policy.touched).toEqual([0, 0, 0]);
    expect(reads.map(({ start }) => start)).toEqual([0, 8]);
    expect(cache.snapshot()).toMatchObject({ lookups: 5, hits: 3 });
  });

  test('is completed by one read where it is there in part, and shares a fetch', async () => {
    const { cache, base, reads, policy } = await opened();
    await cache.write(0, [filled(2, 1)]);
    base.hold('read');
    const both = Promise.all([bytesAt(cache, 0, LINE_SECTORS), bytesAt(cache, 4, 2)]);
    await base.called('read');
    expect([reads, cache.map(1).sectors.reading[0]]).toEqual([[], 6]);
    base.release();
    expect(await both).toEqual([
      [1, 1, 5, 5, 5, 5, 5, 5],
      [5, 5],
    ]);
    expect([reads, policy.touched]).toEqual([[{ start: 2, count: 6 }], [0, 0]]);
  });

  test('is written to in place, dirty or clean, and reaches the base once', async () => {
    const fixture = await opened();
    const { cache, writes, policy } = fixture;
    await cache.write(0, [filled(2, 1)]);
    await cache.write(1, [filled(2, 2)]);
    expect(stateOf(fixture)).toEqual([
      [3, 'dirty'],
      [5, 'absent'],
    ]);
    await cache.flush();
    await cache.write(2, [filled(1, 3), filled(1, 4)]);
    expect([cache.snapshot().lines, policy.touched]).toEqual([1, [0, 0]]);
    await cache.flush({ start: 0, count: LINE_SECTORS });
    expect(writes).toEqual([
      { start: 0, count: 3 },
      { start: 2, count: 2 },
    ]);
    expect(await bytesAt(cache, 0, LINE_SECTORS)).toEqual([1, 2, 3, 4, 5, 5, 5, 5]);
  });

  test('is written back with its group, and by a flush of its range', async () => {
    for (const range of [undefined, { start: 0, count: LINE_SECTORS }]) {
      const { cache, memory } = await opened();
      await cache.write(0, [filled(LINE_SECTORS, 1)]);
      await cache.flush(range);
      expect(fillsOf(memory.bytes.subarray(0, 9 * SECTOR))).toEqual([...Array(8).fill(1), 5]);
      expect(cache.snapshot().dirtyLines).toBe(0);
    }
  });

  test('that is dirty leaves when its memory is wanted', async () => {
    const { cache, memory } = await opened();
    const { linesMax } = cache.snapshot();
    await cache.write(0, [filled(LINE_SECTORS, 1)]);
    for (let line = 1; line < 3 * linesMax; line++) await bytesAt(cache, line * LINE_SECTORS, LINE_SECTORS);
    expect(memory.bytes[0]).toBe(1);
    expect(cache.snapshot()).toMatchObject({ dirtyLines: 0, parkedLines: 0 });
    expect(await bytesAt(cache, 0, 1)).toEqual([1]);
  });

  test('that is on its way to the base is written to without waiting, though too much is dirty', async () => {
    const { cache, base, memory } = await opened();
    base.hold('write');
    await cache.write(0, [filled(4, 1)]);
    const flushed = cache.flush();
    await base.called('write');
    const others: Promise<unknown>[] = [];
    for (let line = 1; cache.snapshot().waitingRequests === 0; line++) {
      others.push(cache.write(line * LINE_SECTORS, [filled(LINE_SECTORS, 2)]));
    }
    const written = cache.write(6, [filled(2, 3)]);
    expect(cache.snapshot().waitingRequests).toBe(1);
    base.release();
    await Promise.all([flushed, written, ...others]);
    await cache.flush();
    expect(fillsOf(memory.bytes.subarray(0, 8 * SECTOR))).toEqual([1, 1, 1, 1, 5, 5, 3, 3]);
  });

  test('is zeroed, told of and mapped like any other', async () => {
    const fixture = await opened();
    const { cache } = fixture;
    await cache.write(0, [filled(4, 1)]);
    await cache.discard(2, 4);
    expect(stateOf(fixture)).toEqual([
      [2, 'dirty'],
      [4, 'zero'],
      [2, 'absent'],
    ]);
    const { dirty, zero, absent } = cache.map(1000).sectors;
    expect([dirty[0], zero[0], absent[0]]).toEqual([2, 4, 2]);
    expect((await cache.extents(0, LINE_SECTORS)).map(({ count, type }) => [count, type])).toEqual([
      [2, 'data'],
      [4, 'zero'],
      [2, 'data'],
    ]);
    expect(await bytesAt(cache, 0, LINE_SECTORS)).toEqual([1, 1, 0, 0, 0, 0, 5, 5]);
    await cache.writeZeroes(0, LINE_SECTORS);
    expect([stateOf(fixture), cache.snapshot().dirtyLines]).toEqual([[[8, 'zero']], 0]);
    expect(await bytesAt(cache, 0, LINE_SECTORS)).toEqual(Array(LINE_SECTORS).fill(0));
  });

  test('is lent, and is moved when it is written to', async () => {
    const { cache } = await opened();
    await bytesAt(cache, 0, LINE_SECTORS);
    const loan = cache.lend?.(0, LINE_SECTORS);
    await cache.write(0, [filled(1, 1)]);
    expect(loan?.views.flatMap(fillsOf)).toEqual(FIVES);
    loan?.release();
    expect(await bytesAt(cache, 0, 2)).toEqual([1, 5]);
  });

  test('is prefetched, warmed up, and among what is hot', async () => {
    for (const way of ['prefetch', 'warmUp'] as const) {
      const { cache, reads } = await opened();
      const range = { start: 0, count: LINE_SECTORS, heat: 1 };
      const bring = () => (way === 'prefetch' ? cache.prefetch(0, LINE_SECTORS) : cache.warmUp([range]));
      const first = await bring();
      if (way === 'warmUp') expect(first).toMatchObject({ outcome: 'complete', lines: 1 });
      await bring();
      expect(await bytesAt(cache, 0, LINE_SECTORS)).toEqual(FIVES);
      expect([reads.length, cache.snapshot().hits]).toEqual([1, 1]);
      expect(await cache.hotRanges(10)).toEqual([range]);
    }
  });

  test('is completed by a prefetch or a warm-up where it is there in part', async () => {
    for (const way of ['prefetch', 'warmUp'] as const) {
      const { cache, reads } = await opened();
      await cache.write(0, [filled(2, 1)]);
      if (way === 'prefetch') await cache.prefetch(0, LINE_SECTORS);
      else expect(await cache.warmUp([{ start: 0, count: LINE_SECTORS, heat: 1 }])).toMatchObject({ lines: 0 });
      expect([reads, cache.snapshot().lines]).toEqual([[{ start: 2, count: 6 }], 1]);
    }
  });

  test('that a warm-up brought in begins no stream', async () => {
    const { cache, reads } = await opened({ readAhead: true });
    await cache.warmUp([{ start: 0, count: 4 * LINE_SECTORS, heat: 1 }]);
    reads.length = 0;
    for (const line of [0, 1]) await cache.read(line * LINE_SECTORS, [filled(4, 0), filled(4, 0)]);
    expect(reads).toEqual([]);
  });

  test('is forgotten when the device ends before it', async () => {
    const { cache } = await opened();
    await cache.write(0, [filled(LINE_SECTORS, 1)]);
    await cache.resize(4);
    expect(cache.states(0, 4)).toEqual([{ start: 0, count: 4, state: 'dirty' }]);
    await cache.resize(0);
    expect(cache.snapshot()).toMatchObject({ lines: 0, dirtyLines: 0 });
  });

  test('takes no memory for what it lacks', async () => {
    const fixture = await opened();
    const { cache, base } = fixture;
    await cache.write(0, [filled(1, 1)]);
    base.hold('read', 'write');
    const others = takeMemory(fixture);
    const { waitingRequests } = cache.snapshot();
    const read = bytesAt(cache, 0, LINE_SECTORS);
    expect(cache.snapshot().waitingRequests).toBe(waitingRequests);
    base.release();
    expect(await read).toEqual([1, 5, 5, 5, 5, 5, 5, 5]);
    await others;
  });
});
