import type { BlockDevice } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { expectDurable, expectWriters, later, runsOf, writeStamped } from '../../model/expect.js';
import type { Case } from '../case.js';

/** After so many microtasks, or then macrotasks, a fast flush is met in each of its steps. */
const MICROTASKS = 8;
const MACROTASKS = 3;

/** Waits so many microtasks, and then so many macrotasks. */
async function pause(step: number): Promise<void> {
  for (let i = 0; i < Math.min(step, MICROTASKS); i++) await undefined;
  await macrotasks(Math.max(0, step - MICROTASKS));
}

/** Writes while a flush is under way, and flushes that at once, whether or not the first flush has completed. */
async function flushDuringFlush(device: BlockDevice, step: number): Promise<void> {
  await writeStamped(device, 2 * step + 1, 0, 4);
  const first = later(device.flush());
  await pause(step);
  await writeStamped(device, 2 * step + 2, 5, 2);
  await device.flush();
  await first;
}

/** Flushes that meet other flushes. */
export const flushCases: readonly Case[] = [
  {
    clause: 'D1',
    title: 'D1: a flush called while another, however fast, is under way covers what was written meanwhile',
    needs: ['persistent'],
    async run(context) {
      const volume = await context.create();
      let device = await context.connect(volume);
      for (let step = 0; step <= MICROTASKS + MACROTASKS; step++) {
        await flushDuringFlush(device, step);
        await device.disconnect({ force: true });
        device = await context.connect(volume);
        const runs = runsOf([2 * step + 1, 4], [0, 1], [2 * step + 2, 2], [0, 12]);
        await expectWriters(device, 0, 'opened again after the second flush', ...runs);
      }
    },
  },
  {
    clause: 'D1',
    title: 'D1: a flush called while another of the base is under way covers what was written meanwhile',
    needs: ['wrap'],
    async run(context) {
      const { device, base, recording } = await context.wrap();
      await writeStamped(device, 1, 0, 4);
      base.hold('flush');
      const first = later(device.flush());
      await base.called('flush');
      await writeStamped(device, 2, 5, 2);
      const second = later(device.flush());
      await macrotasks(10);
      base.release();
      await Promise.all([first, second]);
      expectDurable(recording, 0, 'after both flushes', [1, 4], [0, 1], [2, 2], [0, 12]);
    },
  },
  {
    clause: 'D1',
    title:
      'D1: a flush of everything is more than a flush of a range that is under way, and so is one of another range',
    needs: ['persistent'],
    async run(context) {
      for (const range of [undefined, { start: 7, count: 2 }]) {
        await context.fresh(async (own) => {
          const volume = await own.create();
          const device = await own.connect(volume);
          await writeStamped(device, 1, 0, 12);
          const narrow = later(device.flush({ start: 0, count: 1 }));
          await device.flush(range && { ...range });
          await narrow;
          await device.disconnect({ force: true });
          const reopened = await own.connect(volume);
          const [start, count] = range === undefined ? [0, 12] : [range.start, range.count];
          await expectWriters(reopened, start, 'opened again after both flushes', [1, count]);
        });
      }
    },
  },
];
