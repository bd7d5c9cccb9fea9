import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { heldMemory, operations } from '../testing/held-memory.js';
import { errorOf, type HeldDriver, sectorsOf, settled, stateOf } from '../testing.js';

describe('Operations that overlap [O3]', () => {
  test('run one after the other, in the order of arrival', async () => {
    const { driver, device } = heldMemory();
    const first = device.write(0, [sectorsOf(1, 4)]);
    const second = device.write(2, [sectorsOf(2, 4)]);
    const reading = device.read(3, [new Uint8Array(512)]);
    const apart = device.write(8, [sectorsOf(3, 1)]);
    await settled();
    expect(driver.held.map(({ args }) => args[0])).toEqual([0, 8]);
    driver.take('write').carryOut();
    await first;
    await settled();
    expect(driver.held.map(({ args }) => args[0])).toEqual([8, 2]);
    expect(await stateOf(reading)).toBe('pending');
    driver.release();
    await Promise.all([second, reading, apart]);
  });

  test('share the range if all of them read', async () => {
    const { driver, device } = heldMemory();
    const calls = [device.read(0, [new Uint8Array(512)]), device.read(0, [new Uint8Array(1024)]), device.extents(0, 4)];
    await settled();
    expect(operations(driver)).toEqual(['read', 'read']);
    driver.release();
    await Promise.all(calls);
  });

  test('do not let a later reader past a writer that waits', async () => {
    const { driver, device } = heldMemory();
    const first = device.read(0, [new Uint8Array(512)]);
    const writing = device.write(0, [sectorsOf(1, 1)]);
    const bytes = new Uint8Array(512);
    const second = device.read(0, [bytes]);
    await settled();
    expect(operations(driver)).toEqual(['read']);
    driver.release();
    await Promise.all([first, writing, second]);
    expect(bytes).toEqual(sectorsOf(1, 1));
  });

  test('are left to the driver if it says that it can', async () => {
    const { driver, device } = heldMemory(16, { atomicSectors: true });
    const calls = [device.write(0, [sectorsOf(1, 1)]), device.write(0, [sectorsOf(2, 1)])];
    await settled();
    expect(operations(driver)).toEqual(['write', 'write']);
    driver.release();
    await Promise.all(calls);
  });

  test('go on after one of them failed', async () => {
    const { driver, device } = heldMemory();
    const first = device.write(0, [sectorsOf(1, 1)]);
    const second = device.write(0, [sectorsOf(2, 1)]);
    await settled();
    driver.take('write').fail(new Error('no'));
    expect(await errorOf(first)).toMatchObject({ code: 'IO' });
    await settled();
    driver.take('write').carryOut();
    await second;
  });

  test('do not hold up a flush, which speaks of what was accepted before it', async () => {
    const { driver, device } = heldMemory();
    const writing = device.write(0, [sectorsOf(1, 1)]);
    const flushing = Promise.all([device.flush(), device.flush({ start: 0, count: 1 })]);
    await settled();
    expect(operations(driver)).toEqual(['write', 'flush', 'flush']);
    driver.release();
    await Promise.all([writing, flushing]);
  });

  test('all settle, and never meet in the driver, in whatever order it answers [O2]', async () => {
    const call = fc.record({
      operation: fc.constantFrom('read', 'write', 'discard', 'resize'),
      start: fc.nat(12),
      count: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 20 }), fc.infiniteStream(fc.nat(100)), async (calls, picks) => {
        const { driver, device } = heldMemory();
        const pending = calls.map(({ operation, start, count }, i) => {
          if (operation === 'write') return device.write(start, [sectorsOf(i + 1, count)]);
          if (operation === 'discard') return device.discard(start, count);
          if (operation === 'resize') return device.resize(16 + (start % 3));
          return device.read(start, [new Uint8Array(count * 512)]);
        });
        const all = Promise.all(pending);
        while ((await stateOf(all)) === 'pending') {
          expect(driver.held.length).toBeGreaterThan(0);
          expectApart(driver);
          const pick = picks.next().value ?? 0;
          driver.held.splice(pick % driver.held.length, 1)[0]?.carryOut();
        }
        await all;
      }),
      { numRuns: 100 },
    );
  });
});

