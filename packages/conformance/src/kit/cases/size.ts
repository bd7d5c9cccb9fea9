import { macrotasks } from '@blockyard/block/testing';
import { notStrictEqual, strictEqual } from '../../assertions/assertions.js';
import { expectStamps } from '../../model/differences.js';
import {
  expand,
  expectContents,
  expectDurable,
  expectWriters,
  later,
  readWriters,
  refuses,
  runsOf,
  writeStamped,
} from '../../model/expect.js';
import { describeWriter } from '../../model/stamp.js';
import type { Case } from '../case.js';
import { createWritten, openWritten, wrapWritten } from './written.js';

export const sizeCases: readonly Case[] = [
  {
    clause: 'S1',
    title: 'S1: resize waits for operations in flight and holds back later ones',
    needs: ['resizable'],
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      const before = writeStamped(device, 1, 0, sizeSectors);
      const grown = device.resize(sizeSectors + 4);
      const after = writeStamped(device, 2, sizeSectors, 4);
      await Promise.all([before, grown, after]);
      await expectContents(device, 'after growing', [1, sizeSectors], [2, 4]);
      const tail = writeStamped(device, 3, sizeSectors, 4);
      const shrunk = device.resize(sizeSectors);
      const late = refuses('OUT_OF_BOUNDS', () => writeStamped(device, 4, sizeSectors, 4), 'a write past the new end');
      await Promise.all([tail, shrunk, late]);
      strictEqual(device.info.sizeSectors, sizeSectors, 'info must tell the size');
      await expectContents(device, 'after shrinking', [1, sizeSectors]);
    },
  },
  {
    clause: 'S1',
    title: 'S1: resizes at once take place one after the other',
    needs: ['resizable'],
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      const calls = [
        device.resize(sizeSectors - 3),
        device.resize(sizeSectors + 5),
        writeStamped(device, 2, sizeSectors + 4, 1),
        device.resize(sizeSectors + 8),
      ];
      await Promise.all(calls);
      strictEqual(device.info.sizeSectors, sizeSectors + 8, 'info must tell the size');
      await expectContents(device, 'after three resizes', [1, sizeSectors - 3], [0, 7], [2, 1], [0, 3]);
    },
  },
  {
    clause: 'S1',
    title: 'S1: each of many reads and writes around resizes finds the size that holds when it begins',
    needs: ['resizable'],
    async run(context) {
      const device = await context.open();
      const { sizeSectors, sectorSize } = context;
      const shrunkSize = sizeSectors - 6;
      await writeStamped(device, 1, 0, sizeSectors);
      const tails = Array.from({ length: 12 }, () => new Uint8Array(6 * sectorSize));
      const before = tails.map((tail) => later(device.read(shrunkSize, [tail])));
      const shrunk = later(device.resize(shrunkSize));
      const between = tails.map(() =>
        later(
          refuses(
            'OUT_OF_BOUNDS',
            () => device.read(shrunkSize, [new Uint8Array(sectorSize)]),
            'a read after a shrink',
          ),
        ),
      );
      const grown = later(device.resize(sizeSectors));
      const after = tails.map((_, i) => later(writeStamped(device, i + 2, shrunkSize + (i % 6), 1)));
      await Promise.all([...before, shrunk, ...between, grown, ...after]);
      for (const tail of tails)
        expectStamps(tail, shrunkSize, 'a read before the shrink', expand([[1, 6]]), sectorSize);
      await expectWriters(device, 0, 'below the new end', [1, shrunkSize]);
      const last = await readWriters(device, shrunkSize);
      const wrong = last.findIndex((writer, i) => writer !== i + 2 && writer !== i + 8);
      strictEqual(
        wrong,
        -1,
        `sector ${shrunkSize + wrong} is ${describeWriter(last[wrong] ?? 0)}, which was not written after growing`,
      );
    },
  },
  {
    clause: 'S1',
    title: 'S1: info cannot be changed by those who look at it',
    async run(context) {
      const device = await context.open();
      const { info } = device;
      Reflect.set(info, 'sizeSectors', 1);
      Reflect.set(info, 'sectorSize', 1);
      strictEqual(device.info.sizeSectors, context.sizeSectors, 'info must tell the size');
      strictEqual(device.info.sectorSize, context.sectorSize, 'info must tell the size of sectors');
      await expectContents(device, 'after a look at info', [0, context.sizeSectors]);
    },
  },
  {
    clause: 'S1',
    title: 'S1: info is live, and one that was looked at does not change',
    needs: ['resizable'],
    async run(context) {
      const device = await context.open();
      const { info } = device;
      await device.resize(context.sizeSectors + 1);
      strictEqual(info.sizeSectors, context.sizeSectors, 'what info was must stay');
      notStrictEqual(device.info, info, 'there must be a new info after a change');
      strictEqual(device.info.sizeSectors, context.sizeSectors + 1, 'info must tell the size');
    },
  },
  {
    clause: 'S1',
    title: 'S1: the base is not resized while it writes',
    needs: ['wrap', 'resizable'],
    async run(context) {
      const { device, base } = await context.wrap();
      const { sizeSectors } = context;
      base.hold('write');
      const write = later(writeStamped(device, 1, 0, sizeSectors));
      await Promise.race([base.called('write'), write]);
      const inFlight = base.calls('write') > 0;
      const resize = later(device.resize(sizeSectors - 4));
      await macrotasks(20);
      if (inFlight)
        strictEqual(base.calls('resize'), 0, 'the base must not be resized while a write to it is in flight');
      base.release();
      await Promise.all([write, resize]);
      await expectContents(device, 'after shrinking', [1, sizeSectors - 4]);
      await device.flush();
      strictEqual(base.misuses.join(), '', 'the base must not be used past its end');
    },
  },
  {
    clause: 'S2',
    title: 'S2: grown space reads as zeroes, also where a shrink dropped data',
    needs: ['resizable'],
    async run(context) {
      const device = await context.open();
      const { sizeSectors } = context;
      for (const [round, dropped] of [5, 1, 8, sizeSectors - 1].entries()) {
        await writeStamped(device, round + 1, 0, sizeSectors);
        if (round % 2 === 0) await device.flush();
        await device.resize(sizeSectors - dropped);
        strictEqual(device.info.sizeSectors, sizeSectors - dropped, 'info must tell the size');
        await expectContents(device, 'after shrinking', [round + 1, sizeSectors - dropped]);
        await device.resize(sizeSectors);
        const runs = runsOf([round + 1, sizeSectors - dropped], [0, dropped]);
        await expectContents(device, 'after growing again', ...runs);
      }
      await device.resize(sizeSectors + 7);
      await expectWriters(device, sizeSectors, 'after growing beyond', [0, 7]);
    },
  },
  {
    clause: 'S2',
    title: 'S2: grown space can be written, and growing again leaves it',
    needs: ['resizable'],
    async run(context) {
      const device = await context.open(1);
      let sizeSectors = 1;
      await writeStamped(device, 1, 0, 1);
      while (sizeSectors < context.sizeSectors) {
        const grown = sizeSectors * 2;
        await device.resize(grown);
        await expectWriters(device, sizeSectors, `grown to ${grown}`, [0, grown - sizeSectors]);
        await writeStamped(device, 1, sizeSectors, grown - sizeSectors);
        sizeSectors = grown;
      }
      await expectContents(device, 'after growing often', [1, sizeSectors]);
    },
  },
  {
    clause: 'S2',
    title: 'S2: growing writes no data',
    needs: ['wrap', 'resizable'],
    async run(context) {
      const { device, base } = await context.wrap();
      await writeStamped(device, 1, 0, context.sizeSectors);
      await device.flush();
      const writes = base.calls('write');
      await device.resize(context.sizeSectors * 1_000_000);
      await device.flush();
      strictEqual(base.calls('write'), writes, 'growing must not write to the base');
    },
  },
  {
    clause: 'S3',
    title: 'S3: shrinking drops what lies past the new end, flushed, zeroed or in flight',
    needs: ['resizable'],
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await device.flush();
      await device.discard(sizeSectors - 6, 2);
      await writeStamped(device, 2, sizeSectors - 3, 2);
      const inFlight = [
        writeStamped(device, 3, sizeSectors - 4, 4),
        device.read(0, [new Uint8Array(context.sectorSize)]),
      ];
      await Promise.all([...inFlight, device.resize(1)]);
      await refuses('OUT_OF_BOUNDS', () => device.read(1, [new Uint8Array(context.sectorSize)]), 'a read past the end');
      await device.resize(sizeSectors);
      const runs = runsOf([1, 1], [0, sizeSectors - 1]);
      await expectContents(device, 'after growing again', ...runs);
      await device.flush();
      await expectContents(device, 'after growing again and a flush', ...runs);
    },
  },
  {
    clause: 'S3',
    title: 'S3: a device may shrink to nothing and grow again',
    needs: ['resizable'],
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await device.resize(0);
      strictEqual(device.info.sizeSectors, 0, 'info must tell the size');
      await device.write(0, []);
      await refuses('OUT_OF_BOUNDS', () => writeStamped(device, 2, 0, 1), 'a write to no sectors');
      await device.flush();
      await device.resize(sizeSectors);
      await expectContents(device, 'after growing again', [0, sizeSectors]);
    },
  },
  {
    clause: 'S4',
    title: 'S4: a refused resize, and one to the same size, leave size and data',
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await refuses('INVALID_ARGUMENT', () => device.resize(-1), 'a resize to -1');
      await refuses('INVALID_ARGUMENT', () => device.resize(sizeSectors - 0.5), 'a resize to half sectors');
      if (context.subject.resizable ?? true) await device.resize(sizeSectors);
      strictEqual(device.info.sizeSectors, sizeSectors, 'info must tell the size');
      await expectContents(device, 'after the resizes', [1, sizeSectors]);
    },
  },
  {
    clause: 'S4',
    title: 'S4: a device that cannot be resized says so and stays as it is',
    needs: ['fixedSize'],
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await refuses('UNSUPPORTED', () => device.resize(sizeSectors + 1), 'growing');
      await refuses('UNSUPPORTED', () => device.resize(sizeSectors - 1), 'shrinking');
      strictEqual(device.info.sizeSectors, sizeSectors, 'info must tell the size');
      await expectContents(device, 'after the refused resizes', [1, sizeSectors]);
    },
  },
  {
    clause: 'S4',
    title: 'S4: a resize that the base fails leaves size and data',
    needs: ['wrap', 'resizable'],
    async run(context) {
      const { device, base, recording, sizeSectors } = await wrapWritten(context);
      await device.flush();
      await writeStamped(device, 2, sizeSectors - 3, 3);
      base.fail('resize', 'NO_SPACE');
      for (const size of [sizeSectors - 5, sizeSectors + 5, 1]) {
        await refuses('NO_SPACE', () => device.resize(size), `a resize to ${size} that the base fails`);
        strictEqual(device.info.sizeSectors, sizeSectors, 'info must tell the size');
      }
      const runs = runsOf([1, sizeSectors - 3], [2, 3]);
      await expectContents(device, 'after the failed resizes', ...runs);
      await device.flush();
      expectDurable(recording, 0, 'after the failed resizes and a flush', ...runs);
      base.heal();
      await device.resize(sizeSectors - 2);
      await expectWriters(device, sizeSectors - 4, 'after the resize that succeeded', [1, 1], [2, 1]);
    },
  },
  {
    clause: 'S4',
    title: 'S4: the new size and the data are there when the volume is opened again',
    needs: ['persistent', 'resizable'],
    async run(context) {
      const { volume, device: grown, sizeSectors } = await createWritten(context);
      await grown.resize(sizeSectors + 3);
      await writeStamped(grown, 2, sizeSectors + 2, 1);
      await grown.flush();
      await grown.disconnect({ force: true });
      const shrunk = await context.connect(volume);
      strictEqual(shrunk.info.sizeSectors, sizeSectors + 3, 'a flushed size must stay, even if the device is given up');
      await expectWriters(shrunk, sizeSectors - 1, 'grown and opened again', [1, 1], [0, 2], [2, 1]);
      await shrunk.resize(sizeSectors - 2);
      await shrunk.disconnect();
      const last = await context.connect(volume);
      strictEqual(last.info.sizeSectors, sizeSectors - 2, 'info must tell the size');
      await expectContents(last, 'shrunk and opened again', [1, sizeSectors - 2]);
      await last.resize(sizeSectors);
      await expectWriters(last, sizeSectors - 3, 'grown after it was opened again', [1, 1], [0, 2]);
    },
  },
  {
    clause: 'S4',
    title: 'S4: a volume of no sectors can be opened again, and grow',
    needs: ['persistent', 'resizable'],
    async run(context) {
      const { volume, device, sizeSectors } = await createWritten(context);
      await device.resize(0);
      await device.disconnect();
      const reopened = await context.connect(volume);
      strictEqual(reopened.info.sizeSectors, 0, 'info must tell the size');
      await reopened.flush();
      await reopened.resize(sizeSectors);
      await expectContents(reopened, 'grown again', [0, sizeSectors]);
    },
  },
];
