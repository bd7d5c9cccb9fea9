import type { Case } from '../case.js';
import { expectContents, refuses, writeStamped } from '../expect.js';
import { RANGE_CALLS } from './calls.js';

export const endCases: readonly Case[] = [
  {
    clause: 'E1',
    title: 'E1: disconnect waits for operations in flight',
    async run(context) {
      const device = await context.open();
      const settled: string[] = [];
      const write = writeStamped(device, 1, 0, context.sizeSectors).then(() => settled.push('write'));
      const read = device.read(0, [new Uint8Array(context.sectorSize)]).then(() => settled.push('read'));
      await device.disconnect();
      await Promise.all([write, read]);
    },
  },
  {
    clause: 'E1',
    title: 'E1: what was written is there when the volume is opened again',
    needs: ['persistent'],
    async run(context) {
      const volume = await context.create();
      const device = await context.connect(volume);
      await writeStamped(device, 1, 0, context.sizeSectors);
      await device.disconnect();
      const reopened = await context.connect(volume);
      await expectContents(reopened, [[1, context.sizeSectors]], 'opened again');
    },
  },
  {
    clause: 'E2',
    title: 'E2: disconnecting twice, at once and later, is disconnecting once',
    async run(context) {
      const device = await context.open();
      await Promise.all([device.disconnect(), device.disconnect()]);
      await device.disconnect();
      await device[Symbol.asyncDispose]();
      await device.disconnect({ force: true });
    },
  },
  {
    clause: 'E3',
    title: 'E3: every operation after the end is refused',
    async run(context) {
      const device = await context.open();
      await device.disconnect();
      for (const { name, run } of RANGE_CALLS) {
        await refuses('DISCONNECTED', () => run(device, 0, 1), `${name} after the end`);
        await refuses('DISCONNECTED', () => run(device, 0, 0), `${name} of nothing after the end`);
      }
      await refuses('DISCONNECTED', () => device.flush(), 'flush after the end');
      await refuses('DISCONNECTED', () => device.resize(context.sizeSectors), 'resize after the end');
    },
  },
  {
    clause: 'E4',
    title: 'E4: a forced disconnect always resolves, and is an end like any other',
    async run(context) {
      const device = await context.open();
      const write = writeStamped(device, 1, 0, context.sizeSectors);
      await device.disconnect({ force: true });
      await write.catch(() => {});
      await refuses('DISCONNECTED', () => device.flush(), 'flush after a forced end');
      await device.disconnect();
    },
  },
];
