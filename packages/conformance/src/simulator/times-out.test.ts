import { match, ok, strictEqual } from 'node:assert';
import { type BlockDevice, BlockError, createDevice, isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import type { Life } from './life.js';
import { type SimulationOutcome, simulate } from './simulate.js';
import { overSimulatedBase, type SimulationSubject } from './simulated-system.js';

const SHORT = { maxSteps: 100, maxSectors: 48 };
const SEEDS = 200;
const MAX_WAIT_MS = 50;

/** Resizes its base only if that answers a flush in time. */
function impatient(base: BlockDevice, { clock }: Life, resizesAnyway: boolean): BlockDevice {
  const inTime = (call: Promise<void>) =>
    new Promise<void>((resolve, reject) => {
      const timer = clock.set(() => reject(new BlockError('TIMEOUT', 'no answer in time')), MAX_WAIT_MS);
      call.then(resolve, reject).finally(() => clock.clear(timer));
    });
  return createDevice({
    name: 'impatient',
    sectorSize: base.info.sectorSize,
    sizeSectors: base.info.sizeSectors,
    atomicSectors: true,
    read: (start, buffers) => base.read(start, buffers),
    write: (start, buffers) => base.write(start, buffers),
    discard: (start, count) => base.discard(start, count),
    extents: (start, count) => base.extents(start, count),
    flush: () => base.flush(),
    async resize(sizeSectors) {
      try {
        await inTime(base.flush());
      } catch (error) {
        if (resizesAnyway) await base.resize(sizeSectors);
        throw error;
      }
      await base.resize(sizeSectors);
    },
    disconnect: (options) => base.disconnect(options),
  });
}

function subject(resizesAnyway: boolean, onTimeout = () => {}): SimulationSubject {
  const over = overSimulatedBase('impatient', async (base, _, life) => impatient(base, life, resizesAnyway));
  return {
    name: over.name,
    async create(world) {
      const mayFail = (error: unknown) => {
        const isTimeout = isBlockError(error, 'TIMEOUT');
        if (isTimeout) onTimeout();
        return isTimeout;
      };
      return Object.assign(await over.create(world), { timesOut: world.maxCallMs >= MAX_WAIT_MS, mayFail });
    },
  };
}

/** In a world where no call of the medium fails, though some take long. */
function run(which: SimulationSubject, seed: number): Promise<SimulationOutcome> {
  return simulate(which, { seed, without: ['fail', 'down'] }, SHORT);
}

describe('a resize that times out where no call of the medium fails', () => {
  test('is no violation, though other clients resize too', async () => {
    let timeouts = 0;
    const honest = subject(false, () => timeouts++);
    for (let seed = 0; seed < SEEDS; seed++) {
      strictEqual((await run(honest, seed)).violation?.message, undefined, `seed ${seed}`);
    }
    ok(timeouts > 20, `${timeouts} resizes timed out`);
  });

  test('is one if it was carried out all the same', async () => {
    const liar = subject(true);
    for (let seed = 0; seed < SEEDS; seed++) {
      const { violation } = await run(liar, seed);
      if (violation !== undefined) return match(violation.message, /sectors/);
    }
    throw new Error(`nothing found in ${SEEDS} seeds`);
  });
});
