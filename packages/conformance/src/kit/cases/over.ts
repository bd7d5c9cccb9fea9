import type { BlockDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { strictEqual } from '../../assertions/assertions.js';
import {
  expectContents,
  expectDurable,
  later,
  outcome,
  readWriters,
  runsOf,
  writeStamped,
} from '../../model/expect.js';
import type { Case } from '../case.js';
import { keepLooking } from '../keep-looking.js';
import { createWritten, openWritten, wrapWritten } from './written.js';

/** What no one reads out of a device. */
const SCRIBBLE = 0xee;

/** Reads of several sizes. Each one's buffers are scribbled over the moment it has settled, either way. */
function readAndScribble(device: BlockDevice, sizeSectors: number): { buffers: Uint8Array[]; settled: Promise<void> } {
  const { sectorSize } = device.info;
  const ranges = [
    [0, 1],
    [1, 3],
    [0, sizeSectors],
    [sizeSectors - 2, 2],
  ] as const;
  const all: Uint8Array[] = [];
  const reads = ranges.map(async ([start, count]) => {
    const buffers = [new Uint8Array(sectorSize), new Uint8Array((count - 1) * sectorSize)];
    all.push(...buffers);
    await outcome(() => device.read(start, [...buffers]), 'a read');
    for (const buffer of buffers) buffer.fill(SCRIBBLE);
  });
  return { buffers: all, settled: Promise.all(reads).then(() => {}) };
}

function expectScribbles(buffers: readonly Uint8Array[], what: string): void {
  for (const buffer of buffers) {
    const changed = buffer.findIndex((byte) => byte !== SCRIBBLE);
    strictEqual(changed, -1, `${what} was over, but byte ${changed} of a buffer of ${buffer.byteLength} changed later`);
  }
}

/** What has settled is over: nothing of it comes later. */
export const overCases: readonly Case[] = [
  {
    clause: 'B3',
    title: 'B3: once a read has resolved, its buffers are left alone',
    async run(context) {
      const device = await context.open();
      await writeStamped(device, 1, 0, context.sizeSectors);
      const { buffers, settled } = readAndScribble(device, context.sizeSectors);
      await settled;
      await keepLooking(context, () => expectScribbles(buffers, 'a read'));
    },
  },
  {
    clause: 'B3',
    title: 'B3: once a read has settled because the device was given up, its buffers are left alone',
    async run(context) {
      const device = await context.open();
      await writeStamped(device, 1, 0, context.sizeSectors);
      const { buffers, settled } = readAndScribble(device, context.sizeSectors);
      await Promise.all([settled, device.disconnect({ force: true })]);
      await keepLooking(context, () => expectScribbles(buffers, 'a read of a device that was given up'));
    },
  },
  {
    clause: 'B3',
    title: 'B3: once a read that the base fails has rejected, its buffers are left alone',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      base.fail('read', 'UNAVAILABLE');
      const { buffers, settled } = readAndScribble(device, context.sizeSectors);
      await settled;
      base.heal();
      await keepLooking(context, () => expectScribbles(buffers, 'a read that failed'));
    },
  },
  {
    clause: 'B3',
    title: 'B3: what the base brings after the end does not go into the buffers of a read that has settled',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      base.hold('read');
      const { buffers, settled } = readAndScribble(device, context.sizeSectors);
      await macrotasks(5);
      await device.disconnect({ force: true });
      // Those that have settled by now may not change when the base answers. The others settle when it does.
      await macrotasks(5);
      const over = buffers.filter((buffer) => buffer.every((byte) => byte === SCRIBBLE));
      base.release();
      await settled;
      await keepLooking(context, () => expectScribbles(over, 'a read'));
    },
  },
  {
    clause: 'O1',
    title: 'O1: a newer write stays: no older one takes place a second time',
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await device.discard(0, 2);
      await writeStamped(device, 2, 1, sizeSectors - 2);
      const runs = runsOf([0, 1], [2, sizeSectors - 2], [1, 1]);
      await keepLooking(context, () => expectContents(device, 'some time after the last write', ...runs));
      await device.flush();
      await expectContents(device, 'after a flush', ...runs);
    },
  },
  {
    clause: 'D2',
    title: 'D2: a write that was in flight when the device was given up does not come later',
    needs: ['persistent'],
    async run(context) {
      const { volume, device: first, sizeSectors } = await createWritten(context);
      await first.flush();
      const writes = [0, 1, 2].map((start) => later(writeStamped(first, 2, start, sizeSectors - 4)));
      await first.disconnect({ force: true });
      await Promise.allSettled(writes);
      const second = await context.connect(volume);
      await writeStamped(second, 3, 0, sizeSectors - 1);
      const runs = runsOf([3, sizeSectors - 1], [1, 1]);
      await keepLooking(context, () => expectContents(second, 'written after the device was given up', ...runs));
      await second.disconnect();
      const third = await context.connect(volume);
      await expectContents(third, 'written after the device was given up, opened again', ...runs);
    },
  },
  {
    clause: 'D2',
    title: 'D2: a write that the base failed is over: it is not tried again later, over a newer one',
    needs: ['wrap'],
    async run(context) {
      const { device, base, recording } = await wrapWritten(context);
      await device.flush();
      base.fail('write', 'UNAVAILABLE');
      const tried = await outcome(() => writeStamped(device, 2, 2, 5), 'a write');
      // A device that holds writes back has accepted it.
      if (tried.resolved) return;
      base.heal();
      const found = await readWriters(device);
      const look = () => expectContents(device, 'some time after', ...found.map((writer) => [writer, 1] as const));
      await keepLooking(context, look);
      await writeStamped(device, 3, 3, 2);
      const runs = [...found.slice(0, 3), 3, 3, ...found.slice(5)].map((writer) => [writer, 1] as const);
      await keepLooking(context, () => expectContents(device, 'after a newer write', ...runs));
      await device.flush();
      expectDurable(recording, 0, 'after a newer write and a flush', ...runs);
    },
  },
];
