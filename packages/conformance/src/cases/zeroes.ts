import { ok } from 'node:assert';
import type { Case } from '../case.js';
import { expectContents, expectCover, readWriters, writeStamped } from '../expect.js';

export const zeroesCases: readonly Case[] = [
  {
    clause: 'Z1',
    title: 'Z1: discard and writeZeroes zero exactly their range',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      for (const operation of ['discard', 'writeZeroes'] as const) {
        await writeStamped(device, 1, 0, sizeSectors);
        await device[operation](3, sizeSectors - 7);
        await expectContents(
          device,
          [
            [1, 3],
            [0, sizeSectors - 7],
            [1, 4],
          ],
          `after ${operation}`,
        );
        await writeStamped(device, 2, 4, 2);
        const rest = sizeSectors - 10;
        await expectContents(
          device,
          [
            [1, 3],
            [0, 1],
            [2, 2],
            [0, rest],
            [1, 4],
          ],
          `written after ${operation}`,
        );
        await device[operation](0, sizeSectors);
        await expectContents(device, [[0, sizeSectors]], `after ${operation} of everything`);
      }
    },
  },
  {
    clause: 'Z2',
    title: 'Z2: zeroing what is zero already changes nothing',
    async run(context) {
      const device = await context.open();
      await device.discard(0, context.sizeSectors);
      await device.writeZeroes(0, context.sizeSectors);
      await expectContents(device, [[0, context.sizeSectors]], 'after zeroing');
    },
  },
  {
    clause: 'Z3',
    title: 'Z3: extents cover the range exactly, and zero is only said of zeroes',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      await writeStamped(device, 1, 0, sizeSectors);
      await device.discard(2, 5);
      await writeStamped(device, 2, 4, 1);
      for (let start = 0; start < 9; start++) {
        for (const count of [1, 2, 5, sizeSectors - start]) {
          const extents = await device.extents(start, count);
          expectCover(extents, start, count);
          for (const extent of extents.filter(({ type }) => type === 'zero')) {
            const writers = await readWriters(device, extent.start, extent.count);
            ok(
              writers.every((writer) => writer === 0),
              `${extent.count} sectors from ${extent.start} must be zeroes`,
            );
          }
        }
      }
    },
  },
];
