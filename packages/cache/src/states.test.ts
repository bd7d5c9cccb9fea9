import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAt, filled, openCache } from './fixture.fake.js';

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
  for (let i = 1; i < runs.length; i++) expect(runs[i].state).not.toBe(runs[i - 1].state);
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
