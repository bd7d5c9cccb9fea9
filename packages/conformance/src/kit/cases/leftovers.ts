import type { BlockDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { AssertionError } from '../../assertions/assertion-error.js';
import { later, writeStamped } from '../../model/expect.js';
import type { Case, Context } from '../case.js';
import { activeResources, describeGrowth } from '../leftovers.js';

/** What every device leaves behind is there about so often. What a pool or a runner holds is not. */
const ROUNDS = 9;
const LEFT_MIN = 8;
/** For what is opened once and stays: a pool of connections, say. */
const ROUNDS_BEFORE = 2;
/** How long what is closed may take to be gone. */
const CLOSING_MS_MAX = 2_000;

/** Opens and ends devices repeatedly, and fails if each leaves something behind. */
async function expectNothingLeft(context: Context, end: (device: BlockDevice) => Promise<void>): Promise<void> {
  const { persistent } = context.subject;
  const volume = persistent ? await context.create() : undefined;
  const round = () =>
    context.fresh(async (own) => {
      const device = volume === undefined ? await own.open() : await own.connect(volume);
      await writeStamped(device, 1, 0, 3);
      await device.flush();
      await device.read(0, [new Uint8Array(3 * own.sectorSize)]);
      await end(device);
    });
  for (let i = 0; i < ROUNDS_BEFORE; i++) await round();
  const before = await activeResources();
  for (let i = 0; i < ROUNDS; i++) await round();
  const endsAtMs = performance.now() + CLOSING_MS_MAX;
  for (;;) {
    const left = describeGrowth(before, await activeResources(), LEFT_MIN);
    if (left === undefined) return;
    if (performance.now() > endsAtMs) {
      throw new AssertionError({ message: `after ${ROUNDS} devices have ended there are ${left}` });
    }
    await macrotasks(1);
  }
}

/** What a device leaves behind in the process: seen in Node, and open files on Linux. */
export const leftoverCases: readonly Case[] = [
  {
    clause: 'E1',
    title: 'E1: disconnect leaves no timer, socket or file open',
    needs: ['resources'],
    run: (context) => expectNothingLeft(context, (device) => device.disconnect()),
  },
  {
    clause: 'E4',
    title: 'E4: a forced disconnect leaves no timer, socket or file open, once what was in flight has settled',
    needs: ['resources'],
    run: (context) =>
      expectNothingLeft(context, async (device) => {
        const inFlight = [
          later(writeStamped(device, 2, 1, 2)),
          later(device.read(0, [new Uint8Array(context.sectorSize)])),
          later(device.flush()),
        ];
        await device.disconnect({ force: true });
        await Promise.allSettled(inFlight);
      }),
  },
];