/** No two calls that wait in the driver overlap, unless both read; a resize waits alone. */
function expectApart({ held }: HeldDriver): void {
  if (held.some(({ operation }) => operation === 'resize')) expect(held.length).toBe(1);
  const ranges = held.map(({ operation, args: [start, what] }) => ({
    writes: operation !== 'read',
    start: start as number,
    end: (start as number) + lengthOf(what),
  }));
  for (const [i, a] of ranges.entries()) {
    for (const b of ranges.slice(i + 1)) {
      const overlap = a.start < b.end && b.start < a.end;
      expect(overlap && (a.writes || b.writes)).toBe(false);
    }
  }
}

function lengthOf(what: unknown): number {
  if (typeof what === 'number') return what;
  return Array.isArray(what) ? (what as Uint8Array[]).reduce((sum, { byteLength }) => sum + byteLength / 512, 0) : 0;
}

describe('A resize [S1]', () => {
  test('waits for what is in flight, and holds back what comes later', async () => {
    const { driver, device } = heldMemory();
    const writing = device.write(0, [sectorsOf(1, 1)]);
    const resizing = device.resize(8);
    const reading = device.read(7, [new Uint8Array(512)]);
    await settled();
    expect(operations(driver)).toEqual(['write']);
    driver.take('write').carryOut();
    await writing;
    await settled();
    expect(operations(driver)).toEqual(['resize']);
    expect(device.info.sizeSectors).toBe(16);
    driver.take('resize').carryOut();
    await resizing;
    expect(device.info.sizeSectors).toBe(8);
    await settled();
    driver.take('read').carryOut();
    await reading;
  });

  test('decides about the bounds of what comes later, and its failure does too', async () => {
    const { driver, device } = heldMemory();
    const shrinking = device.resize(8);
    const pastNew = device.read(8, [new Uint8Array(512)]);
    const failing = device.resize(32);
    const pastOld = device.write(16, [sectorsOf(1, 1)]);
    await settled();
    driver.take('resize').carryOut();
    await shrinking;
    expect(await errorOf(pastNew)).toMatchObject({ code: 'OUT_OF_BOUNDS', operation: 'read', start: 8, count: 1 });
    await settled();
    driver.take('resize').fail(new Error('no'));
    expect(await errorOf(failing)).toMatchObject({ code: 'IO' });
    expect(await errorOf(pastOld)).toMatchObject({ code: 'OUT_OF_BOUNDS' });
    expect(driver.held).toEqual([]);
  });

  test('does not delay the refusal of bad arguments [A2]', async () => {
    const { driver, device } = heldMemory();
    const resizing = device.resize(8);
    expect(await errorOf(device.write(0, [new Uint8Array(1)]))).toMatchObject({ code: 'UNALIGNED' });
    expect(await errorOf(device.discard(-1, 0))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await stateOf(resizing)).toBe('pending');
    driver.release();
    await resizing;
  });

  test('of many at once takes place in the order of the calls', async () => {
    const { driver, device } = heldMemory();
    driver.release();
    const sizes = [3, 9, 27, 1];
    await Promise.all(sizes.map((size) => device.resize(size)));
    expect(device.info.sizeSectors).toBe(1);
  });

  test('is not starved by operations that keep coming', async () => {
    const { driver, device } = heldMemory();
    const reads = [device.read(0, [new Uint8Array(512)])];
    const resizing = device.resize(8);
    for (let i = 0; i < 10; i++) reads.push(device.read(0, [new Uint8Array(512)]));
    await settled();
    expect(operations(driver)).toEqual(['read']);
    driver.take('read').carryOut();
    await settled();
    expect(operations(driver)).toEqual(['resize']);
    driver.release();
    await Promise.all([resizing, ...reads]);
  });
});
