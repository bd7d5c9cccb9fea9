import { BufferCursor, forEachParallel } from '@blockyard/block/async';
import type { ObjectStore } from '@blockyard/object-store';
import { numberOf, objectIdOf } from '../format/keys.js';
import type { DataRow } from '../format/rows.js';
import type { Sealing } from '../format/sealing.js';
import { type DataExtent, slotOffset } from '../format/segment.js';
import { maxSlotsOf, TAIL_BYTES } from '../format/segment-size.js';
import { type Fetch, fetchesOf, fetchSlots } from '../objects/data-reader.js';
import type { Places } from '../objects/places.js';
import type { SegmentReader } from '../objects/segment-reader.js';
import { sealSegment } from '../segments/seal.js';
import { Segment } from '../segments/segment.js';
import type { VolumeState } from '../state/volume-state.js';

/** Objects that are looked at for one pack: those with next to nothing alive would otherwise be many. */
const VICTIMS_MAX = 64;
const CONCURRENCY = 8;
/** Runs that are moved before regions beyond the map's budget are dropped. */
const TRIM_INTERVAL = 256;

export interface CleanerParts {
  readonly store: Pick<ObjectStore, 'get' | 'put' | 'urlOf'>;
  readonly places: Places;
  readonly sealing: Sealing;
  readonly state: VolumeState;
  readonly reader: SegmentReader;
  readonly segmentSizeBytes: number;
  readonly volumeId: string;
  readonly epoch: number;
  readonly opening: string;
  readonly wallMs: () => number;
}

/** Sectors of a victim that the map has there. */
interface Alive extends DataExtent {
  readonly row: DataRow;
}

/**
 * Gets space back: writes what is still in use of objects that are mostly not to a new one, sorted by sector, and points the map
 * there. The old objects are deleted after the next checkpoint, which no longer reaches them.
 *
 * Whatever fails leaves the volume as it was.
 */
export class Cleaner {
  readonly #parts: CleanerParts;
  #packs = 0;
  #movedSectors = 0;

  constructor(parts: CleanerParts) {
    this.#parts = parts;
  }

  get packs(): number {
    return this.#packs;
  }

  get movedSectors(): number {
    return this.#movedSectors;
  }

  /**
   * Writes up to so many packs. Returns how many sectors were moved; 0 if that would gain less than `minGain` slots. Of several
   * packs each has a part of the volume of its own, so that what lies together there does so in the store.
   */
  async step(minGain: number, maxPacks: number): Promise<number> {
    const victims = this.#victims(minGain, maxPacks);
    if (victims.length === 0) return 0;
    const alive = await this.#aliveIn(victims);
    let moved = 0;
    for (const part of inPacks(alive, this.#maxSlots)) moved += await this.#pack(part);
    return moved;
  }

  /**
   * Objects to clean: those first of which the least is in use, which give most space for what has to be written. To weigh in
   * their age helps where some sectors are overwritten more often than others, and costs more where none are.
   */
  #victims(minGain: number, maxPacks: number): DataRow[] {
    const { state } = this.#parts;
    const maxLive = maxPacks * this.#maxSlots;
    const { objects } = state;
    const victims: DataRow[] = [];
    let live = 0;
    let capacity = 0;
    for (const row of objects.emptiest()) {
      if (victims.length === VICTIMS_MAX || live + row.live > maxLive) break;
      victims.push(row);
      live += row.live;
      capacity += objects.capacityOf(row);
    }
    const rest = live % this.#maxSlots;
    const needed = live - rest + (rest === 0 ? 0 : objects.capacityOf({ slots: rest }));
    return capacity - needed >= Math.max(1, minGain) ? victims : [];
  }

  get #maxSlots(): number {
    return maxSlotsOf(this.#parts.segmentSizeBytes, this.#parts.state.sectorSize);
  }

  /** What the map has in the victims, by their own indexes, in the order of the sectors. */
  async #aliveIn(victims: readonly DataRow[]): Promise<Alive[]> {
    const { reader, state } = this.#parts;
    const alive: Alive[] = [];
    await forEachParallel(victims, { maxConcurrency: CONCURRENCY }, async (row) => {
      const { index } = await reader.index(row, row.sizeBytes);
      for (const { start, count, slot } of index.data) {
        for (const run of await state.lookup(start, count)) {
          if (run.object !== row.object || run.slot !== slot + run.start - start) continue;
          alive.push({ start: run.start, count: run.count, slot: run.slot, row });
        }
      }
    });
    return alive.sort((a, b) => a.start - b.start);
  }

