import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAt, filled, openCache } from '../testing/fixture.js';

const LINE = { lineSize: 4096, maxSizeBytes: 1 << 20 };

test('lines are told in ascending order, whatever the order in which they came, and only those of the range', async () => {
  const { cache } = await openCache(64, LINE);
  for (const start of [40, 0, 24, 16]) await bytesAt(cache, start, 8);
  expect(cache.states(0, 64)).toEqual([
    { start: 0, count: 8, state: 'clean' },
    { start: 8, count: 8, state: 'absent' },
    { start: 16, count: 16, state: 'clean' },
    { start: 32, count: 8, state: 'absent' },
    { start: 40, count: 8, state: 'clean' },
    { start: 48, count: 16, state: 'absent' },
  ]);
  expect(cache.states(20, 6)).toEqual([{ start: 20, count: 6, state: 'clean' }]);
  expect(cache.states(8, 8)).toEqual([{ start: 8, count: 8, state: 'absent' }]);
  expect(cache.states(32, 8)).toEqual([{ start: 32, count: 8, state: 'absent' }]);
  expect(cache.states(12, 0)).toEqual([]);
});

test('a line that is there in part is told in parts, zeroes in its gaps too', async () => {
  const { cache } = await openCache(16, LINE);
  await cache.write(1, [filled(1, 1)]);
  await cache.write(6, [filled(1, 1)]);
  await cache.discard(3, 1);
  await cache.writeZeroes(10, 3);
  expect(cache.states(0, 16)).toEqual([
    { start: 0, count: 1, state: 'absent' },
    { start: 1, count: 1, state: 'dirty' },
    { start: 2, count: 1, state: 'absent' },
    { start: 3, count: 1, state: 'zero' },
    { start: 4, count: 2, state: 'absent' },
    { start: 6, count: 1, state: 'dirty' },
    { start: 7, count: 3, state: 'absent' },
    { start: 10, count: 3, state: 'zero' },
    { start: 13, count: 3, state: 'absent' },
  ]);
  expect(cache.states(1, 6)).toHaveLength(5);
});

test('what is on its way to the base is dirty until it is there', async () => {
  const { cache, base } = await openCache(8, LINE);
  await cache.write(0, [filled(8, 1)]);
  await cache.flush();
  await cache.write(2, [filled(2, 2)]);
  base.hold('write');
  const flushed = cache.flush();
  await base.called('write');
  expect(cache.states(0, 8).map(({ state }) => state)).toEqual(['clean', 'dirty', 'clean']);
  await cache.write(3, [filled(2, 3)]);
  expect(cache.states(0, 8)).toEqual([
    { start: 0, count: 2, state: 'clean' },
    { start: 2, count: 3, state: 'dirty' },
    { start: 5, count: 3, state: 'clean' },
  ]);
  base.release();
  await flushed;
  expect(cache.states(0, 8)[1]).toEqual({ start: 3, count: 2, state: 'dirty' });
});

test('a range past the end is refused', async () => {
  const { cache } = await openCache(8, LINE);
  expect(cache.states(8, 0)).toEqual([]);
  for (const [start, count] of [
    [0, 9],
    [9, 0],
    [4, 5],
  ] as const) {
    expect(() => cache.states(start, count)).toThrow(
      expect.objectContaining({
        code: 'OUT_OF_BOUNDS',
        start,
        count,
        message: expect.stringContaining('ends past the device'),
      }),
    );
  }
  expect(() => cache.states(-1, 1)).toThrow('start');
  expect(() => cache.states(0, 1.5)).toThrow('count');
});

test('there are no empty runs', async () => {
  const { cache } = await openCache(24, LINE);
  await cache.write(8, [filled(2, 1)]);
  await cache.discard(10, 3);
  await cache.discard(16, 8);
  expect(cache.states(0, 24)).toEqual([
    { start: 0, count: 8, state: 'absent' },
    { start: 8, count: 2, state: 'dirty' },
    { start: 10, count: 3, state: 'zero' },
    { start: 13, count: 3, state: 'absent' },
    { start: 16, count: 8, state: 'zero' },
  ]);
});

/** Of the random test. */
const SECTORS = 96;
const LINE_SECTORS = 8;

const operation = fc.record({
  kind: fc.constantFrom('write', 'write', 'read', 'zero', 'flush'),
  start: fc.nat(SECTORS - 1),
  count: fc.integer({ min: 1, max: 20 }),
});

test('each sector has the state that what was done to it last gives, also while the base is slow to take it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
      const { cache, base } = await openCache(SECTORS, { lineSize: LINE_SECTORS * 512, maxSizeBytes: 2 ** 20 });
      const expected = new Array<string>(SECTORS).fill('absent');
      base.hold('write', 'discard', 'writeZeroes');
      const flushes: Promise<unknown>[] = [];
      for (const { kind, start, count } of operations) {
        const end = Math.min(SECTORS, start + count);
        if (kind === 'write') {
          await cache.write(start, [filled(end - start, 1)]);
          expected.fill('dirty', start, end);
        } else if (kind === 'zero') {
          await cache.writeZeroes(start, end - start);
          expected.fill('zero', start, end);
        } else if (kind === 'flush') {
          flushes.push(cache.flush());
        } else {
          const isMissing = (line: number) =>
            expected
              .slice(line * LINE_SECTORS, (line + 1) * LINE_SECTORS)
              .some((state, i) => state === 'absent' && isIn(line * LINE_SECTORS + i, start, end));
          const missing = linesOf(start, end).filter(isMissing);
          await bytesAt(cache, start, end - start);
          for (const line of missing) {
            for (let at = line * LINE_SECTORS; at < (line + 1) * LINE_SECTORS; at++) {
              if (expected[at] === 'absent') expected[at] = 'clean';
            }
          }
        }
        expect(statesOf(cache.states(0, SECTORS))).toEqual(expected);
        expect(statesOf(cache.states(start, end - start))).toEqual(expected.slice(start, end));
      }
      base.release();
      await Promise.all(flushes);
      await cache.flush();
      expect(cache.states(0, SECTORS).some(({ state }) => state === 'dirty' || state === 'zero')).toBe(false);
      await cache.disconnect();
    }),
    { numRuns: 200 },
  );
});

/** One state for each sector. Neighbouring runs must differ. */
function statesOf(runs: readonly { readonly count: number; readonly state: string }[]): string[] {
  for (let i = 1; i < runs.length; i++) expect(runs[i]?.state).not.toBe(runs[i - 1]?.state);
  return runs.flatMap(({ count, state }) => new Array<string>(count).fill(state));
}

function linesOf(start: number, end: number): number[] {
  const lines: number[] = [];
  for (let line = Math.floor(start / LINE_SECTORS); line * LINE_SECTORS < end; line++) lines.push(line);
  return lines;
}

function isIn(at: number, start: number, end: number): boolean {
  return at >= start && at < end;
}
