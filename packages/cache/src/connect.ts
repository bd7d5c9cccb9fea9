import {
  type BlockDevice,
  BlockError,
  type CacheState,
  type CacheStates,
  checkDevice,
  checkInteger,
  createDevice,
  type Prefetching,
} from '@blockyard/block';
import { CALL_BYTES, LONG_CALL_BYTES } from '@blockyard/block/async';
import { CacheDriver } from './cache-driver.js';
import { Engine } from './engine.js';
import { type CacheOptions, checkOptions } from './options.js';
import type { HotRange } from './read-ahead/read-plan.js';
import type { WarmUpResult } from './read-ahead/warm-up.js';
import type { WarmUpOptions } from './read-ahead/warm-up-options.js';
import { type BlockMap, blockMapOf, blockMapSteps } from './report/block-map.js';
import { hotRangesOf } from './report/hot-ranges.js';
import { type CacheSnapshot, snapshotOf } from './report/snapshot.js';
import { statesOf } from './report/states.js';
import type { Sector } from './tables/numbers.js';

/** A device over another, with what only a cache has to tell and to be told. */
export interface CacheDevice extends BlockDevice, CacheStates, Prefetching {
  /** Counters and gauges as they are now. */
  snapshot(): CacheSnapshot;
  /** The device in at most so many cells, each with its sectors by state. For pictures. */
  map(maxCells: number): BlockMap;
  /**
   * A range in at most so many cells, in steps of a thousand lines or so: a caller that has others to care for may yield to the
   * event loop between them, and gets a map in which some lines are as they were and some as they are.
   */
  mapSteps(start: number, count: number, maxCells: number): Generator<undefined, BlockMap, undefined>;
  /**
   * What is held and was asked for, the hottest first, in at most so many ranges; the coldest are left out. To remember it, and
   * have `warmUp` bring it in after a restart. Takes memory beside the budget while it works, eight bytes a line.
   */
  hotRanges(maxRanges: number): Promise<HotRange[]>;
  /**
   * Brings ranges into memory behind callers' requests, the first ones first; parts past the end of the device are left out.
   * Unlike `prefetch` it takes free room alone, so nothing leaves for it, keeps what is told of their heat, and leaves the base
   * to others for a part of the time. Lines count as used when they are asked for. Resolves when it is over, also if a read
   * failed: that ends it quietly, and is counted. Rejects with `INVALID_ARGUMENT` for wrong ranges or options, and with
   * `DISCONNECTED` after the end.
   */
  warmUp(ranges: readonly HotRange[], options?: WarmUpOptions): Promise<WarmUpResult>;
  /**
   * Changes the budget while the cache works, and is in no other operation's way. Resolves when no more than that is held,
   * apart from what is lent [B4]: memory under a loan counts in `heldBytes` until it is released, and goes then. Rejects if the
   * base fails to take what has to leave; it leaves later, and the call can be made again.
   */
  setMaxSizeBytes(maxSizeBytes: number): Promise<void>;
}

/**
 * Puts a write-back cache before `base` and gives the same contract back. The cache owns the base: disconnecting it disconnects
 * the base.
 *
 * Rejects with `INVALID_ARGUMENT` for options that are unknown, make no sense, or leave room for too few lines; the base is
 * then as it was.
 *
 * @example
 * ```ts
 * import { connectMemory } from '@blockyard/backend-memory';
 * import { connectCache } from '@blockyard/cache';
 *
 * const disk = await connectCache(await connectMemory({ sizeSectors: 2048 }), { maxSizeBytes: 2 ** 20 });
 * for (let n = 0; n < 100; n++) await disk.write(8, [new Uint8Array(512).fill(n)]);
 * await disk.flush();
 * console.log(disk.snapshot().baseWrites); // 1
 * await disk.disconnect();
 * ```
 */
export async function connectCache(base: BlockDevice, options: CacheOptions = {}): Promise<CacheDevice> {
  checkDevice(base, 'base');
  const checked = checkOptions(options, base.info.sectorSize);
  const engine = new Engine(base, checked);
  const device = createDevice(new CacheDriver(base, engine), { clock: checked.clock });
  const { yielder } = engine;
  return Object.assign(device, {
    snapshot: () => snapshotOf(engine),
    states(start: number, count: number): CacheState[] {
      checkRange(device, start, count);
      return statesOf(engine, start as Sector, (start + count) as Sector);
    },
    map(maxCells: number): BlockMap {
      checkInteger(maxCells, 'maxCells');
      return blockMapOf(engine, Math.max(1, maxCells));
    },
    mapSteps(start: number, count: number, maxCells: number) {
      checkRange(device, start, count);
      checkInteger(maxCells, 'maxCells');
      return blockMapSteps(engine, start as Sector, (start + count) as Sector, Math.max(1, maxCells));
    },
    async setMaxSizeBytes(maxSizeBytes: number): Promise<void> {
      await engine.setMaxSizeBytes(maxSizeBytes);
      await yielder.spend(LONG_CALL_BYTES);
    },
    async hotRanges(maxRanges: number): Promise<HotRange[]> {
      checkInteger(maxRanges, 'maxRanges');
      engine.base.check();
      await yielder.spend(LONG_CALL_BYTES);
      return hotRangesOf(engine, maxRanges);
    },
    async warmUp(ranges: readonly HotRange[], options: WarmUpOptions = {}): Promise<WarmUpResult> {
      await yielder.spend(LONG_CALL_BYTES);
      engine.base.check();
      return engine.warmUps.run(ranges, options);
    },
    async prefetch(start: number, count: number): Promise<void> {
      const pause = yielder.spend(CALL_BYTES);
      if (pause !== undefined) await pause;
      checkInteger(start, 'start');
      checkInteger(count, 'count');
      if (engine.prefetcher.hasEnded) throw new BlockError('DISCONNECTED', 'the device was disconnected');
      checkRange(device, start, count);
      if (count === 0) return;
      const { geometry, prefetcher } = engine;
      await prefetcher.fetch(geometry.lineOf(start as Sector), geometry.lastLine((start + count) as Sector));
    },
  });
}

function checkRange({ info }: BlockDevice, start: number, count: number): void {
  checkInteger(start, 'start');
  checkInteger(count, 'count');
  if (count > info.sizeSectors - start) {
    throw new BlockError('OUT_OF_BOUNDS', `the range ends past the device's ${info.sizeSectors} sectors`, {
      start,
      count,
    });
  }
}
