import { invariant, type MaybePromise } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import { NO_OBJECT, type ObjectId, SLOT_MAX } from '../format/keys.js';
import type { LeafSet } from './leaf-set.js';
import { Region } from './region.js';
import { encodeBase, encodeDelta, OBJECT_MAX } from './region-codec.js';
import { RegionLeaves } from './region-leaves.js';
import { RegionTable } from './region-table.js';
import { type Liveness, type Run, RunList } from './run.js';
import type { Pause } from './slices.js';

export type { Run } from './run.js';

const REGION_BYTES_DEFAULT = 256 * 1024 * 1024;

/** Sectors of a region: its first sector and its count take a word each at most, and a region in full some megabytes. */
const REGION_SECTORS_MAX = 2 ** 20;

/** Bytes of the largest volume. */
const VOLUME_BYTES_MAX = 2 ** 53;

/** A lookup or a {@link SectorMap.loadRange} of many regions loads this many at once. */
const LOADS_MAX = 4;

/** A range of more regions than this looks through those that there are. */
const PROBES_MAX = 256;

/** The payloads of a region as they were stored, a base first if there is one, then deltas in order; none for zeroes. */
export type RegionLoader = (region: number) => Promise<readonly Uint8Array[]>;

export interface SectorMapOptions {
  /** Bytes of a sector. */
  readonly sectorSize: number;
  /** Bytes of the volume that one region covers. A whole number of sectors, at most 2^20. Default 256 MiB. */
  readonly regionBytes?: number | undefined;
  /** Memory that {@link SectorMap.trim} leaves to the map. */
  readonly maxBytes: number;
  readonly liveness: Liveness;
  readonly load: RegionLoader;
  /** Whether {@link load} may give anything for the region. What was confirmed counts. */
  hasStored(region: number): boolean;
  /**
   * All regions for which {@link hasStored} is true, in any order. For ranges of so many regions that asking for each would
   * take long.
   */
  storedRegions(): Iterable<number>;
  /** Called between slices of long work: to encode a region, and to take in one that was loaded. Default: it does not wait. */
  readonly pause?: Pause | undefined;
}

/** Leaves of a region whose changes were encoded. Opaque. */
export type ChangeMarks = LeafSet;

export interface EncodedRegion<P> {
  readonly payload: P;
  readonly marks: ChangeMarks;
}

/** A slot of an object. */
export interface SlotOf {
  readonly object: ObjectId;
  readonly slot: number;
}

/** Regions that stay in memory. */
export interface LoadedRange {
  /** Once. */
  release(): void;
}

/**
 * Where the sectors of a volume point to: slots of objects, or nowhere, which reads as zeroes.
 *
 * The volume is divided into regions. Those that were used are in memory, as long as there is room; the others are loaded
 * when they are asked for. Changes never wait: those of a region that is not loaded are kept, and take effect, in order,
 * when it is.
 *
 * A checkpoint takes the changes out of the map: {@link settlePending}, then for each of {@link changedRegions} an {@link
 * encodeDelta} or {@link encodeBase}, then {@link confirmChanges} or {@link restoreChanges}. The map must not be changed
 * from when the pending runs are settled until everything is encoded.
 *
 * `liveness` hears of every sector that begins or ceases to point to an object: within the change if the region is loaded,
 * otherwise when it has been. Loading and dropping what is stored is no change. Ranges are in sectors, and within 2^53
 * bytes.
 */
export class SectorMap {
  /** Sectors of a region. */
  readonly regionSectors: number;
  readonly #sectorsMax: number;
  readonly #options: SectorMapOptions;
  readonly #regions = new RegionTable();
  readonly #pause: Pause;

  constructor(options: SectorMapOptions) {
    const { sectorSize, regionBytes = REGION_BYTES_DEFAULT } = options;
    this.#options = options;
    this.#pause = options.pause ?? (() => {});
    this.regionSectors = regionBytes / sectorSize;
    this.#sectorsMax = VOLUME_BYTES_MAX / sectorSize;
    const isWhole = Number.isInteger(this.regionSectors) && this.regionSectors >= 1;
    invariant(isWhole && this.regionSectors <= REGION_SECTORS_MAX, 'a region has from 1 to 2^20 whole sectors');
  }

