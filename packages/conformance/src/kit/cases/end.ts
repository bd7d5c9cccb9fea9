import { isBlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { ok, strictEqual } from '../../assertions/assertions.js';
import { expectContents, expectDurable, later, outcome, refuses, writeStamped } from '../../model/expect.js';
import type { Case } from '../case.js';
import { CHANGING_CALLS, RANGE_CALLS } from './calls.js';
import { createWritten } from './written.js';

export const endCases: readonly Case[] = [
  {
    clause: 'E1',
    title: 'E1: disconnect waits for operations in flight, and refuses later ones',
    async run(context) {
      const device = await context.open();
      const { sizeSectors, sectorSize } = context;
      const inFlight = [
        later(writeStamped(device, 1, 0, sizeSectors)),
        later(device.read(0, [new Uint8Array(sectorSize)])),
        later(device.discard(3, 2)),
        later(device.extents(0, sizeSectors)),
        later(device.flush()),
      ];
      const end = later(device.disconnect());
      await refuses('DISCONNECTED', () => writeStamped(device, 2, 0, 1), 'a write called after disconnect');
      await Promise.all([...inFlight, end]);
    },
  },
  {
    clause: 'E1',
    title: 'E1: what was written, also in flight, is there when the volume is opened again',
    needs: ['persistent'],
    async run(context) {
      const { volume, device, sizeSectors } = await createWritten(context);
      const write = writeStamped(device, 2, 2, 4);
      await Promise.all([write, device.disconnect()]);
      const reopened = await context.connect(volume);
      await expectContents(reopened, 'opened again', [1, 2], [2, 4], [1, sizeSectors - 6]);
    },
  },
  {
    clause: 'E1',
    title: 'E1: a volume can be opened again many times',
    needs: ['persistent'],
    async run(context) {
      const volume = await context.create();
      for (let round = 0; round < 5; round++) {
        const device = await context.connect(volume);
        await expectContents(device, `opened ${round + 1} times`, [round, round], [0, context.sizeSectors - round]);
        await writeStamped(device, round + 1, 0, round + 1);
        await device.disconnect();
      }
    },
  },
  {
    clause: 'E1',
    title: 'E1: disconnect leaves what was accepted durable on the base, and the base disconnected',
    needs: ['wrap'],
    async run(context) {
      const { device, base, recording } = await context.wrap();
      await writeStamped(device, 1, 0, context.sizeSectors);
      await device.disconnect();
      expectDurable(recording, 0, 'after disconnect', [1, context.sizeSectors]);
      strictEqual(base.disconnects, 1, 'the base must have been disconnected');
      strictEqual(base.misuses.join(), '', 'the base must not be used after its end');
    },
  },
  {
    clause: 'E2',
    title: 'E2: disconnecting twice, at once and later, is disconnecting once',
    async run(context) {
      const device = await context.open();
      await writeStamped(device, 1, 0, 1);
      await Promise.all([device.disconnect(), device.disconnect(), device[Symbol.asyncDispose]()]);
      await device.disconnect();
      await device[Symbol.asyncDispose]();
      await device.disconnect({ force: true });
      await refuses('DISCONNECTED', () => device.flush(), 'a flush after the end');
    },
  },
  {
    clause: 'E2',
    title: 'E2: the base is disconnected exactly once',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      await writeStamped(device, 1, 0, 1);
      await Promise.all([device.disconnect(), device.disconnect(), device[Symbol.asyncDispose]()]);
      await device.disconnect();
      await device.disconnect({ force: true });
      strictEqual(base.disconnects, 1, 'the base must be disconnected exactly once');
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
      for (const size of [context.sizeSectors, context.sizeSectors + 1]) {
        await refuses('DISCONNECTED', () => device.resize(size), `resize to ${size} after the end`);
      }
      strictEqual(device.info.sectorSize, context.sectorSize, 'info can be asked for ever');
    },
  },
  {
    clause: 'E4',
    title: 'E4: a forced disconnect always resolves, and is an end like any other',
    async run(context) {
      const device = await context.open();
      const inFlight = [
        writeStamped(device, 1, 0, context.sizeSectors),
        device.read(0, [new Uint8Array(context.sectorSize)]),
        device.flush(),
      ];
      const settled = Promise.allSettled(inFlight);
      await Promise.all([device.disconnect({ force: true }), device.disconnect({ force: true })]);
      await settled;
      await refuses('DISCONNECTED', () => device.flush(), 'flush after a forced end');
      await refuses('DISCONNECTED', () => writeStamped(device, 2, 0, 1), 'a write after a forced end');
      await device.disconnect();
    },
  },
  {
    clause: 'E4',
    title:
      'E4: if the base fails the last write-back, the device stays connected with its data until it can be repeated',
    needs: ['wrap'],
    async run(context) {
      for (const failing of ['flush', 'write', 'disconnect'] as const) {
        await context.fresh(async (own) => {
          const { device, base, recording } = await own.wrap();
          const { sizeSectors } = own;
          base.fail(failing, 'UNAVAILABLE');
          const written = await outcome(() => writeStamped(device, 1, 0, sizeSectors), 'a write');
          // The write has failed, so nothing is left to be written back [D2].
          if (failing === 'write' && !written.resolved) return;
          const what = `a disconnect from a base that fails ${failing}`;
          const both = [device.disconnect(), device.disconnect()].map((end) => outcome(() => end, what));
          for (const { resolved } of await Promise.all(both)) strictEqual(resolved, false, `${what} must be refused`);
          await refuses(['UNAVAILABLE', 'FLUSH_FAILED'], () => device.disconnect(), what);
          await expectContents(device, `after ${what}`, [1, sizeSectors]);
          base.heal();
          await writeStamped(device, 2, 3, 2);
          await device.disconnect();
          expectDurable(recording, 0, 'after the disconnect that succeeded', [1, 3], [2, 2], [1, sizeSectors - 5]);
          strictEqual(base.disconnects, 1, 'the base must have been disconnected exactly once');
          await refuses('DISCONNECTED', () => device.flush(), 'a flush after the end');
        });
      }
    },
  },
  {
    clause: 'E4',
    title: 'E4: a forced disconnect resolves over a base that fails everything',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      await outcome(() => writeStamped(device, 1, 0, 5), 'a write');
      for (const operation of ['read', 'write', 'flush', 'discard', 'disconnect'] as const) base.fail(operation, 'IO');
      await outcome(() => writeStamped(device, 2, 0, 5), 'a write');
      await device.disconnect({ force: true });
      await refuses('DISCONNECTED', () => device.flush(), 'a flush after the forced end');
    },
  },
  {
    clause: 'E4',
    title: 'E4: a forced disconnect resolves over a base that answers nothing, whatever waits for it',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      await writeStamped(device, 1, 0, 2);
      base.hold('read', 'write', 'flush', 'discard', 'writeZeroes', 'extents', 'resize', 'disconnect');
      const waiting = Promise.allSettled([
        writeStamped(device, 2, 1, 4),
        device.read(0, [new Uint8Array(context.sizeSectors * context.sectorSize)]),
        device.discard(6, 2),
        device.flush(),
        device.resize(context.sizeSectors + 1),
        device.disconnect(),
      ]);
      await macrotasks(5);
      await device.disconnect({ force: true });
      ok(base.disconnects > 0, 'the base must have been given up too');
      await refuses('DISCONNECTED', () => writeStamped(device, 3, 0, 1), 'a write after the forced end');
      // Whatever the base does then, no one may wait for ever [O2].
      base.release();
      await waiting;
    },
  },
  {
    clause: 'E5',
    title: 'E5: a device that works does not say that it is lost, nor does one that was disconnected',
    async run(context) {
      const device = await context.open();
      const isLost = () => device.lost?.aborted ?? false;
      await writeStamped(device, 1, 0, 2);
      await device.flush();
      strictEqual(isLost(), false, 'a device that works must not be lost');
      await device.disconnect();
      strictEqual(isLost(), false, 'to be disconnected is not to be lost');
    },
  },
  {
    clause: 'E5',
    title:
      'E5: a device over a base that is lost says so, refuses changes, and claims nothing that it can no longer store',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      await writeStamped(device, 1, 0, 2);
      await device.flush();
      const calls = base.calls('write');
      const written = await outcome(() => writeStamped(device, 2, 3, 2), 'a write');
      const isDirty = written.resolved && base.calls('write') === calls;
      const { lost } = device;
      ok(lost !== undefined, 'a device over one that can be lost must be able to say it');
      let told = 0;
      lost.addEventListener('abort', () => {
        told++;
      });
      base.lose();
      strictEqual(told, 1, 'a listener must be told, once');
      ok(isBlockError(lost.reason, 'FENCED'), 'the reason must be the error of the base');
      for (const { name, run } of CHANGING_CALLS) {
        await refuses('FENCED', () => run(device, 0, 1), `${name} over a lost base`);
      }
      await refuses('FENCED', () => device.resize(context.sizeSectors + 1), 'resize over a lost base');
      if (isDirty) await refuses('FENCED', () => device.flush(), 'a flush of what can no longer be stored');
      await device.disconnect({ force: true });
    },
  },
];
