import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HotRange, ReadPlan, type ReadPlanOptions } from './read-plan.js';

const OPTIONS: ReadPlanOptions = { sectorSize: 512, maxOverreadShare: 0.25, maxGapSectors: 512 };

function planOf(ranges: readonly HotRange[], options: Partial<ReadPlanOptions> = {}): HotRange[] {
  const plan = new ReadPlan(ranges, { ...OPTIONS, ...options }, () => {});
  const reads: HotRange[] = [];
  for (let read = plan.next(); read !== undefined; read = plan.next()) reads.push(read);
  return reads;
}

const range = (start: number, count: number, heat = 0): HotRange => ({ start, count, heat });

describe('A plan of reads', () => {
  test('makes one read of neighbours, in whatever order they come, at the place of the first', () => {
    expect(planOf([range(900, 8), range(16, 8), range(500, 8), range(0, 8), range(8, 8)])).toEqual([
      range(900, 8),
      range(0, 24),
      range(500, 8),
    ]);
  });

  test('reads a short gap, as long as what is read between stays below its share', () => {
    expect(planOf([range(0, 8), range(10, 8)])).toEqual([range(0, 18)]);
    expect(planOf([range(0, 8), range(12, 8)])).toEqual([range(0, 20)]);
    expect(planOf([range(0, 8), range(13, 8)])).toEqual([range(0, 8), range(13, 8)]);
    expect(planOf([range(0, 8), range(10, 8)], { maxOverreadShare: 0 })).toHaveLength(2);
    expect(planOf([range(0, 4000), range(4513, 4000)])).toHaveLength(2);
    expect(planOf([range(0, 4000), range(4512, 4000)])).toHaveLength(1);
  });

  test('keeps ranges apart that are not equally hot', () => {
    expect(planOf([range(0, 8, 2), range(8, 8, 1), range(16, 8, 2)])).toEqual([
      range(0, 8, 2),
      range(8, 8, 1),
      range(16, 8, 2),
    ]);
  });

  test('does not look beyond a batch of 16 MiB, so that what comes late delays nothing', () => {
    const batch = (16 << 20) / 512;
    expect(planOf([range(0, 8), range(1000, batch), range(8, 8)])).toEqual([
      range(0, 8),
      range(1000, batch),
      range(8, 8),
    ]);
  });

  test('does not look beyond a batch that is full to the byte, nor beyond one of 1024 ranges', () => {
    const batch = (16 << 20) / 512;
    expect(planOf([range(0, batch), range(batch, 8)])).toEqual([range(0, batch), range(batch, 8)]);
    expect(planOf([range(0, batch - 1), range(batch - 1, 8)])).toEqual([range(0, batch + 7)]);
    const apart = Array.from({ length: 1023 }, (_, i) => range(1000 * i, 1));
    expect(planOf([...apart, range(1, 1), range(2, 1)])).toEqual([range(0, 2), ...apart.slice(1), range(2, 1)]);
  });

  test('does not notice later changes of the list, and reads nothing for empty ranges', () => {
    const list = [range(0, 8), range(0, 0), range(100, 8)];
    const plan = new ReadPlan(list, OPTIONS, () => {});
    list.length = 0;
    expect([plan.next(), plan.next(), plan.next()]).toEqual([range(0, 8), range(100, 8), undefined]);
  });

  test('reads all that it is told, nothing twice in a batch, and no more between than its share', () => {
    const ranges = fc.array(
      fc.record({ start: fc.nat(3000), count: fc.integer({ min: 1, max: 64 }), heat: fc.nat(1) }),
    );
    fc.assert(
      fc.property(ranges, fc.constantFrom(0, 0.1, 0.25, 1), (list, maxOverreadShare) => {
        const wanted = new Set<string>();
        for (const { start, count, heat } of list)
          for (let at = start; at < start + count; at++) wanted.add(`${heat} ${at}`);
        const read = new Set<string>();
        for (const { start, count, heat } of planOf(list, { maxOverreadShare })) {
          for (let at = start; at < start + count; at++) {
            expect(read.has(`${heat} ${at}`)).toBe(false);
            read.add(`${heat} ${at}`);
          }
        }
        for (const sector of wanted) expect(read.has(sector)).toBe(true);
        expect(read.size).toBeLessThanOrEqual(wanted.size * (1 + maxOverreadShare));
      }),
    );
  });
});