  /** Memory that the map holds, in bytes, to within a few per cent. */
  get byteLength(): number {
    return this.#regions.bytes.total;
  }

  /** Part of {@link byteLength} that is free only after a checkpoint. */
  get changedBytes(): number {
    return this.#regions.bytes.changed;
  }

  /** Part of {@link changedBytes} for changes of regions that are not loaded. */
  get pendingBytes(): number {
    return this.#regions.bytes.pending;
  }

  /**
   * Runs that cover the range exactly, in order, those that continue one another as one, also those of zeroes. At once if
   * every region of the range is in memory or has nothing stored. Otherwise regions are loaded, and each is seen as it is
   * some time before the promise resolves. Rejects as the loader does, or with `CORRUPT`.
   */
  lookup(start: number, count: number): MaybePromise<Run[]> {
    return this.lookupLoaded(start, count) ?? this.#runsLoaded(start, count);
  }

  /** The same, if it can be told at once. Nothing is loaded for it. */
  lookupLoaded(start: number, count: number): Run[] | undefined {
    this.#checkRange(start, count);
    const list = new RunList();
    return this.#collect(start, start + count, list) ? list.end() : undefined;
  }

  /**
   * Points sectors to slots, or nowhere. Never waits. The cost of a run of zeroes does not depend on how many regions of it
   * have nothing.
   */
  apply(run: Run): void {
    const { start, count, object } = run;
    this.#checkRange(start, count);
    checkTarget(run);
    if (count === 0) return;
    if (object === NO_OBJECT) {
      for (const number of this.#present(start, start + count)) this.#applyIn(number, run);
      return;
    }
    const last = this.#regionOf(start + count - 1);
    for (let number = this.#regionOf(start); number <= last; number++) this.#applyIn(number, run);
  }

  /** Everything from sector `sizeSectors` on reads as zeroes from now on. */
  truncate(sizeSectors: number): void {
    this.apply({ start: sizeSectors, count: this.#sectorsMax - sizeSectors, object: NO_OBJECT, slot: 0 });
  }

  /**
   * Points the sectors of the range that still point to their slot of `from`, the first to `from.slot` and so on, to the
   * same place from `to.slot` on. Regions that have something stored must be loaded ({@link loadRange}).
   *
   * @returns how many that were
   */
  move(start: number, count: number, from: SlotOf, to: SlotOf): number {
    const runs = this.lookupLoaded(start, count);
    invariant(runs !== undefined, 'sectors are moved in regions that are loaded');
    let moved = 0;
    for (const run of runs) {
      const offset = run.start - start;
      if (run.object !== from.object || run.slot !== from.slot + offset) continue;
      this.apply({ start: run.start, count: run.count, object: to.object, slot: to.slot + offset });
      moved += run.count;
    }
    return moved;
  }

  /**
   * Resolves when the regions of the range are in memory, where they stay until they are released. Rejects as {@link
   * lookup} does.
   */
  async loadRange(start: number, count: number): Promise<LoadedRange> {
    this.#checkRange(start, count);
    const pinned: Region[] = [];
    const release = () => {
      for (const region of pinned.splice(0)) this.#unpin(region);
    };
    const numbers = this.#present(start, start + count);
    try {
      await forEachParallel(numbers, { maxConcurrency: LOADS_MAX }, async (number) => {
        pinned.push(await this.#pin(number));
      });
    } catch (error) {
      release();
      throw error;
    }
    return { release };
  }

  /** Loads the regions that have pending changes. Rejects as {@link lookup} does; nothing pending is lost. */
  async settlePending(maxConcurrency: number): Promise<void> {
    await forEachParallel(this.#withPending(), { maxConcurrency }, async ({ number }) => {
      this.#unpin(await this.#pin(number));
    });
  }

  /** Regions with changes that were not encoded, in ascending order. */
  changedRegions(): number[] {
    const changed: number[] = [];
    for (const region of this.#regions) {
      if (region.leaves?.isChanged ?? region.hasPending) changed.push(region.number);
    }
    return changed.sort((a, b) => a - b);
  }

  /**
   * The region's changes, to be stored behind what is stored of it. It stays in memory until one of {@link confirmChanges}
   * and {@link restoreChanges} was called. No changes may be pending.
   */
  encodeDelta(region: number): Promise<EncodedRegion<Uint8Array>> {
    return this.#encode(region, (leaves, changed) => encodeDelta(leaves, changed, this.#pause));
  }

  /**
   * All of the region, to be stored in place of what is; undefined if it is all zeroes, so that nothing need be. As {@link
   * encodeDelta} otherwise. The region must be loaded.
   */
  encodeBase(region: number): Promise<EncodedRegion<Uint8Array | undefined>> {
    return this.#encode(region, async (leaves) => (leaves.isEmpty ? undefined : encodeBase(leaves, this.#pause)));
  }

  /** What was encoded of the region is stored: from now on the loader gives it. */
  confirmChanges(region: number): void {
    this.#endEncoding(region);
  }

  /** What was encoded of the region was not stored. Its changes count again. */
  restoreChanges(region: number, marks: ChangeMarks): void {
    this.#endEncoding(region, marks);
  }

  /**
   * Drops regions that are loaded, unchanged and in no one's use, least recently used first, until the map is within its
   * memory.
   */
  trim(): void {
    this.#regions.trim(this.#options.maxBytes);
  }

  /** Runs of the regions that are loaded, in ascending order, without zeroes, and joined within a region. */
  *loadedRuns(): Generator<Run> {
    const regions = [...this.#regions].sort((a, b) => a.number - b.number);
    for (const { leaves, number } of regions) {
      const list = new RunList();
      leaves?.collect(0, this.regionSectors, number * this.regionSectors, list);
      for (const run of list.end()) if (run.object !== NO_OBJECT) yield run;
    }
  }

  /**
   * The same of a range, in steps of so many sectors, each as the map is when it is asked for. No region is loaded for it, or counts
   * as used.
   */
  *loadedRunsIn(start: number, count: number, stepSectors: number): Generator<Run[]> {
    const [first, end] = [this.#regionOf(start), start + count];
    const numbers = Array.from(this.#regions, ({ number }) => number).filter(
      (number) => number >= first && number * this.regionSectors < end,
    );
    for (const number of numbers.sort((a, b) => a - b)) {
      const base = number * this.regionSectors;
      const to = Math.min(end, base + this.regionSectors);
      for (let at = Math.max(start, base); at < to; at += stepSectors) {
        const list = new RunList();
        this.#regions.get(number)?.leaves?.collect(at - base, Math.min(stepSectors, to - at), base, list);
        yield list.end().filter(({ object }) => object !== NO_OBJECT);
      }
    }
  }

  async #runsLoaded(start: number, count: number): Promise<Run[]> {
    const list = new RunList();
    const end = start + count;
    const numbers = this.#present(start, end);
    for (let at = 0, position = start; position < end; at += LOADS_MAX) {
      const next = numbers[at + LOADS_MAX];
      const to = next === undefined ? end : next * this.regionSectors;
      // What is dropped as soon as it was loaded is loaded again.
      for (let done = false; !done; ) {
        const loaded = await this.loadRange(position, to - position);
        done = this.#collect(position, to, list);
        loaded.release();
      }
      position = to;
    }
    return list.end();
  }

  /**
   * Tells `list` of the sectors from `start` to before `end`, if all their regions are in memory, and says whether they
   * are.
   */
  #collect(start: number, end: number, list: RunList): boolean {
    const numbers = this.#present(start, end);
    if (numbers.some((number) => this.#regions.get(number)?.leaves === undefined)) return false;
    let position = start;
    for (const number of numbers) {
      const region = this.#regions.get(number);
      if (region?.leaves === undefined) continue;
      const base = number * this.regionSectors;
      const from = Math.max(position, base);
      if (from > position) list.push(position, from - position, NO_OBJECT, 0);
      position = Math.min(end, base + this.regionSectors);
      region.leaves.collect(from - base, position - from, base, list);
      this.#regions.touch(region);
    }
    if (position < end) list.push(position, end - position, NO_OBJECT, 0);
    return true;
  }

  /** The regions of a range of sectors that are not all zeroes, as far as is known, in ascending order. */
  #present(start: number, end: number): number[] {
    if (start === end) return [];
    const first = this.#regionOf(start);
    const last = this.#regionOf(end - 1);
    const present: number[] = [];
    if (last - first < PROBES_MAX) {
      for (let number = first; number <= last; number++) {
        if (this.#regions.get(number) !== undefined || this.#options.hasStored(number)) present.push(number);
      }
      return present;
    }
    for (const { number } of this.#regions) if (number >= first && number <= last) present.push(number);
    for (const number of this.#options.storedRegions()) {
      if (number >= first && number <= last && this.#regions.get(number) === undefined) present.push(number);
    }
    return present.sort((a, b) => a - b);
  }

  #applyIn(number: number, { start, count, object, slot }: Run): void {
    const base = number * this.regionSectors;
    const from = Math.max(start, base);
    const to = Math.min(start + count, base + this.regionSectors);
    const region = this.#regions.get(number) ?? this.#add(number);
    const first = object === NO_OBJECT ? 0 : slot + from - start;
    region.apply(from - base, to - from, object, first, this.#options.liveness);
    this.#regions.update(region);
  }

  #add(number: number): Region {
    const region = new Region(number, this.regionSectors);
    if (!this.#options.hasStored(number)) region.leaves = new RegionLeaves(this.regionSectors);
    this.#regions.add(region);
    return region;
  }

  /** Keeps a region in memory, and loads it if need be. */
  async #pin(number: number): Promise<Region> {
    const region = this.#regions.get(number) ?? this.#add(number);
    region.pins++;
    this.#regions.update(region);
    try {
      while (region.leaves === undefined) await this.#load(region);
      return region;
    } catch (error) {
      this.#unpin(region);
      throw error;
    }
  }

  #unpin(region: Region): void {
    region.pins--;
    this.#regions.update(region);
  }

  /** All who want the region at the same time share one load. */
  #load(region: Region): Promise<void> {
    region.loading ??= this.#options
      .load(region.number)
      .then((payloads) => region.install(payloads, this.#options.liveness, this.#pause))
      .finally(() => {
        region.loading = undefined;
        this.#regions.update(region);
      });
    return region.loading;
  }

  *#withPending(): Generator<Region> {
    for (const region of this.#regions) if (region.hasPending) yield region;
  }

  async #encode<P>(
    number: number,
    encode: (leaves: RegionLeaves, changed: ChangeMarks) => Promise<P>,
  ): Promise<EncodedRegion<P>> {
    const region = this.#regions.get(number);
    const leaves = region?.leaves;
    invariant(region !== undefined && leaves !== undefined, 'what is encoded is loaded and nothing of it is pending');
    invariant(!region.isEncoded, 'a region is encoded again when the outcome of the last time is known');
    region.isEncoded = true;
    const marks = leaves.takeChanged();
    try {
      await leaves.compact(marks, this.#pause);
      const payload = await encode(leaves, marks);
      this.#regions.update(region);
      return { payload, marks };
    } catch (error) {
      this.#endEncoding(number, marks);
      throw error;
    }
  }

  #endEncoding(number: number, marks?: ChangeMarks): void {
    const region = this.#regions.get(number);
    invariant(region?.isEncoded === true, 'an outcome is told of a region that was encoded, once');
    region.isEncoded = false;
    if (marks !== undefined) region.leaves?.addChanged(marks);
    this.#regions.update(region);
  }

  #regionOf(sector: number): number {
    return Math.floor(sector / this.regionSectors);
  }

  #checkRange(start: number, count: number): void {
    const isRange = Number.isSafeInteger(start) && start >= 0 && Number.isSafeInteger(count) && count >= 0;
    invariant(isRange && start + count <= this.#sectorsMax, 'a range of sectors lies within the largest volume');
  }
}

function checkTarget({ object, slot, count }: Run): void {
  const isZero = object === NO_OBJECT && slot === 0;
  const isObject = object > NO_OBJECT && object <= OBJECT_MAX && slot >= 0 && slot + count - 1 <= SLOT_MAX;
  invariant(isZero || isObject, 'a run points to slots that an object can have, or to none');
}
