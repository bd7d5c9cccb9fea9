import { describe, expect, test } from 'vitest';
import { createDevice, type Extent, walkExtents } from '../index.js';
import { errorOf, memoryDriver, sparseDriver } from '../testing.js';

async function collect(extents: AsyncIterable<Extent>): Promise<Extent[]> {
  const list: Extent[] = [];
  for await (const extent of extents) list.push(extent);
  return list;
}

/** Runs of data and of zeroes, alternately. */
function alternating(start: number, count: number, runSectors: number): Extent[] {
  return Array.from({ length: count / runSectors }, (_, i) => ({
    start: start + i * runSectors,
    count: runSectors,
    type: i % 2 === 0 ? 'data' : 'zero',
  }));
}

describe('walkExtents', () => {
  test('covers the range, wherever it lies', async () => {
    const device = createDevice(sparseDriver(512, 64));
    await device.write(10, [new Uint8Array(1024)]);
    expect(await collect(walkExtents(device, 5, 40))).toEqual([
      { start: 5, count: 5, type: 'zero' },
      { start: 10, count: 2, type: 'data' },
      { start: 12, count: 33, type: 'zero' },
    ]);
    expect(await collect(walkExtents(device, 5, 0))).toEqual([]);
  });

  test('asks for extents in windows that grow where there are few and shrink where there are many', async () => {
    const MiB = 1 << 20;
    const runSectors = MiB / 8 / 512;
    const asked: number[] = [];
    const device = createDevice({
      ...memoryDriver(512, 0),
      sizeSectors: 2 ** 23,
      extents(start, count): Extent[] {
        asked.push((count * 512) / MiB);
        // Nothing in the first half gigabyte, then an eighth of a megabyte of each kind alternately.
        if (start * 512 < 512 * MiB) return [{ start, count, type: 'zero' }];
        return alternating(start, count, runSectors);
      },
    });
    await collect(walkExtents(device, 0, 4096 * (MiB / 512)));
    expect(asked.slice(0, 8)).toEqual([256, 512, 1024, 256, 128, 256, 128, 256]);
    expect(asked.reduce((sum, megabytes) => sum + megabytes)).toBe(4096);
  });

  test('never asks for more than 64 GiB at once, and for 256 MiB at most after an answer of many', async () => {
    const GiB = 2 ** 30;
    const asked: number[] = [];
    const device = createDevice({
      ...memoryDriver(512, 0),
      sizeSectors: 2 ** 33,
      extents(start, count): Extent[] {
        asked.push((count * 512) / GiB);
        if (start * 512 < 1024 * GiB) return [{ start, count, type: 'zero' }];
        return alternating(start, count, 2048);
      },
    });
    await collect(walkExtents(device, 0, 1200 * (GiB / 512)));
    expect(Math.max(...asked)).toBe(64);
    expect(asked.slice(asked.lastIndexOf(64)).slice(0, 5)).toEqual([64, 0.25, 0.5, 1, 2]);
  });

  test.each([
    ['ends early', [{ start: 0, count: 4, type: 'data' }]],
    ['goes past the end', [{ start: 0, count: 9, type: 'data' }]],
    [
      'has a gap',
      [
        { start: 0, count: 2, type: 'data' },
        { start: 4, count: 4, type: 'data' },
      ],
    ],
    ['is empty', []],
  ])('fails where the answer of a foreign device %s', async (_, answer) => {
    const device = createDevice(memoryDriver(512, 8));
    const foreign = Object.create(device, {
      info: { value: device.info },
      extents: { value: async () => answer },
    });
    expect(await errorOf(collect(walkExtents(foreign, 0, 8)))).toMatchObject({ code: 'IO' });
  });
});
