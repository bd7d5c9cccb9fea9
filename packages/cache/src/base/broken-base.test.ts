import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, isBlockError, type Operation } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectCache } from '../connect.js';
import { bytesAt, filled, SECTOR, thenable } from '../testing/fixture.js';

const SIZE_SECTORS = 8 * 200;
/** Room for some twenty lines of eight sectors. */
const STARVED = { lineSize: 4096, maxSizeBytes: 160_000, seed: 1 };

/** What a base does at one of its calls instead of what the contract has. */
const MISDEEDS: Readonly<Record<string, (carryOut: () => Promise<unknown>) => unknown>> = {
  'throws where it should reject': () => {
    throw new Error('thrown');
  },
  'rejects with nothing': () => Promise.reject(),
  'returns no promise': (carryOut) => {
    void carryOut();
    return undefined;
  },
  'returns a promise that throws when it is asked': () =>
    thenable({
      get: () => {
        throw new Error('asked');
      },
    }),
  'settles twice': (carryOut) =>
    thenable({
      value: (done: (value: unknown) => void, failed: (error: unknown) => void) => {
        carryOut().then((value) => {
          done(value);
          failed(new Error('and late'));
          done(undefined);
        }, failed);
      },
    }),
};

/** A good device that misbehaves at its nth call of one operation, and from then on is good. */
function misbehaving(inner: BlockDevice, operation: Operation, nth: number, misdeed: (typeof MISDEEDS)[string]) {
  let calls = 0;
  const device = instead(inner, operation, (carryOut) => (++calls === nth ? misdeed(carryOut) : carryOut()));
  return { device, wasAsked: () => calls >= nth };
}

/** A device but for one of its members: what that is, or returns where it is a method. */
function instead(
  inner: BlockDevice,
  name: keyof BlockDevice,
  give: (carryOut: () => Promise<unknown>) => unknown,
): BlockDevice {
  return new Proxy(inner, {
    get(target, member) {
      const found: unknown = Reflect.get(target, member, target);
      if (typeof found !== 'function') return member === name ? give(async () => found) : found;
      return (...args: unknown[]) => {
        const carryOut = () => found.apply(target, args);
        return member === name ? give(carryOut) : carryOut();
      };
    },
  });
}

const stray: unknown[] = [];
const note = (error: unknown) => stray.push(error);

beforeEach(() => {
  stray.length = 0;
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
});

afterEach(() => {
  process.off('unhandledRejection', note);
  process.off('uncaughtException', note);
});

/** The operation, again until it succeeds: it fails by a `BlockError` alone, and but for a while. */
async function untilDone(operation: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      await operation();
      return;
    } catch (error) {
      if (!isBlockError(error)) throw error;
    }
  }
  throw new Error('it never succeeds');
}

const OPERATIONS = ['read', 'write', 'flush', 'discard', 'writeZeroes', 'extents', 'resize', 'disconnect'] as const;

