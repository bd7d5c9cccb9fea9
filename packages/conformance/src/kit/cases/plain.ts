import { expectContents, writeStamped } from '../../model/expect.js';
import type { Case } from '../case.js';

/** The least that a device can do. Where this fails, no other case can tell anything. */
export const plainestCase: Case = {
  clause: 'O1',
  title: 'O1: a new volume reads as zeroes, then as what was written, and can be ended',
  async run(context) {
    const device = await context.open();
    const { sizeSectors } = context;
    await expectContents(device, 'at first', [0, sizeSectors]);
    await writeStamped(device, 1, 1, 1);
    await expectContents(device, 'after a write', [0, 1], [1, 1], [0, sizeSectors - 2]);
    await device.flush();
    await expectContents(device, 'after a flush', [0, 1], [1, 1], [0, sizeSectors - 2]);
    await device.disconnect();
  },
};
