import type { BlockDevice } from '@blockyard/block';
import { deepStrictEqual, ok, strictEqual } from '../../assertions/assertions.js';
import { expectContents, expectCover, expectWriters, readWriters, runsOf, writeStamped } from '../../model/expect.js';
import type { Case } from '../case.js';
import { createWritten, openWritten } from './written.js';

/** The extents are exact, and what they call zero reads as zeroes. */
async function expectTrueExtents(device: BlockDevice, start: number, count: number): Promise<void> {
  const extents = await device.extents(start, count);
  expectCover(extents, start, count);
  const writers = await readWriters(device, start, count);
  for (const extent of extents.filter(({ type }) => type === 'zero')) {
    const held = writers.slice(extent.start - start, extent.start - start + extent.count);
    ok(
      held.every((writer) => writer === 0),
      `${extent.count} sectors from ${extent.start} are called zero, but not all of them are`,
    );
  }
}

export const zeroesCases: readonly Case[] = [
  {
    clause: 'Z1',
    title: 'Z1: discard and writeZeroes zero exactly their range, and it can be written again',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      for (const operation of ['discard', 'writeZeroes'] as const) {
        await writeStamped(device, 1, 0, sizeSectors);
        await device[operation](3, sizeSectors - 7);
        await expectContents(device, `after ${operation}`, [1, 3], [0, sizeSectors - 7], [1, 4]);
        await writeStamped(device, 2, 4, 2);
        const runs = runsOf([1, 3], [0, 1], [2, 2], [0, sizeSectors - 10], [1, 4]);
        await expectContents(device, `written after ${operation}`, ...runs);
        await device.flush();
        await expectContents(device, `written after ${operation} and flushed`, ...runs);
        await device[operation](0, sizeSectors);
        await expectContents(device, `after ${operation} of everything`, [0, sizeSectors]);
      }
    },
  },
  {
    clause: 'Z1',
    title: 'Z1: the neighbours of a zeroed range stay, wherever it begins and ends',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      // Ends that lie on, before and behind the boundaries that a device may have inside.
      const edges = [1, 2, 7, 8, 9, 15, 16, 127, 128, 129].filter((edge) => edge < sizeSectors);
      for (const [round, start] of edges.entries()) {
        for (const count of [1, 2, 8, 128]) {
          const length = Math.min(count, sizeSectors - start - 1);
          if (length < 1) continue;
          const operation = round % 2 === 0 ? 'discard' : 'writeZeroes';
          await writeStamped(device, 1, start - 1, length + 2);
          await device[operation](start, length);
          const what = `after ${operation} of ${length} sectors from ${start}`;
          await expectWriters(device, start - 1, what, [1, 1], [0, length], [1, 1]);
        }
      }
    },
  },
  {
    clause: 'Z1',
    title: 'Z1: zeroing what is partly zero already zeroes the rest',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      for (const operation of ['discard', 'writeZeroes'] as const) {
        await writeStamped(device, 1, 2, 3);
        await writeStamped(device, 1, 8, 1);
        await device.discard(3, 1);
        await device[operation](1, sizeSectors - 2);
        await expectContents(device, `after ${operation}`, [0, sizeSectors]);
      }
    },
  },
  {
    clause: 'Z1',
    title: 'Z1: zeroes are there when the volume is opened again',
    needs: ['persistent'],
    async run(context) {
      const { volume, device, sizeSectors } = await createWritten(context);
      await device.flush();
      await device.discard(1, 5);
      await device.writeZeroes(sizeSectors - 4, 3);
      await device.disconnect();
      const reopened = await context.connect(volume);
      await expectContents(reopened, 'opened again', [1, 1], [0, 5], [1, sizeSectors - 10], [0, 3], [1, 1]);
    },
  },
  {
    clause: 'Z2',
    title: 'Z2: zeroing what is zero already changes nothing',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      await writeStamped(device, 1, 5, 1);
      for (const operation of ['discard', 'writeZeroes'] as const) {
        await device[operation](0, 5);
        await device[operation](6, sizeSectors - 6);
        await device[operation](0, 5);
        await expectContents(device, `after ${operation}`, [0, 5], [1, 1], [0, sizeSectors - 6]);
      }
    },
  },
  {
    clause: 'Z2',
    title: 'Z2: zeroing a whole huge empty device is a matter of metadata',
    needs: ['huge'],
    async run(context) {
      const sizeSectors = context.subject.hugeSectors ?? 0;
      const device = await context.open(sizeSectors);
      const { native } = device.info;
      if (!native.discard && !native.writeZeroes && !native.extents) return;
      const middle = Math.floor(sizeSectors / 2);
      await writeStamped(device, 1, middle, 1);
      // At a byte each, these would take hours.
      await device.discard(0, sizeSectors);
      await device.writeZeroes(0, sizeSectors);
      await device.flush();
      await expectWriters(device, middle - 1, 'after zeroing everything', [0, 3]);
      expectCover(await device.extents(0, sizeSectors), 0, sizeSectors);
    },
  },
  {
    clause: 'Z2',
    title: 'Z2: zeroing a huge empty base writes nothing to it',
    needs: ['wrap'],
    async run(context) {
      const sizeSectors = 2 ** 41 / context.sectorSize;
      const { device, base } = await context.wrap(sizeSectors);
      // A device that writes terabytes must fail this case early.
      base.fail('write', 'IO');
      await device.discard(0, sizeSectors);
      await device.writeZeroes(1, sizeSectors - 2);
      await device.flush();
      base.heal();
      strictEqual(base.calls('write'), 0, 'no zeroes may be written where the base can zero natively');
      await expectWriters(device, sizeSectors - 2, 'at the end', [0, 2]);
    },
  },
  {
    clause: 'Z3',
    title: 'Z3: extents cover the range exactly, and zero is only said of zeroes',
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await device.discard(2, 5);
      await writeStamped(device, 2, 4, 1);
      await device.writeZeroes(sizeSectors - 3, 2);
      for (let start = 0; start < 9; start++) {
        for (const count of [1, 2, 5, sizeSectors - start]) await expectTrueExtents(device, start, count);
      }
      await expectTrueExtents(device, sizeSectors - 4, 4);
    },
  },
  {
    clause: 'Z3',
    title: 'Z3: extents tell the truth at once after every change',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      const changes = [
        () => device.discard(0, sizeSectors),
        () => writeStamped(device, 1, 3, 2),
        () => device.flush(),
        () => writeStamped(device, 2, 9, 1),
        () => device.writeZeroes(4, 6),
        () => device.flush(),
        () => writeStamped(device, 3, 6, 1),
        () => device.discard(3, 1),
      ];
      for (const change of changes) {
        await change();
        await expectTrueExtents(device, 0, sizeSectors);
      }
      await expectContents(device, 'after all changes', [0, 6], [3, 1], [0, sizeSectors - 7]);
    },
  },
  {
    clause: 'Z3',
    title: 'Z3: what was written over a hole of the base is data at once',
    needs: ['wrap'],
    async run(context) {
      const { device } = await context.wrap();
      const { sizeSectors } = context;
      await expectTrueExtents(device, 0, sizeSectors);
      await writeStamped(device, 1, 4, 3);
      await expectTrueExtents(device, 0, sizeSectors);
      await device.flush();
      await expectTrueExtents(device, 0, sizeSectors);
      await device.discard(5, 1);
      await writeStamped(device, 2, 5, 1);
      await expectTrueExtents(device, 0, sizeSectors);
    },
  },
  {
    clause: 'Z3',
    title: 'Z3: asking for extents changes nothing, of any number at once',
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      await writeStamped(device, 1, 1, sizeSectors - 2);
      const all = await Promise.all(Array.from({ length: 8 }, () => device.extents(0, sizeSectors)));
      for (const extents of all) deepStrictEqual(extents, all[0], 'the extents, asked for again');
      await expectContents(device, 'after asking', [0, 1], [1, sizeSectors - 2], [0, 1]);
    },
  },
  {
    clause: 'Z3',
    title: 'Z3: extents tell the truth after a shrink, and of what has grown',
    needs: ['resizable'],
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await expectTrueExtents(device, 0, sizeSectors);
      await device.resize(5);
      await expectTrueExtents(device, 0, 5);
      await device.resize(sizeSectors);
      await expectTrueExtents(device, 0, sizeSectors);
      await writeStamped(device, 2, 7, 2);
      await expectTrueExtents(device, 0, sizeSectors);
      await expectContents(device, 'after growing again', [1, 5], [0, 2], [2, 2], [0, sizeSectors - 9]);
    },
  },
  {
    clause: 'Z3',
    title: 'Z3: extents tell the truth when the volume is opened again',
    needs: ['persistent'],
    async run(context) {
      const volume = await context.create();
      const { sizeSectors } = context;
      const device = await context.connect(volume);
      await writeStamped(device, 1, 2, 5);
      await device.discard(4, 1);
      await device.disconnect();
      for (let round = 0; round < 2; round++) {
        const reopened = await context.connect(volume);
        await expectTrueExtents(reopened, 0, sizeSectors);
        await expectTrueExtents(reopened, 4, 3);
        await reopened.disconnect();
      }
    },
  },
];
