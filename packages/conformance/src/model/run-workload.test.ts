import { ok, rejects, strictEqual } from 'node:assert';
import { type BlockDevice, BlockError, isBlockError, type Operation } from '@blockyard/block';
import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { crashStates } from '../bases/crash-states.js';
import { createRecording, openCrashState } from '../bases/recording.js';
import { passThrough } from '../saboteurs/pass-through.js';
import { spoil } from '../saboteurs/saboteur.js';
import { writeBack } from '../saboteurs/write-back.js';
import { CrashCheck } from './crash-check.js';
import { readWriters } from './expect.js';
import { Oracle } from './oracle.js';
import { runWorkload } from './run-workload.js';
import { workloads } from './workload.js';

const SHAPE = { sectorSize: 512, sizeSectors: 24 };

/** Every third change of the base fails. */
function unreliable(base: BlockDevice): BlockDevice {
  let calls = 0;
  const perhaps = async (operation: Operation, call: () => Promise<void>) => {
    calls++;
    if (calls % 3 === 0) throw new BlockError('UNAVAILABLE', 'not this time', { operation });
    await call();
  };
  return spoil(base, (good) => ({
    write: (start, buffers) => perhaps('write', () => good.write(start, buffers)),
    flush: (range) => perhaps('flush', () => good.flush(range)),
    resize: (sizeSectors) => perhaps('resize', () => good.resize(sizeSectors)),
    discard: (start, count) => perhaps('discard', () => good.discard(start, count)),
    writeZeroes: (start, count) => perhaps('writeZeroes', () => good.writeZeroes(start, count)),
  }));
}

describe.each([
  ['through', passThrough],
  ['back', writeBack],
])('over a base that often fails, a device that writes %s', (_, wrap) => {
  test('keeps its promises', async () => {
    const property = fc.asyncProperty(workloads(SHAPE), async (workload) => {
      const { device: base, medium } = createRecording(SHAPE);
      const oracle = new Oracle(SHAPE.sizeSectors);
      const check = new CrashCheck(oracle, medium);
      const settled = () => {
        const violation = check.violation();
        if (violation !== undefined) throw violation;
      };
      const mayFail = (error: unknown) => isBlockError(error, 'UNAVAILABLE');
      await runWorkload({ device: wrap(unreliable(base)), oracle, settled, mayFail }, workload);
    });
    await fc.assert(property, { numRuns: 60 });
  });
});

test('without leave to fail, the first failure ends the run', async () => {
  const { device } = createRecording(SHAPE);
  const oracle = new Oracle(SHAPE.sizeSectors);
  const flushes = [[{ kind: 'flush' as const, macrotasks: 0 }], [{ kind: 'flush' as const, macrotasks: 0 }]];
  const run = runWorkload({ device: unreliable(device), oracle }, [...flushes, ...flushes]);
  await rejects(run, (error) => isBlockError(error, 'UNAVAILABLE'));
});

test('every state that a crash leaves can be opened by the same stack, which then reads what it may', async () => {
  const [workload = []] = fc.sample(workloads({ ...SHAPE, maxInFlight: 8 }), { seed: 11, numRuns: 1 });
  const { device: base, medium } = createRecording(SHAPE);
  const oracle = new Oracle(SHAPE.sizeSectors);
  await runWorkload({ device: writeBack(base), oracle }, workload);
  let states = 0;
  for (const state of crashStates(medium, { maxStates: 40, seed: 1 })) {
    const found = await readWriters(writeBack(openCrashState(state).device));
    for (const [sector, writer] of found.entries()) ok(oracle.allowedAfterCrash(sector).includes(writer));
    states++;
  }
  ok(states > 1, 'a workload whose end is flushed tests nothing');
});

test('the caller can pass macrotasks by its own means', async () => {
  const { device } = createRecording(SHAPE);
  const waited: number[] = [];
  const macrotasks = async (count: number) => {
    waited.push(count);
  };
  const steps = [3, 0, 2].map((count) => ({ kind: 'flush' as const, macrotasks: count }));
  await runWorkload({ device, oracle: new Oracle(SHAPE.sizeSectors), macrotasks }, [steps]);
  strictEqual(waited.join(), '3,2');
});
