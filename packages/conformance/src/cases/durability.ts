import type { Case } from '../case.js';
import { expectContents, expectWriters, refuses, writeStamped } from '../expect.js';

export const durabilityCases: readonly Case[] = [
  {
    clause: 'D1',
    title: 'D1: what was flushed is there after the device was given up',
    needs: ['persistent'],
    async run(context) {
      const volume = await context.create();
      const { sizeSectors } = context;
      const device = await context.connect(volume);
      await writeStamped(device, 1, 0, sizeSectors);
      await device.discard(2, 3);
      await device.flush();
      await device.disconnect({ force: true });
      const reopened = await context.connect(volume);
      await expectContents(
        reopened,
        [
          [1, 2],
          [0, 3],
          [1, sizeSectors - 5],
        ],
        'opened again',
      );
    },
  },
  {
    clause: 'D2',
    title: 'D2: a refused write changes nothing and can be tried again',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      await writeStamped(device, 1, 0, sizeSectors);
      await refuses('OUT_OF_BOUNDS', () => writeStamped(device, 2, sizeSectors - 2, 3), 'a write past the end');
      await expectContents(device, [[1, sizeSectors]], 'after the refused write');
      await writeStamped(device, 2, sizeSectors - 2, 2);
      await expectWriters(
        device,
        sizeSectors - 3,
        [
          [1, 1],
          [2, 2],
        ],
        'after the second try',
      );
    },
  },
];