  async #pack(alive: readonly Alive[]): Promise<number> {
    const { store, places, sealing, state, volumeId, epoch, opening, wallMs } = this.#parts;
    const { sectorSize } = state;
    const sectors = alive.reduce((sum, { count }) => sum + count, 0);
    if (sectors === 0) return 0;
    const bytes = new Uint8Array(sectors * sectorSize);
    const fetches = fetchesFor(alive, bytes, sectorSize);
    await forEachParallel(fetches, { maxConcurrency: CONCURRENCY }, (fetch) =>
      fetchSlots(store, places, fetch, sectorSize),
    );
    const name = { object: objectIdOf('pack', state.nextPack++), epoch };
    const segment = new Segment(
      { name, sectorSize, maxSlots: sectors },
      new Uint8Array(slotOffset(sectors, sectorSize) + TAIL_BYTES),
    );
    const slots: number[] = [];
    for (const { start, count } of alive) {
      const offset = segment.slots * sectorSize;
      slots.push(segment.slots);
      segment.write(start, new BufferCursor([bytes.subarray(offset, offset + count * sectorSize)]));
    }
    const { body, ready } = sealSegment(segment, volumeId, sealing, wallMs());
    await ready;
    const stamp = `${volumeId}/${epoch}/${opening}/pack-${numberOf(name.object)}`;
    const result = await store.put(places.dataKey({ ...name, base: 0 }), body, 'absent', stamp);
    if (result.kind === 'failed') throw result.error;
    if (result.kind === 'lost') return 0;
    const born = state.generation + 1;
    state.objects.add({ ...name, base: 0, sizeBytes: body.byteLength, slots: segment.slots, live: 0, born, dead: 0 });
    let moved = 0;
    for (const [index, { start, count, slot, row }] of alive.entries()) {
      const to = { object: name.object, slot: slots[index] ?? 0 };
      // One region at a time is kept in memory for this, whatever the map's budget.
      const loaded = await state.map.loadRange(start, count);
      moved += state.map.move(start, count, { object: row.object, slot }, to);
      loaded.release();
      if (index % TRIM_INTERVAL === 0) state.map.trim();
    }
    state.map.trim();
    this.#packs++;
    this.#movedSectors += moved;
    return moved;
  }
}

/** Parts of the list, in order, of at most so many sectors each. */
function* inPacks(alive: readonly Alive[], maxSlots: number): Generator<Alive[]> {
  let part: Alive[] = [];
  let sectors = 0;
  for (let { start, count, slot, row } of alive) {
    while (count > 0) {
      const taken = Math.min(count, maxSlots - sectors);
      part.push({ start, count: taken, slot, row });
      sectors += taken;
      start += taken;
      slot += taken;
      count -= taken;
      if (sectors < maxSlots) continue;
      yield part;
      part = [];
      sectors = 0;
    }
  }
  if (part.length > 0) yield part;
}

/** Requests for what is alive, each sector to its place in `bytes`. */
function fetchesFor(alive: readonly Alive[], bytes: Uint8Array, sectorSize: number): Fetch[] {
  const byRow = new Map<DataRow, { start: number; count: number; slot: number; targets: Uint8Array[] }[]>();
  let offset = 0;
  for (const { start, count, slot, row } of alive) {
    const targets = Array.from({ length: count }, (_, index) => {
      const from = offset + index * sectorSize;
      return bytes.subarray(from, from + sectorSize);
    });
    offset += count * sectorSize;
    const runs = byRow.get(row) ?? [];
    runs.push({ start, count, slot, targets });
    byRow.set(row, runs);
  }
  return [...byRow].flatMap(([row, runs]) => fetchesOf(row, runs, sectorSize));
}
