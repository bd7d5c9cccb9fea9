import { type BlockDevice, BlockError, createDevice, type Operation } from '@blockyard/block';
import { ManualClock, settled } from '@blockyard/block/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CacheDevice, connectCache } from './connect.js';
import type { CacheOptions } from './options.js';
import { filled, SECTOR } from './testing/fixture.js';

/** Eight sectors in a line, and room for some twenty lines. */
const OPTIONS: CacheOptions = { lineSize: 4096, maxSizeBytes: 160_000, readAhead: false, seed: 1 };
const SIZE_SECTORS = 8 * 1000;

interface HeldCall {
  readonly operation: Operation;
  resolve(): void;
  reject(error: Error): void;
}

/** A base of zeroes. Calls of the operations that it holds settle when the test says so, if ever. */
class HeldBase {
  readonly calls: string[] = [];
  readonly held: HeldCall[] = [];
  readonly holds = new Set<Operation>();
  readonly fails = new Set<Operation>();
  readonly device: BlockDevice = createDevice({
    name: 'held',
    sectorSize: SECTOR,
    sizeSectors: SIZE_SECTORS,
    preferredIoBytes: 4096,
    atomicSectors: true,
    read: (_start, buffers) => {
      for (const buffer of buffers) buffer.fill(0);
      return this.#call('read');
    },
    write: () => this.#call('write'),
    discard: () => this.#call('discard'),
    writeZeroes: () => this.#call('writeZeroes'),
    extents: async (start, count) => {
      await this.#call('extents');
      return [{ start, count, type: 'data' }];
    },
    flush: () => this.#call('flush'),
    resize: () => this.#call('resize'),
    disconnect: ({ force }) => (force ? undefined : this.#call('disconnect')),
  });

  #call(operation: Operation): Promise<void> {
    this.calls.push(operation);
    if (this.fails.has(operation)) return Promise.reject(new BlockError('IO', 'told to fail'));
    if (!this.holds.has(operation)) return Promise.resolve();
    return new Promise((resolve, reject) => this.held.push({ operation, resolve, reject }));
  }
}

interface Scene {
  readonly base: HeldBase;
  readonly cache: CacheDevice;
  readonly clock: ManualClock;
}

/** What is under way when the end comes, by name. */
type UnderWay = Readonly<Record<string, Promise<unknown>>>;

interface State {
  readonly name: string;
  readonly options?: CacheOptions;
  /** Operations that the base does not answer. */
  readonly holds: readonly Operation[];
  begin(scene: Scene): UnderWay | Promise<UnderWay>;
}

const write = (cache: BlockDevice, line: number, lines = 1) => cache.write(line * 8, [filled(lines * 8, 1)]);
const read = (cache: BlockDevice, line: number, lines = 1) => cache.read(line * 8, [filled(lines * 8, 1)]);

/** Lines that may be dirty before writers wait. */
const dirtyMax = (cache: CacheDevice) => Math.floor(cache.snapshot().linesMax / 2);

async function dirty(cache: CacheDevice, lines: number): Promise<void> {
  for (let line = 0; line < lines; line++) await write(cache, line);
}

