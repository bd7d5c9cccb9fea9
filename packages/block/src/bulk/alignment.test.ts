import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDevice } from '../index.js';
import { memoryDriver, sectorsOf, sparseDriver } from '../testing.js';
import { type Alignment, alignedRuns, split, splitZeroes } from './alignment.js';
import { type ByteRun, ByteView } from './byte-view.js';

const SECTORS = 64;

async function collect(runs: AsyncGenerator<ByteRun>): Promise<ByteRun[]> {
  const list: ByteRun[] = [];
  for await (const run of runs) list.push(run);
  return list;
}

/** A device with data in the given sectors only. */
async function deviceWith(sectors: readonly number[]) {
  const device = createDevice(sparseDriver(512, SECTORS));
  for (const sector of sectors) await device.write(sector, [sectorsOf(1, 1)]);
  return device;
}

const sector = fc.nat(SECTORS - 1);
const alignments = fc.constantFrom(
  { grainBytes: 512, pieceBytes: 512 },
  { grainBytes: 1024, pieceBytes: 4096 },
  { grainBytes: 4096, pieceBytes: 4096 },
  { grainBytes: 1536, pieceBytes: 6144 },
);

describe('alignedRuns', () => {
  test('covers the range, and says zero only of whole grains that are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(sector),
        alignments,
        fc.nat(20),
        sector,
        sector,
        async (data, sizes, phase, a, b) => {
          const alignment = { ...sizes, phaseBytes: (phase * 512) % sizes.pieceBytes };
          const [start, end] = [Math.min(a, b) * 512, Math.max(a, b) * 512];
          const runs = await collect(alignedRuns(new ByteView(await deviceWith(data)), start, end, alignment));
          const isBoundary = (at: number) =>
            at === start || at === end || (at + alignment.phaseBytes) % alignment.grainBytes === 0;
          const hasData = (from: number, to: number) => data.some((s) => s * 512 < to && from < (s + 1) * 512);
          let at = start;
          for (const run of runs) {
            expect(run.start).toBe(at);
            expect(run.end).toBeGreaterThan(run.start);
            expect(isBoundary(run.start) && isBoundary(run.end)).toBe(true);
            if (run.zero) expect(hasData(run.start, run.end)).toBe(false);
            at = run.end;
          }
          expect(at).toBe(end);
          // No grain that is zero is given out as data.
          for (const piece of split({ start, end }, alignment, alignment.grainBytes)) {
            const run = runs.find((candidate) => candidate.start <= piece.start && piece.end <= candidate.end);
            expect(run?.zero).toBe(!hasData(piece.start, piece.end));
          }
        },
      ),
    );
  });

  test('gives whole chunks of data without waiting for what comes behind them', async () => {
    let asked = 0;
    const device = createDevice({
      ...memoryDriver(512, 0),
      sizeSectors: 2 ** 40,
      extents(start, count) {
        asked++;
        return [{ start, count, type: 'data' }];
      },
    });
    const alignment: Alignment = { grainBytes: 65_536, pieceBytes: 1 << 20, phaseBytes: 0 };
    const first = await alignedRuns(new ByteView(device), 0, 2 ** 49, alignment).next();
    expect(first.value).toEqual({ start: 0, end: 256 << 20, zero: false });
    expect(asked).toBe(1);
  });

  test('makes one zero run of many answers', async () => {
    const device = createDevice(sparseDriver(512, 2 ** 40));
    const alignment: Alignment = { grainBytes: 65_536, pieceBytes: 1 << 20, phaseBytes: 512 };
    const end = 2 ** 49;
    expect(await collect(alignedRuns(new ByteView(device), 0, end, alignment))).toEqual([
      { start: 0, end, zero: true },
    ]);
  });
});

describe('split', () => {
  test('ends pieces at the boundaries', () => {
    const alignment: Alignment = { grainBytes: 512, pieceBytes: 2048, phaseBytes: 512 };
    expect([...split({ start: 512, end: 6000 }, alignment)]).toEqual([
      { start: 512, end: 1536 },
      { start: 1536, end: 3584 },
      { start: 3584, end: 5632 },
      { start: 5632, end: 6000 },
    ]);
    expect([...split({ start: 3, end: 3 }, alignment)]).toEqual([]);
  });

  test('takes larger pieces for zeroes only where the device is native in them', () => {
    const alignment: Alignment = { grainBytes: 1 << 20, pieceBytes: 1 << 20, phaseBytes: 0 };
    const run = { start: 0, end: 3 << 28 };
    expect([...splitZeroes(createDevice(memoryDriver(512, 0)), run, alignment)]).toHaveLength(768);
    expect([...splitZeroes(createDevice(sparseDriver(512, 0)), run, alignment)]).toEqual([run]);
    expect([...splitZeroes(createDevice(sparseDriver(512, 0)), { start: 0, end: 2 ** 32 }, alignment)]).toHaveLength(4);
    // How large they are follows from the length of the run, wherever it lies.
    const far = { start: 2 ** 45, end: 2 ** 45 + 2 ** 42 };
    expect([...splitZeroes(createDevice(sparseDriver(512, 0)), far, alignment)]).toHaveLength(256);
    expect([...splitZeroes(createDevice(sparseDriver(512, 0)), { start: 0, end: 2 ** 52 }, alignment)]).toHaveLength(
      256,
    );
  });
});
