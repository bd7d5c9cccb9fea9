import type { BlockDevice } from '@blockyard/block';
import { deepStrictEqual, strictEqual } from '../../assertions/assertions.js';
import { expectContents, refuses, type WriterRun, writeStamped } from '../../model/expect.js';
import type { Case, Context } from '../case.js';
import { CHANGING_CALLS, RANGE_CALLS } from './calls.js';
import { createWritten } from './written.js';

/** A read-only device, of data where the subject keeps any. */
async function openReadOnly(context: Context): Promise<{ device: BlockDevice; contents: readonly WriterRun[] }> {
  const volume = await context.create();
  const { sizeSectors } = context;
  if (!context.subject.persistent) {
    return { device: await context.connect(volume, { readOnly: true }), contents: [[0, sizeSectors]] };
  }
  const writable = await context.connect(volume);
  await writeStamped(writable, 1, 2, sizeSectors - 3);
  await writable.disconnect();
  const contents: WriterRun[] = [
    [0, 2],
    [1, sizeSectors - 3],
    [0, 1],
  ];
  return { device: await context.connect(volume, { readOnly: true }), contents };
}

export const readOnlyCases: readonly Case[] = [
  {
    clause: 'A2',
    title: 'A2: a bad shape and the end of the device are told before read-only, and read-only before a bad range',
    needs: ['readOnly'],
    async run(context) {
      const { device } = await openReadOnly(context);
      const { sizeSectors, sectorSize } = context;
      const odd = [new Uint8Array(sectorSize + 1)];
      await refuses('UNALIGNED', () => device.write(0, odd), 'an ill-sized write to a read-only device');
      for (const { name, run } of CHANGING_CALLS) {
        await refuses('INVALID_ARGUMENT', () => run(device, 0.5, 1), `${name} from 0.5 on a read-only device`);
        await refuses('READ_ONLY', () => run(device, sizeSectors, 1), `${name} past the end of a read-only device`);
        await refuses('READ_ONLY', () => run(device, 0, 0), `${name} of nothing on a read-only device`);
      }
      await refuses('INVALID_ARGUMENT', () => device.resize(-1), 'a resize to -1 of a read-only device');
      await device.disconnect();
      for (const { name, run } of CHANGING_CALLS) {
        await refuses('DISCONNECTED', () => run(device, 0, 1), `${name} on a read-only device after its end`);
      }
      await refuses('DISCONNECTED', () => device.resize(1), 'a resize of a read-only device after its end');
    },
  },
  {
    clause: 'A7',
    title: 'A7: a read-only device refuses every change and stays as it is',
    needs: ['readOnly'],
    async run(context) {
      const { device, contents } = await openReadOnly(context);
      const { sizeSectors } = context;
      strictEqual(device.info.readOnly, true, 'info must say that the device is read-only');
      for (const { name, run } of CHANGING_CALLS) {
        await refuses('READ_ONLY', () => run(device, 0, 1), `${name} on a read-only device`);
        await refuses('READ_ONLY', () => run(device, 0, sizeSectors), `${name} of all of a read-only device`);
      }
      for (const size of [sizeSectors - 1, sizeSectors, sizeSectors + 1]) {
        await refuses('READ_ONLY', () => device.resize(size), `resize of a read-only device to ${size}`);
      }
      strictEqual(device.info.sizeSectors, sizeSectors, 'info must tell the size');
      await expectContents(device, 'after refused changes', ...contents);
      await device.disconnect();
    },
  },
  {
    clause: 'A7',
    title: 'A7: a read-only device can be read, flushed and asked for extents',
    needs: ['readOnly'],
    async run(context) {
      const { device, contents } = await openReadOnly(context);
      for (const { run } of RANGE_CALLS.filter(({ changes }) => !changes)) await run(device, 0, context.sizeSectors);
      await device.flush();
      await expectContents(device, 'on the read-only device', ...contents);
    },
  },
  {
    clause: 'A7',
    title: 'A7: what was refused on a read-only device is not there later either',
    needs: ['readOnly', 'persistent'],
    async run(context) {
      const { volume, device, sizeSectors } = await createWritten(context);
      await device.disconnect();
      const readOnly = await context.connect(volume, { readOnly: true });
      await refuses('READ_ONLY', () => writeStamped(readOnly, 2, 0, sizeSectors), 'a write');
      await refuses('READ_ONLY', () => readOnly.discard(0, sizeSectors), 'a discard');
      await readOnly.disconnect();
      const reopened = await context.connect(volume);
      deepStrictEqual(reopened.info.readOnly, false, 'the volume itself is not read-only');
      await expectContents(reopened, 'opened again', [1, sizeSectors]);
    },
  },
];
