import { macrotasks } from '@blockyard/block/testing';
import * as fc from 'fast-check';
import type { AssertionError } from '../../assertions/assertion-error.js';
import { strictEqual } from '../../assertions/assertions.js';
import type { MediumEvent } from '../../bases/crash-medium.js';
import { CrashCheck } from '../../model/crash-check.js';
import { Oracle } from '../../model/oracle.js';
import { runWorkload } from '../../model/run-workload.js';
import { type Step, type WorkloadOptions, workloads } from '../../model/workload.js';
import type { Case, Context } from '../case.js';
import { checkProperty } from '../property.js';

const IN_FLIGHT_MAX = 8;
/** Macrotasks that an operation of the base takes, at most. */
const PACE_TURNS_MAX = 3;

export const randomCases: readonly Case[] = [
  {
    clause: 'O1',
    title: 'O1: whatever random operations do one after another, reads see it',
    random: true,
    run: (context) => checkWorkloads(context, { reopen: context.subject.persistent }),
  },
  {
    clause: 'O3',
    title: 'O3: random operations in flight together leave each sector whole, old or new',
    random: true,
    run: (context) => checkWorkloads(context, { reopen: context.subject.persistent, maxInFlight: IN_FLIGHT_MAX }),
  },
  {
    clause: 'D4',
    title: 'D4: given up at any time, each sector holds its last flushed contents or later ones',
    needs: ['persistent'],
    random: true,
    run: (context) => checkWorkloads(context, { crash: true, maxInFlight: IN_FLIGHT_MAX }),
  },
  {
    clause: 'D4',
    title: 'D4: any crash of the base at any time leaves each sector its last flushed contents or later ones',
    needs: ['wrap'],
    random: true,
    run: checkCrashes,
  },
];

/** Runs random workloads on volumes of the subject's own. */
function checkWorkloads(context: Context, options: Partial<WorkloadOptions>): Promise<void> {
  return checkProperty(context, workloads({ ...shapeOf(context), ...options }), async (workload, own) => {
    const volume = await own.create();
    const connect = () => own.connect(volume);
    await runWorkload({ device: await connect(), oracle: new Oracle(own.sizeSectors), connect }, workload);
  });
}

/**
 * Runs random workloads on the subject over a recording base, and looks at what a crash would leave after every event of the
 * base.
 */
function checkCrashes(context: Context): Promise<void> {
  const inputs = fc.record({
    workload: workloads({ ...shapeOf(context), maxInFlight: IN_FLIGHT_MAX }),
    paces: fc.array(fc.nat(PACE_TURNS_MAX), { minLength: 1 }),
  });
  return checkProperty(context, inputs, async ({ workload, paces }, own) => {
    const oracle = new Oracle(own.sizeSectors);
    let check: CrashCheck | undefined;
    let found: AssertionError | undefined;
    const onEvent = (event: MediumEvent) => {
      found ??= check?.violation(
        event.type === 'write' ? { start: event.start, count: event.sectors.length } : undefined,
      );
    };
    const settled = (kind: Step['kind']) => {
      // Only a flush promises anything about crashes.
      if (kind === 'flush' || kind === 'flushRange') found ??= check?.violation();
      if (found !== undefined) throw found;
    };
    const { device, base, recording } = await own.wrap(own.sizeSectors, { pace: takeTurns(paces), onEvent });
    check = new CrashCheck(oracle, recording.medium);
    await runWorkload({ device, oracle, settled }, workload);
    const flush = oracle.beginFlush();
    await device.disconnect();
    flush.succeeded();
    settled('flush');
    strictEqual(
      base.misuses.join(),
      '',
      'the base must not be used past its end, nor after it, nor with memory of a read in flight',
    );
  });
}

/** Waits as many macrotasks as the numbers say, one after the other, over and over. */
function takeTurns(paces: readonly number[]): () => Promise<void> {
  let next = 0;
  return async () => {
    const count = paces[next % paces.length] ?? 0;
    next++;
    await macrotasks(count);
  };
}

function shapeOf({ subject, sectorSize, sizeSectors }: Context): WorkloadOptions {
  return { sectorSize, sizeSectors, resize: subject.resizable ?? true };
}
