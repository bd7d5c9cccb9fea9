import type { BlockDevice } from '@blockyard/block';
import { expectContents, refuses } from '../../model/expect.js';
import { stamped } from '../../model/stamp.js';
import type { Case } from '../case.js';
import { createWritten, openWritten } from './written.js';

/** Writes some sectors in the name of writer 2, in buffers of a sector each. Undefined where the device cannot. */
function writeDurably(device: BlockDevice, start: number, count: number): Promise<void> | undefined {
  const { sectorSize } = device.info;
  const buffers = Array.from({ length: count }, (_, i) => stamped(2, start + i, 1, sectorSize));
  return device.writeDurably?.(start, buffers);
}

/** No device has to have it: these pass where there is none. */
export const writeDurablyCases: readonly Case[] = [
  {
    clause: 'D1',
    title: 'D1: what writeDurably wrote is there after the device was given up, without a flush',
    needs: ['persistent'],
    async run(context) {
      const { volume, device, sizeSectors } = await createWritten(context);
      await device.flush();
      const written = writeDurably(device, 3, 4);
      if (written === undefined) return;
      await written;
      await writeDurably(device, sizeSectors - 1, 1);
      await device.disconnect({ force: true });
      const reopened = await context.connect(volume);
      await expectContents(reopened, 'opened again', [1, 3], [2, 4], [1, sizeSectors - 8], [2, 1]);
    },
  },
  {
    clause: 'O1',
    title: 'O1: reads see what writeDurably wrote, of each of its buffers, and later writes come after it',
    async run(context) {
      const { device, sectorSize, sizeSectors } = await openWritten(context);
      if (device.writeDurably === undefined) return;
      const whole = stamped(2, 2, 5, sectorSize);
      await device.writeDurably(2, [whole.subarray(0, 2 * sectorSize), whole.subarray(2 * sectorSize)]);
      // It keeps no buffer [B1].
      whole.fill(0xee);
      await expectContents(device, 'after writeDurably', [1, 2], [2, 5], [1, sizeSectors - 7]);
      await device.write(3, [stamped(3, 3, 1, sectorSize)]);
      await expectContents(device, 'after a later write', [1, 2], [2, 1], [3, 1], [2, 3], [1, sizeSectors - 7]);
    },
  },
  {
    clause: 'A6',
    title: 'A6: writeDurably refuses what write refuses, and changes nothing',
    async run(context) {
      const { device, sectorSize, sizeSectors } = await openWritten(context);
      const write = device.writeDurably?.bind(device);
      if (write === undefined) return;
      const two = [stamped(2, sizeSectors - 1, 2, sectorSize)];
      await refuses('OUT_OF_BOUNDS', () => write(sizeSectors - 1, two), 'a durable write past the end');
      await refuses(
        'UNALIGNED',
        () => write(0, [new Uint8Array(sectorSize - 1)]),
        'a durable write of a part of a sector',
      );
      await refuses('INVALID_ARGUMENT', () => write(-1, two), 'a durable write before the start');
      await write(0, []);
      await expectContents(device, 'after what was refused', [1, sizeSectors]);
      await device.disconnect();
      await refuses('DISCONNECTED', () => write(0, two), 'a durable write after the end');
    },
  },
];
