import { type BlockDevice, isBlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { createMemory, createReferenceDevice } from '@blockyard/conformance/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CacheDevice, connectCache } from '../connect.js';
import { SECTOR } from '../testing/fixture.js';

const SIZE = 512;
const SIZE_MAX = 1024;

/** Sectors that a list of buffers has. */
const sectorsOf = (buffers: readonly Uint8Array[]) =>
  buffers.reduce((sum, { byteLength }) => sum + byteLength, 0) / SECTOR;

/** A base whose calls take as many macrotasks as it is told, and which notes every read past its end. */
function watchedBase(delays: () => number, resized: () => void = () => {}) {
  const memory = createMemory({ sectorSize: SECTOR, sizeSectors: SIZE });
  memory.bytes.fill(1);
  const device = createReferenceDevice(memory);
  const pastEnd: string[] = [];
  const later = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let i = delays(); i > 0; i--) await macrotasks();
    return call();
  };
  const base: BlockDevice = {
    get info() {
      return device.info;
    },
    read: (start, buffers) =>
      later(() => {
        const end = start + sectorsOf(buffers);
        if (end > device.info.sizeSectors) pastEnd.push(`${start} to ${end} of ${device.info.sizeSectors}`);
        return device.read(start, buffers);
      }),
    write: (start, buffers) => later(() => device.write(start, buffers)),
    flush: (range) => later(() => device.flush(range)),
    async resize(sizeSectors) {
      await later(() => device.resize(sizeSectors));
      resized();
    },
    discard: (start, count) => later(() => device.discard(start, count)),
    writeZeroes: (start, count) => later(() => device.writeZeroes(start, count)),
    extents: (start, count) => later(() => device.extents(start, count)),
    disconnect: (options) => device.disconnect(options),
    [Symbol.asyncDispose]: () => device.disconnect(),
  };
  return { base, pastEnd };
}

describe.each([4096, 512])(
  'a prefetch in the few steps between the shrink of the base and that of the cache, lines of %i',
  (lineSize) => {
    const moments = Array.from({ length: 20 }, (_, steps) => steps);

    test.each(moments)(
      '%i steps after it, reads nothing past the end and leaves every line readable',
      async (steps) => {
        for (const size of [5, 132, 500]) {
          const prefetches: Promise<unknown>[] = [];
          let cache: CacheDevice | undefined;
          const { base, pastEnd } = watchedBase(
            () => 0,
            () => {
              void (async () => {
                for (let i = 0; i < steps; i++) await undefined;
                prefetches.push(
                  cache?.prefetch(size - (size % 8), 12).catch((error: unknown) => error) ?? Promise.reject(),
                );
              })();
            },
          );
          cache = await connectCache(base, { maxSizeBytes: 300_000, lineSize, readAhead: false });
          await cache.discard(0, 1);
          await cache.resize(size);
          await macrotasks();
          // Once the cache tells its new size, the range is out of bounds; nothing else may come of it.
          for (const error of await Promise.all(prefetches))
            if (error !== undefined) expect(error).toMatchObject({ code: 'OUT_OF_BOUNDS' });
          expect(pastEnd).toEqual([]);
          for (let sector = 0; sector < size; sector++) await cache.read(sector, [new Uint8Array(SECTOR)]);
          await cache.resize(600);
          await cache.disconnect();
        }
      },
    );
  },
);

type Step =
  | {
      readonly kind: 'prefetch' | 'warmUp' | 'read' | 'write' | 'discard';
      readonly start: number;
      readonly count: number;
    }
  | { readonly kind: 'resize'; readonly size: number }
  | { readonly kind: 'budget'; readonly bytes: number }
  | { readonly kind: 'pause'; readonly macrotasks: number };

const range = { start: fc.nat(SIZE_MAX - 1), count: fc.integer({ min: 1, max: 128 }) };
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('prefetch' as const, 'warmUp' as const), ...range }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'write' as const, 'discard' as const), ...range }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resize' as const), size: fc.nat(SIZE_MAX) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('budget' as const), bytes: fc.integer({ min: 80_000, max: 400_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const), macrotasks: fc.nat(3) }) },
);

function perform(cache: CacheDevice, step: Step): Promise<unknown> {
  switch (step.kind) {
    case 'prefetch':
      return cache.prefetch(step.start, step.count);
    case 'warmUp':
      return cache.warmUp([
        { start: step.start, count: step.count, heat: 2 },
        { start: step.start >> 1, count: step.count, heat: 1 },
      ]);
    case 'discard':
      return cache.discard(step.start, step.count);
    case 'read':
      return cache.read(step.start, [new Uint8Array(step.count * SECTOR)]);
    case 'write':
      return cache.write(step.start, [new Uint8Array(step.count * SECTOR).fill(1)]);
    case 'resize':
      return cache.resize(step.size);
    case 'budget':
      return cache.setMaxSizeBytes(step.bytes);
    case 'pause':
      return (async () => {
        await macrotasks(step.macrotasks);
      })();
  }
}

test('whatever reads ahead, beside everything that changes the device: all settles, and nothing is read past an end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 1, maxLength: 40 }),
      fc.infiniteStream(fc.nat(2)),
      fc.constantFrom('orderly' as const, 'forced' as const),
      async (script, delays, end) => {
        const { base, pastEnd } = watchedBase(() => Number(delays.next().value));
        const cache = await connectCache(base, { maxSizeBytes: 200_000, lineSize: 4096, seed: 1 });
        const settled: Promise<unknown>[] = [];
        for (const step of script) {
          const done = perform(cache, step).then(
            () => undefined,
            (error: unknown) => error,
          );
          if (step.kind === 'pause') await done;
          else settled.push(done);
        }
        const ended = cache.disconnect({ force: end === 'forced' });
        for (const error of await Promise.all(settled)) {
          if (error === undefined) continue;
          expect(isBlockError(error) ? error.code : error).toMatch(/^(OUT_OF_BOUNDS|DISCONNECTED|INVALID_ARGUMENT)$/);
        }
        await ended;
        expect(pastEnd).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);