const STATES: readonly State[] = [
  { name: 'nothing', holds: [], begin: () => ({}) },
  {
    name: 'dirty data that wait for their age',
    holds: ['write'],
    begin: async ({ cache }) => {
      await dirty(cache, 3);
      return {};
    },
  },
  {
    name: 'a resize at the gate, behind a read, with a write behind it',
    holds: ['read'],
    begin: ({ cache }) => ({ read: read(cache, 0), resize: cache.resize(SIZE_SECTORS + 8), write: write(cache, 5) }),
  },
  {
    name: 'a resize that waits for a write-back',
    holds: ['write'],
    begin: async ({ cache, clock }) => {
      await dirty(cache, 2);
      clock.advance(30_000);
      return { resize: cache.resize(8), behind: read(cache, 0) };
    },
  },
  ...[SIZE_SECTORS + 8, 8].map(
    (sizeSectors): State => ({
      name: `a resize to ${sizeSectors} sectors that the base does not answer`,
      holds: ['resize'],
      begin: async ({ cache }) => {
        await dirty(cache, 2);
        await cache.discard(100, 20);
        return { resize: cache.resize(sizeSectors), another: cache.resize(16), behind: write(cache, 0) };
      },
    }),
  ),
  {
    name: 'a change of the budget',
    holds: ['write'],
    begin: async ({ cache }) => {
      await dirty(cache, dirtyMax(cache));
      return { budget: cache.setMaxSizeBytes(110_000), behind: write(cache, 500) };
    },
  },
  {
    name: 'a flush whose write is not answered, with what was written meanwhile',
    holds: ['write'],
    begin: async ({ cache }) => {
      await dirty(cache, 3);
      const flush = cache.flush();
      await dirty(cache, 3);
      return { flush, again: cache.flush(), range: cache.flush({ start: 8, count: 8 }) };
    },
  },
  {
    name: 'flushes that the base does not answer',
    holds: ['flush'],
    begin: async ({ cache }) => {
      await dirty(cache, 3);
      const flush = cache.flush();
      await settled();
      return { flush, shared: cache.flush(), sharedToo: cache.flush(), range: cache.flush({ start: 8, count: 8 }) };
    },
  },
  {
    name: 'a write-back that waits to be tried again',
    holds: [],
    begin: async ({ cache, base, clock }) => {
      base.fails.add('write');
      await dirty(cache, 3);
      clock.advance(30_000);
      await settled();
      expect(clock.timers.length).toBeGreaterThan(0);
      return {};
    },
  },
  {
    name: 'a write-back that is tried again, beside a failed flush',
    holds: [],
    begin: async ({ cache, base, clock }) => {
      base.fails.add('write');
      await dirty(cache, 3);
      await expect(cache.flush()).rejects.toThrow('told to fail');
      base.fails.clear();
      base.holds.add('write');
      clock.advance(100);
      return { flush: cache.flush() };
    },
  },
  {
    name: 'writes that wait for memory, one larger than the budget',
    holds: ['write'],
    begin: async ({ cache }) => {
      await dirty(cache, dirtyMax(cache));
      return { small: write(cache, 500), large: write(cache, 501, 100), zeroes: cache.writeZeroes(0, 4000) };
    },
  },
  {
    name: 'reads that wait for the base, of one line, of others, and of what another asked for',
    holds: ['read'],
    begin: async ({ cache }) => {
      await write(cache, 10);
      return { one: read(cache, 0), runs: read(cache, 8, 5), shared: read(cache, 0, 2) };
    },
  },
  {
    name: 'reads that wait for memory, one larger than the budget',
    holds: ['read'],
    begin: ({ cache }) => ({ large: read(cache, 0, 200), small: read(cache, 500) }),
  },
  {
    name: 'a read of sectors that is tried again by itself',
    holds: [],
    begin: async ({ cache, base }) => {
      base.fails.add('read');
      base.holds.add('read');
      const alone = cache.read(1, [filled(1, 1)]);
      base.fails.clear();
      await settled();
      return { alone };
    },
  },
  {
    name: 'a prefetch, and a stream that is read ahead of',
    options: { readAhead: true },
    holds: [],
    begin: async ({ cache, base }) => {
      for (let line = 0; line < 4; line++) await read(cache, line);
      base.holds.add('read');
      return { prefetch: cache.prefetch(400, 40), read: read(cache, 30, 2) };
    },
  },
  {
    name: 'a warm-up whose reads are not answered, beside a read',
    holds: ['read'],
    begin: ({ cache }) => ({
      warmUp: cache.warmUp([{ start: 0, count: 8, heat: 1 }], {}),
      warmUpToo: cache.warmUp([{ start: 400, count: 80, heat: 1 }], {}),
      read: read(cache, 30, 2),
    }),
  },
  {
    name: 'a warm-up that rests, since others use the base',
    holds: [],
    begin: async ({ cache, base, clock }) => {
      base.holds.add('read');
      const ranges = [0, 20, 40].map((line) => ({ start: line * 8, count: 8, heat: 1 }));
      const warmUp = cache.warmUp(ranges, { maxReadConcurrency: 1 });
      await settled();
      const other = read(cache, 30);
      clock.advance(40);
      base.held[0]?.resolve();
      await settled();
      expect(clock.dueMs).toEqual([80]);
      return { warmUp, other };
    },
  },
  {
    name: 'a loan of memory past a budget that was lowered, and a flush of what was written to it',
    holds: ['write'],
    begin: async ({ cache }) => {
      for (let line = 0; line < 8; line++) await read(cache, line);
      expect(cache.lend?.(0, 8)?.views).toHaveLength(1);
      await cache.setMaxSizeBytes(110_000);
      await write(cache, 0);
      return { flush: cache.flush() };
    },
  },
  {
    name: 'zeroes on their way to the base, rewritten in part',
    holds: ['discard', 'writeZeroes'],
    begin: async ({ cache }) => {
      await cache.discard(0, 64);
      await cache.writeZeroes(640, 64);
      const flush = cache.flush();
      await write(cache, 1);
      return { flush, range: cache.flush({ start: 8, count: 8 }), other: cache.flush({ start: 0, count: 1 }) };
    },
  },
  {
    name: 'extents that the base does not answer',
    holds: ['extents'],
    begin: ({ cache }) => ({ extents: cache.extents(0, 100) }),
  },
  {
    name: 'write-through: writes, zeroes, and a write of what is being zeroed',
    options: { mode: 'writethrough' },
    holds: ['write', 'discard'],
    begin: ({ cache }) => ({
      write: write(cache, 0),
      again: write(cache, 0),
      large: write(cache, 100, 100),
      discard: cache.discard(400, 80),
      zeroed: write(cache, 50),
    }),
  },
  ...(['write', 'flush', 'disconnect'] as const).map(
    (hanging): State => ({
      name: `a disconnect that hangs in its ${hanging}`,
      holds: [hanging],
      begin: async ({ cache }) => {
        await dirty(cache, 3);
        const { operations, end } = { operations: read(cache, 0), end: cache.disconnect() };
        await operations;
        await settled();
        return { end, endAgain: cache.disconnect(), behind: write(cache, 7) };
      },
    }),
  ),
  {
    name: 'a disconnect that waits for a read-ahead',
    options: { readAhead: true },
    holds: [],
    begin: async ({ cache, base }) => {
      for (let line = 0; line < 3; line++) await read(cache, line);
      base.holds.add('read');
      await read(cache, 3);
      return { end: cache.disconnect() };
    },
  },
];

