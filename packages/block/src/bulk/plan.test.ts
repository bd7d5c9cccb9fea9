import { describe, expect, test } from 'vitest';
import { type BlockDriver, createDevice } from '../index.js';
import { memoryDriver } from '../testing.js';
import { ByteView } from './byte-view.js';
import { planOf } from './plan.js';

const MiB = 1 << 20;

function view(sectorSize: number, preferredIoBytes: number, offsetBytes = 0): ByteView {
  const driver: BlockDriver = { ...memoryDriver(512, 0), sectorSize, sizeSectors: 2 ** 20, preferredIoBytes };
  return new ByteView(createDevice(driver), offsetBytes);
}

describe('A plan', () => {
  test('makes chunks of a megabyte or more, whole in the sizes that all devices prefer', () => {
    const chunks = (...preferred: number[]) => {
      const views = preferred.map((bytes) => view(512, bytes));
      const { grainBytes, pieceBytes } = planOf({}, 2 ** 29, ...views).alignment;
      return [grainBytes, pieceBytes];
    };
    expect(chunks(65_536)).toEqual([65_536, MiB]);
    expect(chunks(65_536, 4096)).toEqual([65_536, MiB]);
    expect(chunks(4096, 4 * MiB)).toEqual([4 * MiB, 4 * MiB]);
    expect(chunks(3 * 65_536, 2 * 65_536)).toEqual([6 * 65_536, 18 * 65_536]);
    // Two that do not go together: the one that is written counts.
    expect(chunks(512 * 10_007, 512 * 5003)).toEqual([512 * 5003, 512 * 5003]);
    expect(chunks(512, 512 * 1_000_003)).toEqual([512, MiB]);
  });

  test('puts the boundaries where the last device has them, unless they would split the other one’s sectors', () => {
    expect(planOf({}, 4096, view(512, 65_536), view(512, 65_536, 1536)).alignment.phaseBytes).toBe(1536);
    expect(planOf({}, 4096, view(4096, 65_536), view(512, 65_536, 1536)).alignment.phaseBytes).toBe(0);
    expect(planOf({}, 4096, view(512, 65_536, MiB + 4096)).alignment.phaseBytes).toBe(4096);
  });

  test('holds no more memory than the work needs', () => {
    expect(planOf({}, 5000, view(512, 65_536), view(4096, 65_536)).scratchBytes).toBe(8192);
    expect(planOf({}, 2 ** 29, view(512, 65_536)).scratchBytes).toBe(MiB);
  });

  test('takes the options it is given', () => {
    const plan = planOf({ pieceBytes: 98_304, maxConcurrency: 3 }, 2 ** 29, view(512, 65_536));
    expect(plan).toMatchObject({ maxConcurrency: 3, scratchBytes: 98_304 });
    expect(plan.alignment).toEqual({ grainBytes: 32_768, pieceBytes: 98_304, phaseBytes: 0 });
  });

  test.each([
    ['INVALID_ARGUMENT', { maxConcurrency: 0 }],
    ['INVALID_ARGUMENT', { maxConcurrency: 1025 }],
    ['INVALID_ARGUMENT', { maxConcurrency: 1.5 }],
    ['INVALID_ARGUMENT', { pieceBytes: 0 }],
    ['INVALID_ARGUMENT', { pieceBytes: -4096 }],
    ['INVALID_ARGUMENT', { pieceBytes: 2 ** 31 }],
    ['UNALIGNED', { pieceBytes: 512 }],
    ['INVALID_ARGUMENT', { signal: null as never }],
    ['INVALID_ARGUMENT', { signal: 'stop' as never }],
    ['INVALID_ARGUMENT', { signal: {} as never }],
    ['INVALID_ARGUMENT', { signal: { aborted: 1 } as never }],
  ])('refuses with %s the options %o', (code, options) => {
    expect(() => planOf(options, 4096, view(512, 65_536), view(4096, 65_536))).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