describe.each(Object.entries(MISDEEDS))('A base that %s', (_name, misdeed) => {
  for (const operation of OPERATIONS) {
    const calls = operation === 'read' || operation === 'write' ? [1, 2, 3, 5, 8, 13, 21] : [1, 2];
    test.each(calls)(`fails no request but those that need its ${operation}, call %i`, async (nth) => {
      const inner = await connectMemory({ sectorSize: SECTOR, sizeSectors: SIZE_SECTORS });
      const { device, wasAsked } = misbehaving(inner, operation, nth, misdeed);
      const clock = new ManualClock({ strict: true });
      const cache = await connectCache(device, { ...STARVED, clock, minRetryDelayMs: 1, maxRetryDelayMs: 2 });
      const ticking = setInterval(() => clock.advance(5), 1);
      try {
        const regions = Array.from({ length: 10 }, (_, region) => region);
        await Promise.all([
          ...regions.map(async (region) => {
            await untilDone(() => cache.write(region * 80, [filled(30, 1 + region), filled(40, 101 + region)]));
            await untilDone(() => cache.flush({ start: region * 80, count: 70 }));
            await untilDone(() => cache.discard(region * 80 + 8, 4));
            await untilDone(() => cache.writeZeroes(region * 80 + 20, 12));
            await untilDone(() => cache.read(region * 80, [filled(80, 1)]));
            await untilDone(() => cache.extents(region * 80, 80));
            await untilDone(() => cache.flush());
          }),
          untilDone(() => cache.read(0, [filled(SIZE_SECTORS / 2, 1)])),
          untilDone(() => cache.setMaxSizeBytes(130_000)),
          cache.prefetch(1000, 400),
        ]);
        await untilDone(() => cache.resize(SIZE_SECTORS + 80));
        await untilDone(() => cache.resize(SIZE_SECTORS - 80));
        const expected = (region: number) =>
          Array.from({ length: 80 }, (_, i) =>
            (i >= 8 && i < 12) || (i >= 20 && i < 32) || i >= 70 ? 0 : i < 30 ? 1 + region : 101 + region,
          );
        for (const region of regions) expect(await bytesAt(cache, region * 80, 80)).toEqual(expected(region));
        await untilDone(() => cache.flush());
        await untilDone(() => cache.flush());
        for (const region of regions) expect(await bytesAt(inner, region * 80, 80)).toEqual(expected(region));
        expect(cache.snapshot()).toMatchObject({ readsInFlight: 0, writesInFlight: 0, waitingRequests: 0 });
        await untilDone(() => cache.disconnect());
      } finally {
        clearInterval(ticking);
      }
      expect(clock.dueMs).toEqual([]);
      expect(stray).toEqual([]);
      if (nth === 1) expect(wasAsked()).toBe(true);
    });
  }
});

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['an empty list', []],
  ['what is no list', { start: 0 }],
  ['numbers that are not numbers', [{ start: Number.NaN, count: Number.NaN, type: 'zero' }]],
  [
    'extents that overlap',
    [
      { start: 0, count: 60, type: 'zero' },
      { start: 50, count: 14, type: 'data' },
    ],
  ],
  [
    'one that runs backwards',
    [
      { start: 0, count: 65, type: 'zero' },
      { start: 65, count: -1, type: 'data' },
    ],
  ],
  ['more than was asked for', [{ start: 0, count: 4096, type: 'zero' }]],
  ['a type of its own', [{ start: 0, count: 64, type: 'hole' }]],
  ['null', [null]],
])('extents from a base that answers with %s fail, and nothing else does', async (_what, answer) => {
  const inner = await connectMemory({ sectorSize: SECTOR, sizeSectors: 64 });
  const cache = await connectCache(
    instead(inner, 'extents', async () => answer),
    STARVED,
  );
  const read = bytesAt(cache, 0, 8);
  await expect(cache.extents(0, 64)).rejects.toMatchObject({ code: 'IO', operation: 'extents' });
  expect(await read).toEqual(Array(8).fill(0));
  await cache.disconnect({ force: true });
  expect(stray).toEqual([]);
});

test('a base whose facts can no longer be asked for is not asked for them', async () => {
  const inner = await connectMemory({ sectorSize: SECTOR, sizeSectors: 64 });
  let isGone = false;
  const base = instead(inner, 'info', () => {
    if (isGone) throw new Error('no facts');
    return inner.info;
  });
  const cache = await connectCache(base, STARVED);
  isGone = true;
  await cache.write(0, [filled(8, 1)]);
  expect(await bytesAt(cache, 0, 64)).toEqual([...Array(8).fill(1), ...Array(56).fill(0)]);
  await cache.resize(72);
  await cache.prefetch(0, 72);
  await cache.disconnect();
});

test('a clock that throws costs no request, and a flush still brings everything to the base', async () => {
  const inner = await connectMemory({ sectorSize: SECTOR, sizeSectors: SIZE_SECTORS });
  const broken = () => {
    throw new Error('no time');
  };
  const clock = { now: broken, set: broken, clear: broken };
  const cache = await connectCache(inner, { ...STARVED, clock });
  await cache.write(0, [filled(400, 7)]);
  expect(await bytesAt(cache, 0, 400)).toEqual(Array(400).fill(7));
  await cache.flush();
  expect(await bytesAt(inner, 0, 400)).toEqual(Array(400).fill(7));
  await cache.disconnect();
  expect(stray).toEqual([]);
});
