import * as fc from 'fast-check';
import { Oracle } from '../../model/oracle.js';
import { runWorkload } from '../../model/run-workload.js';
import { type RangeStep, type Step, type Workload, type WorkloadOptions, workloads } from '../../model/workload.js';
import type { Case, Context, Need } from '../case.js';
import { checkProperty } from '../property.js';
import { crash } from './crash.js';

const IN_FLIGHT_MAX = 8;
/** Writes one after another, in the cases that are not random. Each may cost a request. */
const WRITES = 24;
const NEEDS: readonly Need[] = ['prefixConsistent', 'persistent'];

/** What only devices have that keep the order of their writes. */
export const prefixCases: readonly Case[] = [
  {
    clause: 'D5',
    title: 'D5: of writes one after another, a crash leaves the first, however many',
    needs: NEEDS,
    run: (context) => checkCrashes(context, [...times(WRITES, (i) => [range('write', i, 1)]), 'crash']),
  },
  {
    clause: 'D5',
    title: 'D5: of writes one after another over the same sectors, a crash leaves the first, however many',
    needs: NEEDS,
    run: (context) => checkCrashes(context, [...times(WRITES, (i) => [range('write', i % 5, 1)]), 'crash']),
  },
  {
    clause: 'D5',
    title: 'D5: where a crash leaves a part of a large write, it leaves all that was accepted before',
    needs: NEEDS,
    run: (context) => {
      const { sizeSectors } = context;
      const large = times(WRITES, (i) => [
        range('write', i % 2, 1),
        range('write', 2 + (i % 3), sizeSectors - 5),
      ]).flatMap((batch) => batch.map((step) => [step]));
      return checkCrashes(context, [...large, 'crash']);
    },
  },
  {
    clause: 'D5',
    title: 'D5: discards and zeroes keep their place among the writes',
    needs: NEEDS,
    run: (context) => {
      const mixed = times(WRITES, (i) => [
        [range('write', i, 3)],
        [range(i % 2 === 0 ? 'discard' : 'writeZeroes', i + 1, 1)],
      ]).flat();
      return checkCrashes(context, [...mixed, 'crash']);
    },
  },
  {
    clause: 'D5',
    title: 'D5: resizes keep their place among the writes',
    needs: [...NEEDS, 'resizable'],
    run: (context) => {
      const { sizeSectors } = context;
      const mixed = times(WRITES, (i): Step[][] => [
        [range('write', sizeSectors - 7, 3)],
        [{ kind: 'resize', sectors: sizeSectors - 6 + (i % 4), macrotasks: 0 }],
        [range('write', i, 1)],
      ]).flat();
      return checkCrashes(context, [...mixed, 'crash']);
    },
  },
  {
    clause: 'D5',
    title:
      'D5: of random operations one after another, a crash leaves the result of a prefix, with all that was flushed',
    needs: NEEDS,
    random: true,
    run: (context) => checkWorkloads(context, {}),
  },
  {
    clause: 'D5',
    title: 'D5: of random operations in flight together, a crash among them leaves the result of a prefix that fits',
    needs: NEEDS,
    random: true,
    run: (context) => checkWorkloads(context, { maxInFlight: IN_FLIGHT_MAX, crashAmid: true }),
  },
];

/** Runs random workloads in which the device crashes, and goes on with one of the states that may be left. */
function checkWorkloads(context: Context, options: Partial<WorkloadOptions>): Promise<void> {
  const { subject, sectorSize, sizeSectors } = context;
  const shape = { sectorSize, sizeSectors, resize: subject.resizable ?? true };
  const inputs = fc.record({
    workload: workloads({ ...shape, crash: true, ...options }),
    picks: fc.array(fc.nat(), { minLength: 1 }),
  });
  return checkProperty(context, inputs, ({ workload, picks }, own) => checkCrashes(own, [...workload, 'crash'], picks));
}

/** @param picks which of the states that may be left to go on with, at each crash */
async function checkCrashes(context: Context, workload: Workload, picks: readonly number[] = [0]): Promise<void> {
  const oracle = new Oracle(context.sizeSectors);
  let volume = await context.create();
  let crashes = 0;
  await runWorkload(
    {
      device: await context.connect(volume),
      oracle,
      connect: () => context.connect(volume),
      async crash(device) {
        const next = await crash(context, oracle, { volume, device }, picks[crashes++ % picks.length] ?? 0);
        volume = next.volume;
        return next.device;
      },
    },
    workload,
  );
}

function range(kind: RangeStep['kind'], at: number, sectors: number): Step {
  return { kind, at, sectors, bufferSectors: sectors, macrotasks: 0 };
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
