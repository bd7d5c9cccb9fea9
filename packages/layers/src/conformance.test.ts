import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice, Clock } from '@blockyard/block';
import { conformance, type Subject } from '@blockyard/conformance';
import { describe, test } from 'vitest';
import { partition, withDelay, withFaults, withReadOnly, withStats, withTrace } from './index.js';
import { withTracing } from './tracing.js';

/** Time flies: a timer fires in the next macrotask, at the time for which it was set. */
function fastClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    set: (callback, delayMs) =>
      setImmediate(() => {
        nowMs += delayMs;
        callback();
      }),
    clear: (timer) => clearImmediate(timer as NodeJS.Immediate),
  };
}

function over(name: string, wrap: (base: BlockDevice) => BlockDevice): Subject {
  return {
    name,
    persistent: false,
    hugeSectors: Math.floor(Number.MAX_SAFE_INTEGER / 65_536),
    create: async (shape) => ({
      connect: async ({ readOnly = false } = {}) => {
        const device = wrap(await connectMemory(shape));
        return readOnly ? withReadOnly(device) : device;
      },
      dispose: async () => {},
    }),
    wrap: async (base) => wrap(base),
  };
}

/** At one size of sectors: all of them, in a pile, are tried at each. */
function one(subject: Subject): Subject {
  return { ...subject, sectorSizes: [4096] };
}

const delayed = (base: BlockDevice) =>
  withDelay(base, {
    latencyMs: { read: 1, write: 3, flush: 2 },
    maxConcurrency: 3,
    bytesPerSecond: 1e9,
    clock: fastClock(),
  });

const subjects: readonly Subject[] = [
  one(over('no delay', (base) => withDelay(base))),
  one(over('delay', delayed)),
  one(over('no faults', (base) => withFaults(base, { rules: [] }))),
  one(over('stats', (base) => withStats(base))),
  one(over('trace', (base) => withTrace(base, () => {}))),
];

const pile = over('a pile of layers', (base) =>
  withTracing(withStats(withTrace(delayed(withFaults(base, { rules: [] })), () => {}))),
);

/** What the kit does for seconds with 2 GiB: the pile, in which each layer is, is tried at it. */
const withoutLong = {
  describe,
  test: (title: string, body: () => Promise<void>, timeoutMs: number) => {
    if (!title.includes('of more than 2 GiB')) test(title, body, timeoutMs);
  },
};

/** Layers have no time-outs and no retries: what comes late comes soon. */
const OPTIONS = { runs: 5, watchMs: 50 };

for (const subject of subjects) conformance(subject, withoutLong, OPTIONS);
conformance(pile, { describe, test }, OPTIONS);

const BEFORE = 3;
const AFTER = 2;

conformance(
  {
    name: 'partition',
    persistent: false,
    resizable: false,
    hugeSectors: Math.floor(Number.MAX_SAFE_INTEGER / 65_536) - BEFORE - AFTER,
    create: async ({ sectorSize, sizeSectors }) => ({
      connect: async ({ readOnly = false } = {}) => {
        const base = await connectMemory({ sectorSize, sizeSectors: BEFORE + sizeSectors + AFTER });
        // What must not be seen, nor touched.
        await base.write(0, [new Uint8Array(BEFORE * sectorSize).fill(0xbb)]);
        await base.write(BEFORE + sizeSectors, [new Uint8Array(AFTER * sectorSize).fill(0xaa)]);
        const device = partition(base, { startSector: BEFORE, sizeSectors, ownsBase: true });
        return readOnly ? withReadOnly(device) : device;
      },
      dispose: async () => {},
    }),
    wrap: async (base) => partition(base, { startSector: 0, sizeSectors: base.info.sizeSectors, ownsBase: true }),
  },
  { describe, test },
  OPTIONS,
);
