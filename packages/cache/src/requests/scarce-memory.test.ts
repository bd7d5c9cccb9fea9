import { macrotasks } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { bytesAt, type Fixture, filled, openCache } from '../testing/fixture.js';

/** Room for some twenty lines of eight sectors. */
const LINE_SECTORS = 8;
const STARVED = { lineSize: 4096, maxSizeBytes: 160_000, policy: 'lru' } as const;

/** Reads of line after line, which the base holds up, until they have all of the memory that is left and some wait for more. */
function takeMemory({ cache }: Fixture, waiting = 1): Promise<readonly unknown[]> {
  const reads: Promise<unknown>[] = [];
  for (let line = 100; cache.snapshot().waitingRequests < waiting; line++) {
    reads.push(bytesAt(cache, line * LINE_SECTORS, LINE_SECTORS));
  }
  return Promise.allSettled(reads);
}

describe('While no line can leave', () => {
  test('a write beside what the base is writing needs no memory', async () => {
    const fixture = await openCache(8 * 1000, STARVED);
    const { cache, base, memory } = fixture;
    await cache.write(0, [filled(4, 1)]);
    base.hold('write', 'read');
    const flushed = cache.flush();
    await base.called('write');
    const others = takeMemory(fixture);
    await cache.write(6, [filled(2, 2)]);
    base.release();
    await Promise.all([flushed, others]);
    await cache.flush();
    expect([memory.bytes[0], memory.bytes[6 * 512]]).toEqual([1, 2]);
  });

  test('a write beside what the base is reading needs no memory', async () => {
    const fixture = await openCache(8 * 1000, STARVED);
    const { cache, base, memory } = fixture;
    memory.bytes.fill(5);
    await cache.write(0, [filled(2, 1)]);
    base.hold('read');
    const read = bytesAt(cache, 0, LINE_SECTORS);
    await base.called('read');
    const others = takeMemory(fixture);
    await cache.write(1, [filled(1, 2)]);
    base.release();
    expect(await read).toEqual([1, 2, 5, 5, 5, 5, 5, 5]);
    await others;
  });

  test('a write to what the base is reading waits, and so does one to what it is writing', async () => {
    for (const operation of ['read', 'write'] as const) {
      const fixture = await openCache(8 * 1000, STARVED);
      const { cache, base } = fixture;
      await cache.write(0, [filled(4, 1)]);
      base.hold('read', 'write');
      const flushed = operation === 'write' ? cache.flush() : undefined;
      const read = operation === 'read' ? bytesAt(cache, 0, LINE_SECTORS) : undefined;
      await base.called(operation);
      const others = takeMemory(fixture);
      const { waitingRequests } = cache.snapshot();
      const written = cache.write(operation === 'read' ? 6 : 2, [filled(1, 2)]);
      await macrotasks();
      expect(cache.snapshot().waitingRequests).toBe(waitingRequests + 1);
      base.release();
      await Promise.all([written, flushed, read, others]);
    }
  });

  test('a read of what a line lacks needs no memory', async () => {
    const fixture = await openCache(8 * 1000, STARVED);
    const { cache, base, memory } = fixture;
    memory.bytes.fill(5);
    await cache.write(0, [filled(1, 1)]);
    base.hold('read', 'write');
    const others = takeMemory(fixture);
    const { waitingRequests } = cache.snapshot();
    const calls = base.calls('read');
    const read = bytesAt(cache, 0, 4);
    expect([cache.snapshot().waitingRequests, base.calls('read')]).toEqual([waitingRequests, calls + 1]);
    base.release();
    expect(await read).toEqual([1, 5, 5, 5]);
    await others;
  });

  test('a read that tries by itself after a failure waits for memory to move what is lent, and goes on', async () => {
    const fixture = await openCache(8 * 1000, STARVED);
    const { cache, base, memory } = fixture;
    memory.bytes.fill(5);
    await cache.write(0, [filled(1, 1)]);
    await cache.flush();
    const first = cache.lend?.(0, 1);
    base.hold('read');
    // Its data would come into lent memory: the line moves.
    const read = bytesAt(cache, 4, 2);
    await base.called('read');
    const second = cache.lend?.(0, 1);
    expect([first, second]).not.toContain(undefined);
    // As many as take what memory comes free when the reads before them fail.
    const others = takeMemory(fixture, 40);
    const calls = base.calls('read');
    base.fail('read', 'IO');
    base.release();
    base.hold('read');
    await base.called('read', calls + 1);
    await macrotasks();
    base.heal();
    base.release();
    expect(await read).toEqual([5, 5]);
    const { length } = await others;
    // Each line that a request asked for counts once, however often it is tried.
    expect(cache.snapshot().lookups).toBe(length + 3);
    first?.release();
    second?.release();
  });
});
