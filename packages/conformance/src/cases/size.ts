import { strictEqual } from 'node:assert';
import type { Case } from '../case.js';
import { expectContents, refuses, writeStamped } from '../expect.js';

export const sizeCases: readonly Case[] = [
  {
    clause: 'S1',
    title: 'S1: resize waits for operations in flight and holds back later ones',
    needs: ['resizable'],
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      const before = writeStamped(device, 1, 0, sizeSectors);
      const resized = device.resize(sizeSectors + 4);
      const after = writeStamped(device, 2, sizeSectors, 4);
      await Promise.all([before, resized, after]);
      await expectContents(
        device,
        [
          [1, sizeSectors],
          [2, 4],
        ],
        'after growing',
      );
      const tail = writeStamped(device, 3, sizeSectors, 4);
      const shrunk = device.resize(sizeSectors);
      const late = refuses('OUT_OF_BOUNDS', () => writeStamped(device, 4, sizeSectors, 4), 'a write past the new end');
      await Promise.all([tail, shrunk, late]);
      await expectContents(device, [[1, sizeSectors]], 'after shrinking');
    },
  },
  {
    clause: 'S2',
    title: 'S2: grown space reads as zeroes, also where a shrink dropped data',
    needs: ['resizable'],
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      await writeStamped(device, 1, 0, sizeSectors);
      await device.resize(sizeSectors - 5);
      strictEqual(device.info.sizeSectors, sizeSectors - 5);
      await expectContents(device, [[1, sizeSectors - 5]], 'after shrinking');
      await device.resize(sizeSectors + 7);
      await expectContents(
        device,
        [
          [1, sizeSectors - 5],
          [0, 12],
        ],
        'after growing again',
      );
    },
  },
  {
    clause: 'S3',
    title: 'S3: shrinking drops what lies past the new end, flushed or not',
    needs: ['resizable'],
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      await writeStamped(device, 1, 0, sizeSectors);
      await device.flush();
      await writeStamped(device, 2, sizeSectors - 3, 3);
      await device.resize(1);
      await refuses('OUT_OF_BOUNDS', () => device.read(1, [new Uint8Array(context.sectorSize)]), 'a read past the end');
      await device.resize(sizeSectors);
      await expectContents(
        device,
        [
          [1, 1],
          [0, sizeSectors - 1],
        ],
        'after growing again',
      );
    },
  },
  {
    clause: 'S4',
    title: 'S4: a refused resize leaves size and data',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      await writeStamped(device, 1, 0, sizeSectors);
      await refuses('INVALID_ARGUMENT', () => device.resize(-1), 'a resize to -1');
      strictEqual(device.info.sizeSectors, sizeSectors);
      await expectContents(device, [[1, sizeSectors]], 'after the refused resize');
    },
  },
  {
    clause: 'S4',
    title: 'S4: a device that cannot be resized says so and stays as it is',
    needs: ['fixedSize'],
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      await writeStamped(device, 1, 0, sizeSectors);
      await refuses('UNSUPPORTED', () => device.resize(sizeSectors + 1), 'growing');
      await refuses('UNSUPPORTED', () => device.resize(sizeSectors - 1), 'shrinking');
      strictEqual(device.info.sizeSectors, sizeSectors);
      await expectContents(device, [[1, sizeSectors]], 'after the refused resizes');
    },
  },
];
