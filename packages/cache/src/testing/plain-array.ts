import fc from 'fast-check';
import { expect } from 'vitest';
import { bytesAt, type Fixture, filled, SECTOR } from './fixture.js';

/**
 * Reads, writes, zeroes, flushes and borrows within a range that reads as zeroes, in batches in flight together, and holds what
 * reads find against a plain array. `between` comes before each batch.
 */
export async function expectPlainArray(
  { cache, base, memory }: Pick<Fixture, 'cache' | 'base' | 'memory'>,
  { start, sectors }: { readonly start: number; readonly sectors: number },
  between: (round: number) => Promise<void> = async () => {},
): Promise<void> {
  const model: number[] = Array(sectors).fill(0);
  const range = fc.record({ from: fc.nat(sectors - 1), count: fc.integer({ min: 1, max: 24 }) });
  const change = fc.record({
    range,
    kind: fc.constantFrom('write', 'discard', 'flush', 'lend'),
    byte: fc.integer({ min: 1, max: 250 }),
  });
  const batch = fc.record({
    early: fc.array(range, { maxLength: 8 }),
    changes: fc.array(change, { maxLength: 6 }),
    late: fc.array(range, { maxLength: 8 }),
  });
  const cut = ({ from, count }: { from: number; count: number }) => [from, Math.min(sectors, from + count)] as const;
  const read = ([from, to]: readonly [number, number]) => bytesAt(cache, start + from, to - from);
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 6 }), async (batches) => {
      for (const { early, changes, late } of batches) {
        await between(late.length + 9);
        base.hold('read');
        const allowed = model.map((byte) => new Set([byte]));
        const first = early.map((each) => read(cut(each)));
        const flushes: Promise<void>[] = [];
        const loans: { release(): void }[] = [];
        for (const { range, kind, byte } of changes) {
          const [from, to] = cut(range);
          if (kind === 'write') await cache.write(start + from, [filled(to - from, byte)]);
          if (kind === 'discard') await cache.discard(start + from, to - from);
          if (kind === 'flush') flushes.push(cache.flush());
          const loan = kind === 'lend' ? cache.lend?.(start + from, to - from) : undefined;
          if (loan !== undefined) loans.push(loan);
          if (kind === 'write') model.fill(byte, from, to);
          if (kind === 'discard') model.fill(0, from, to);
          for (let at = from; at < to; at++) allowed[at]?.add(model[at] ?? 0);
        }
        const last = late.map((each) => read(cut(each)));
        base.release();
        for (const [i, range] of late.entries()) expect(await last[i]).toEqual(model.slice(...cut(range)));
        for (const [i, range] of early.entries()) {
          const got = (await first[i]) ?? [];
          expect(got.every((byte, at) => allowed[range.from + at]?.has(byte))).toBe(true);
        }
        await Promise.all(flushes);
        for (const loan of loans) loan.release();
      }
      expect(await bytesAt(cache, start, sectors)).toEqual(model);
      await cache.flush();
      expect(memory.bytes[start * SECTOR]).toBe(model[0]);
    }),
    { numRuns: 60 },
  );
}
