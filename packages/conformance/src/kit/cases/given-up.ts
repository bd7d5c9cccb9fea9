import { OPERATIONS } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { deepStrictEqual, ok, strictEqual } from '../../assertions/assertions.js';
import type { ControlledBase } from '../../bases/controlled-base.js';
import { expectContents, later, outcome, readWriters, refuses, writeStamped } from '../../model/expect.js';
import { describeWriter } from '../../model/stamp.js';
import type { Case } from '../case.js';
import { keepLooking } from '../keep-looking.js';
import { wrapWritten } from './written.js';

function callsOf(base: ControlledBase): Record<string, number> {
  return Object.fromEntries(OPERATIONS.map((operation) => [operation, base.calls(operation)]));
}

/** Ends that come while something is under way. */
export const givenUpCases: readonly Case[] = [
  {
    clause: 'E1',
    title: 'E1: what is submitted during a disconnect that fails is carried out after it',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      const { sizeSectors } = context;
      base.hold('disconnect');
      const end = later(device.disconnect());
      await base.called('disconnect');
      const write = later(writeStamped(device, 1, 0, sizeSectors));
      await macrotasks(5);
      base.fail('disconnect', 'UNAVAILABLE');
      base.release();
      await refuses('UNAVAILABLE', () => end, 'a disconnect that the base fails');
      await write;
      await expectContents(device, 'written during a disconnect that failed', [1, sizeSectors]);
    },
  },
  {
    clause: 'E4',
    title: 'E4: after a forced disconnect nothing more is asked of the base',
    needs: ['wrap'],
    async run(context) {
      const { device, base } = await context.wrap();
      await writeStamped(device, 1, 0, context.sizeSectors);
      await readWriters(device, 0, 3);
      await device.disconnect({ force: true });
      const calls = callsOf(base);
      await keepLooking(context, () => deepStrictEqual(callsOf(base), calls, 'the base was called after its end'));
    },
  },
  {
    clause: 'E4',
    title: 'E4: forced during a resize, the resize settles, and nothing more is asked of the base',
    needs: ['wrap', 'resizable'],
    async run(context) {
      const { device, base, sizeSectors } = await wrapWritten(context);
      base.hold('resize');
      const resize = later(device.resize(sizeSectors + 5));
      await base.called('resize');
      const waiting = [writeStamped(device, 2, 0, 1), device.flush(), device.resize(1)].map(later);
      await macrotasks(5);
      await device.disconnect({ force: true });
      for (const each of waiting)
        await refuses('DISCONNECTED', () => each, 'what waits for a resize that was given up');
      const calls = callsOf(base);
      base.fail('resize', 'UNAVAILABLE');
      base.release();
      await outcome(() => resize, 'the resize');
      await refuses('DISCONNECTED', () => device.flush(), 'a flush after the end');
      await keepLooking(context, () => deepStrictEqual(callsOf(base), calls, 'the base was called after its end'));
    },
  },
  {
    clause: 'E4',
    title: 'E4: forced during a resize, the volume has the old size or the new one, and its data',
    needs: ['persistent', 'resizable'],
    async run(context) {
      const { sizeSectors } = context;
      for (const size of [sizeSectors - 5, sizeSectors + 5]) {
        await context.fresh(async (own) => {
          const volume = await own.create();
          const device = await own.connect(volume);
          await writeStamped(device, 1, 0, sizeSectors);
          await device.flush();
          const inFlight = [later(device.resize(size)), later(writeStamped(device, 2, 0, 1))];
          await device.disconnect({ force: true });
          await Promise.allSettled(inFlight);
          const reopened = await own.connect(volume);
          const found = reopened.info.sizeSectors;
          ok(
            found === sizeSectors || found === size,
            `the volume has ${found} sectors, must have ${sizeSectors} or ${size}`,
          );
          const writers = await readWriters(reopened);
          for (const [sector, writer] of writers.entries()) {
            const isWritten = writer === 1 || (writer === 2 && sector === 0);
            ok(
              isWritten || (writer === 0 && sector >= Math.min(size, sizeSectors)),
              `sector ${sector} is ${describeWriter(writer)}`,
            );
          }
          // What was not carried out then is not carried out later either.
          const look = async () => strictEqual(reopened.info.sizeSectors, found, 'info must tell the size');
          await keepLooking(context, look);
          await expectContents(reopened, 'some time after', ...writers.map((writer) => [writer, 1] as const));
        });
      }
    },
  },
];