const AFTERWARDS: Readonly<Record<string, (call: HeldCall) => void>> = {
  'says nothing more': () => {},
  'succeeds late': (call) => call.resolve(),
  'fails late': (call) => call.reject(new Error('late')),
};

describe('A forced end', () => {
  const stray: unknown[] = [];
  const note = (error: unknown) => stray.push(error);

  beforeEach(() => {
    process.on('unhandledRejection', note);
    process.on('uncaughtException', note);
  });

  afterEach(() => {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  });

  for (const { name, options, holds, begin } of STATES) {
    for (const [afterwards, answer] of Object.entries(AFTERWARDS)) {
      test(`is over at once, and for good: ${name}; the base ${afterwards} [E4]`, async () => {
        stray.length = 0;
        const clock = new ManualClock({ strict: true });
        const base = new HeldBase();
        const cache = await connectCache(base.device, { ...OPTIONS, ...options, clock });
        for (const operation of holds) base.holds.add(operation);
        const underWay = await begin({ base, cache, clock });
        const outcomes: Record<string, unknown> = {};
        for (const [what, promise] of Object.entries(underWay)) {
          promise.then(
            () => {
              outcomes[what] = 'resolved';
            },
            (error: BlockError) => {
              outcomes[what] = error.code;
            },
          );
        }
        await settled();
        expect(outcomes, 'all of it waits').toEqual({});
        const callsBefore = base.calls.length;

        await cache.disconnect({ force: true });
        await settled();
        // A prefetch and a warm-up fail silently.
        const resolves = (what: string) => what.startsWith('end') || /^(prefetch|warmUp)/.test(what);
        const expected = Object.keys(underWay).map((what) => [what, resolves(what) ? 'resolved' : 'DISCONNECTED']);
        expect(outcomes).toEqual(Object.fromEntries(expected));
        expect(clock.dueMs).toEqual([]);

        for (const call of base.held.splice(0)) answer(call);
        await settled();
        clock.advance(1e9);
        await settled();
        expect(base.calls.slice(callsBefore)).toEqual([]);
        expect(clock.dueMs).toEqual([]);
        expect(stray).toEqual([]);
        expect(cache.snapshot()).toMatchObject({
          readsInFlight: 0,
          writesInFlight: 0,
          waitingRequests: 0,
          linesAhead: 0,
        });
        for (const late of await Promise.allSettled([read(cache, 0), cache.flush(), cache.setMaxSizeBytes(200_000)])) {
          expect(late).toMatchObject({ reason: { code: 'DISCONNECTED' } });
        }
      });
    }
  }
});
