import { macrotasks } from '@blockyard/block/testing';
import { ok, strictEqual } from '../../assertions/assertions.js';
import {
  expectContents,
  expectDurable,
  later,
  outcome,
  readWriters,
  refuses,
  runsOf,
  writeStamped,
} from '../../model/expect.js';
import { describeWriter } from '../../model/stamp.js';
import type { Case } from '../case.js';
import { createWritten, openWritten, wrapWritten } from './written.js';

/** Sectors that are written one by one, at most: each may cost a request. */
const SINGLES_MAX = 48;

export const durabilityCases: readonly Case[] = [
  {
    clause: 'D1',
    title: 'D1: what was flushed is there after the device was given up',
    needs: ['persistent'],
    async run(context) {
      const { volume, device, sizeSectors } = await createWritten(context);
      await device.flush();
      await device.discard(2, 3);
      await device.writeZeroes(sizeSectors - 2, 1);
      await writeStamped(device, 2, 3, 1);
      await device.flush();
      await device.disconnect({ force: true });
      const reopened = await context.connect(volume);
      await expectContents(
        reopened,
        'opened again',
        [1, 2],
        [0, 1],
        [2, 1],
        [0, 1],
        [1, sizeSectors - 7],
        [0, 1],
        [1, 1],
      );
    },
  },
  {
    clause: 'D1',
    title: 'D1: of flushes at once, each makes durable what was accepted before it',
    needs: ['persistent'],
    async run(context) {
      const sizeSectors = Math.min(context.sizeSectors, SINGLES_MAX);
      const volume = await context.create(sizeSectors);
      const device = await context.connect(volume);
      const flushes: Promise<void>[] = [];
      for (let sector = 0; sector < sizeSectors; sector++) {
        await writeStamped(device, sector + 1, sector, 1);
        if (sector % 3 === 0 || sector === sizeSectors - 1) flushes.push(later(device.flush()));
      }
      await Promise.all(flushes);
      await device.disconnect({ force: true });
      const reopened = await context.connect(volume);
      const runs = Array.from({ length: sizeSectors }, (_, sector) => [sector + 1, 1] as const);
      await expectContents(reopened, 'opened again', ...runs);
    },
  },
  {
    clause: 'D1',
    title: 'D1: a flush of a range makes that range durable',
    needs: ['persistent'],
    async run(context) {
      const { volume, device, sizeSectors } = await createWritten(context);
      await device.flush({ start: 2, count: sizeSectors - 5 });
      await device.disconnect({ force: true });
      const reopened = await context.connect(volume);
      const seen = await readWriters(reopened);
      for (const [sector, writer] of seen.entries()) {
        const flushed = sector >= 2 && sector < sizeSectors - 3;
        ok(
          writer === 1 || (writer === 0 && !flushed),
          `sector ${sector} must have been written, but is ${describeWriter(writer)}`,
        );
      }
    },
  },
  {
    clause: 'D1',
    title: 'D1: a flush resolves only after the base has flushed what it was given',
    needs: ['wrap'],
    async run(context) {
      const { device, base, recording } = await context.wrap();
      await writeStamped(device, 1, 0, context.sizeSectors);
      base.hold('flush');
      let flushed = false;
      const flush = later(
        device.flush().then(() => {
          flushed = true;
        }),
      );
      await Promise.race([base.called('flush'), flush]);
      strictEqual(flushed, false, 'the flush must wait for a flush of the base');
      base.release();
      await flush;
      expectDurable(recording, 0, 'after the flush', [1, context.sizeSectors]);
    },
  },
  {
    clause: 'D1',
    title: 'D1: a flush waits for what was being written back already when it was called',
    needs: ['wrap'],
    async run(context) {
      const { device, base, recording } = await context.wrap();
      await writeStamped(device, 1, 0, 1);
      base.hold('write');
      let accepted = false;
      const first = later(
        writeStamped(device, 2, 0, 3).then(() => {
          accepted = true;
          return device.flush();
        }),
      );
      await base.called('write');
      // A device that writes through has accepted nothing so far.
      const owed = accepted;
      let flushed = false;
      const second = later(
        device.flush().then(() => {
          flushed = true;
        }),
      );
      await macrotasks(20);
      if (owed) strictEqual(flushed, false, 'the flush must wait for the write-back under way');
      base.release();
      await Promise.all([first, second]);
      expectDurable(recording, 0, 'after both flushes', [2, 3]);
    },
  },
  {
    clause: 'D2',
    title: 'D2: a refused write changes nothing and can be tried again',
    async run(context) {
      const { device, sizeSectors } = await openWritten(context);
      await refuses('OUT_OF_BOUNDS', () => writeStamped(device, 2, sizeSectors - 2, 3), 'a write past the end');
      await expectContents(device, 'after the refused write', [1, sizeSectors]);
      await writeStamped(device, 2, sizeSectors - 2, 2);
      const runs = runsOf([1, sizeSectors - 2], [2, 2]);
      await expectContents(device, 'after the second try', ...runs);
    },
  },
  {
    clause: 'D2',
    title: 'D2: a write that the base fails leaves each sector old or new, touches no other, and can be tried again',
    needs: ['wrap'],
    async run(context) {
      const { device, base, recording, sizeSectors } = await wrapWritten(context);
      await device.flush();
      base.fail('write', 'NO_SPACE');
      const tried = await outcome(() => writeStamped(device, 2, 3, 4), 'a write');
      if (!tried.resolved) await refuses('NO_SPACE', () => Promise.reject(tried.error), 'a write that the base fails');
      for (const [sector, writer] of (await readWriters(device)).entries()) {
        const isNew = writer === 2 && sector >= 3 && sector < 7;
        const isOld = writer === 1 && !(tried.resolved && sector >= 3 && sector < 7);
        ok(
          isNew || isOld,
          `after a write that ${tried.resolved ? 'succeeded' : 'failed'}, sector ${sector} is ${describeWriter(writer)}`,
        );
      }
      base.heal();
      await writeStamped(device, 2, 3, 4);
      await device.flush();
      const runs = runsOf([1, 3], [2, 4], [1, sizeSectors - 7]);
      await expectContents(device, 'after the second try', ...runs);
      expectDurable(recording, 0, 'after the second try and a flush', ...runs);
    },
  },
  {
    clause: 'D3',
    title: 'D3: a flush that the base fails claims nothing and loses nothing',
    needs: ['wrap'],
    async run(context) {
      for (const failing of ['flush', 'write'] as const) {
        await context.fresh(async (own) => {
          const { device, base, recording } = await own.wrap();
          const runs = runsOf([2, 5], [1, own.sizeSectors - 5]);
          await writeStamped(device, 1, 0, own.sizeSectors);
          await device.flush();
          base.fail(failing, 'UNAVAILABLE');
          const written = await outcome(() => writeStamped(device, 2, 0, 5), 'a write');
          // The write has failed, so there is nothing to flush [D2].
          if (failing === 'write' && !written.resolved) return;
          const what = `a flush over a base that fails ${failing}`;
          await refuses(['UNAVAILABLE', 'FLUSH_FAILED'], () => device.flush(), what);
          await refuses(['UNAVAILABLE', 'FLUSH_FAILED'], () => device.flush(), `${what}, tried again,`);
          const both = [device.flush(), device.flush()].map((flush) => outcome(() => flush, what));
          for (const { resolved } of await Promise.all(both))
            strictEqual(resolved, false, `${what} must fail each caller`);
          await expectContents(device, `after ${what}`, ...runs);
          base.heal();
          await device.flush();
          await expectContents(device, 'after the flush that succeeded', ...runs);
          expectDurable(recording, 0, 'after the flush that succeeded', ...runs);
        });
      }
    },
  },
  {
    clause: 'D4',
    title: 'D4: given up, each sector holds its flushed contents or later ones, whole',
    needs: ['persistent'],
    async run(context) {
      const { volume, device, sizeSectors } = await createWritten(context);
      await device.flush();
      await writeStamped(device, 2, 1, sizeSectors - 4);
      await device.discard(4, 2);
      await device.disconnect({ force: true });
      const reopened = await context.connect(volume);
      for (const [sector, writer] of (await readWriters(reopened)).entries()) {
        const allowed = [1];
        if (sector >= 1 && sector < sizeSectors - 3) allowed.push(2);
        if (sector === 4 || sector === 5) allowed.push(0);
        ok(
          allowed.includes(writer),
          `sector ${sector} must be ${allowed.map(describeWriter).join(' or ')}, not ${describeWriter(writer)}`,
        );
      }
    },
  },
  {
    clause: 'D4',
    title: 'D4: what was found after a crash stays as it was found',
    needs: ['persistent'],
    async run(context) {
      const volume = await context.create();
      const device = await context.connect(volume);
      await writeStamped(device, 1, 0, context.sizeSectors);
      await device.disconnect({ force: true });
      const reopened = await context.connect(volume);
      const found = await readWriters(reopened);
      await reopened.disconnect({ force: true });
      const again = await context.connect(volume);
      await expectContents(again, 'opened a third time', ...found.map((writer) => [writer, 1] as const));
    },
  },
];
