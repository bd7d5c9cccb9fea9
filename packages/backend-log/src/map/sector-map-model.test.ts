import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LiveCounts, MapModel, StoredRegions, type Watch } from '../testing/map-model.js';
import type { Run } from './run.js';
import { SectorMap } from './sector-map.js';

const REGIONS = 4;

interface Geometry {
  readonly sectorSize: number;
  readonly regionSectors: number;
}

/** Regions of many leaves with a short one last, of one whole leaf, and of less. */
const geometries: readonly Geometry[] = [
  { sectorSize: 512, regionSectors: 2500 },
  { sectorSize: 4096, regionSectors: 1024 },
  { sectorSize: 65536, regionSectors: 37 },
  { sectorSize: 4096, regionSectors: 1 },
];

/** Positions are shares of the volume, so that a step means something at every geometry. */
const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const range = fc.record({ at: share, count: fc.oneof(fc.nat(12), fc.nat(3000)) });
/** Few objects, so that runs meet; some differ in the upper bits only. */
const object = fc.constantFrom(2, 3, 4, 2 ** 32, 2 ** 32 + 2, 2 ** 33 + 2, 2 ** 40 - 1);
const slot = fc.oneof(fc.nat(50), fc.integer({ min: 2 ** 24 - 4000, max: 2 ** 24 - 3001 }));
const target = fc.record({ object, slot });

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), range, target }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('zero' as const), range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('scatter' as const), seed: fc.nat(), at: share, target }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), at: share }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('lookup' as const), range }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('move' as const), range, from: target, to: target }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('checkpoint' as const),
      /** For each region in turn. */
      asBase: fc.array(fc.boolean(), { minLength: REGIONS, maxLength: REGIONS }),
      isStored: fc.array(fc.boolean(), { minLength: REGIONS, maxLength: REGIONS }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('trim' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), loads: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hold' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A map, its model, and what is stored of it. */
class Subject {
  readonly stored = new StoredRegions();
  readonly live = new LiveCounts();
  readonly model = new MapModel();
  readonly map: SectorMap;
  readonly sectors: number;
  #lookups: Promise<void>[] = [];

  constructor({ sectorSize, regionSectors }: Geometry) {
    const { stored, live } = this;
    this.sectors = regionSectors * REGIONS;
    this.map = new SectorMap({
      sectorSize,
      regionBytes: regionSectors * sectorSize,
      maxBytes: 0,
      liveness: live,
      load: stored.load,
      hasStored: stored.hasStored,
      storedRegions: stored.storedRegions,
    });
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'write':
        return this.#apply({ ...this.#within(step.range), ...step.target });
      case 'zero':
        return this.#apply({ ...this.#within(step.range), object: 0, slot: 0 });
      case 'scatter':
        return this.#scatter(step);
      case 'truncate':
        this.map.truncate(Math.floor(step.at * this.sectors));
        return this.model.truncate(Math.floor(step.at * this.sectors));
      case 'lookup':
        return this.#lookup(this.#within(step.range));
      case 'move':
        return this.#move(step);
      case 'checkpoint':
        return this.#checkpoint(step);
      case 'trim':
        return this.map.trim();
      case 'fail':
        this.stored.failures = step.loads;
        return;
      case 'hold':
        return this.stored.hold();
      case 'release':
        return this.stored.release();
    }
  }

  /** Everything is as in the model: where sectors point to, what lives, and both again after all was stored and dropped. */
  async expectSame(): Promise<void> {
    await this.#noLoadHeld();
    await Promise.all(this.#lookups);
    expect(await this.map.lookup(0, this.sectors)).toEqual(this.model.runs(0, this.sectors));
    await this.map.settlePending(2);
    expect(this.live.counts).toEqual(this.model.live());
    const stores = await this.#encode(
      () => false,
      () => true,
    );
    for (const store of stores) store();
    this.map.trim();
    expect([this.map.byteLength, this.map.changedBytes, this.map.pendingBytes]).toEqual([0, 0, 0]);
    expect(await this.map.lookup(0, this.sectors)).toEqual(this.model.runs(0, this.sectors));
    expect(this.live.counts).toEqual(this.model.live());
  }

  #apply(run: Run): void {
    this.model.apply(run);
    this.map.apply(run);
  }

  /** Single sectors at random in a place of the volume, enough to make leaves dense there. */
  #scatter({ seed, at, target }: { seed: number; at: number; target: { object: number; slot: number } }): void {
    const start = Math.floor(at * this.sectors);
    const width = Math.min(1500, this.sectors - start);
    let random = seed;
    for (let i = 0; i < 1200; i++) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      this.#apply({ start: start + ((random >>> 8) % width), count: 1, object: target.object, slot: target.slot + i });
    }
  }

  #lookup({ start, count }: { start: number; count: number }): void {
    const watch = this.model.watch(start, count);
    const answer = this.map.lookup(start, count);
    if (Array.isArray(answer)) {
      expect(answer).toEqual(count === 0 ? [] : this.model.runs(start, count));
      this.model.unwatch(watch);
    } else this.#lookups.push(this.#expectSeen(answer, watch));
  }

  async #expectSeen(answer: Promise<Run[]>, watch: Watch): Promise<void> {
    try {
      expect(watch.faultsOf(await answer)).toEqual([]);
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'planted') throw error;
    } finally {
      this.model.unwatch(watch);
    }
  }

  async #move(step: { range: { at: number; count: number }; from: Slot; to: Slot }): Promise<void> {
    await this.#noLoadHeld();
    const { start, count } = this.#within(step.range);
    const first = this.model.runs(start, Math.min(count, 1))[0];
    const from = first === undefined || first.object === 0 ? step.from : { object: first.object, slot: first.slot };
    if (from.slot + count > 2 ** 24) return;
    const loaded = await this.map.loadRange(start, count);
    this.map.trim();
    expect(this.map.move(start, count, from, step.to)).toBe(this.model.move(start, count, from, step.to));
    loaded.release();
  }

  async #checkpoint({ asBase, isStored }: { asBase: boolean[]; isStored: boolean[] }): Promise<void> {
    await this.#noLoadHeld();
    await this.map.settlePending(2);
    expect(this.live.counts).toEqual(this.model.live());
    const outcomes = await this.#encode(
      (region) => asBase[region] === true,
      (region) => isStored[region] === true,
    );
    // While a checkpoint is stored the map goes on.
    this.#apply({ start: Math.floor(this.sectors / 2), count: Math.ceil(this.sectors / 8), object: 5, slot: 0 });
    this.map.trim();
    for (const outcome of outcomes) outcome();
  }

  /** Encodes all that has changed. What is given back stores it, or not. */
  async #encode(asBase: (region: number) => boolean, isStored: (region: number) => boolean): Promise<(() => void)[]> {
    const outcomes: (() => void)[] = [];
    for (const region of this.map.changedRegions()) {
      if (asBase(region)) {
        const { payload, marks } = await this.map.encodeBase(region);
        outcomes.push(() => {
          if (!isStored(region)) return this.map.restoreChanges(region, marks);
          this.stored.putBase(region, payload?.slice());
          this.map.confirmChanges(region);
        });
      } else {
        const { payload, marks } = await this.map.encodeDelta(region);
        outcomes.push(() => {
          if (!isStored(region)) return this.map.restoreChanges(region, marks);
          this.stored.putDelta(region, payload.slice());
          this.map.confirmChanges(region);
        });
      }
    }
    expect(this.map.changedRegions()).toEqual([]);
    return outcomes;
  }

  async #noLoadHeld(): Promise<void> {
    this.stored.failures = 0;
    this.stored.release();
    await Promise.all(this.#lookups.splice(0));
  }

  #within({ at, count }: { at: number; count: number }): { start: number; count: number } {
    const start = Math.floor(at * this.sectors);
    return { start, count: Math.min(count, this.sectors - start) };
  }
}

interface Slot {
  readonly object: number;
  readonly slot: number;
}

for (const geometry of geometries) {
  const { sectorSize, regionSectors } = geometry;
  test(`does as a plain table of sectors does: ${regionSectors} sectors of ${sectorSize} bytes in a region`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const subject = new Subject(geometry);
        for (const step of steps) await subject.run(step);
        await subject.expectSame();
      }),
      { numRuns: 60 },
    );
  });
}
