import { type Clock, invariant } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { ObjectStore } from '@blockyard/object-store';
import type { RootObject } from '@blockyard/volume-root';
import { encodeDirectory } from '../format/directory.js';
import type { CheckpointPlace, EpochSpan, LogRoot } from '../format/root.js';
import type { MapRow } from '../format/rows.js';
import type { ChangeMarks, LoadedRange } from '../map/sector-map.js';
import { type Pause, pauseOf } from '../map/slices.js';
import type { Places } from '../objects/places.js';
import type { LogWriter } from '../segments/log-writer.js';
import type { StoredPiece } from '../state/regions.js';
import type { VolumeState } from '../state/volume-state.js';
import { MapObjects } from './map-objects.js';

/** A region is written as a whole once it has so many deltas. */
const DELTAS_MAX = 4;
/** Regions that are loaded at once. */
const LOADS_MAX = 32;
/** A map object of which less than this share is in use is written anew, together with what changes anyway. */
const MAP_SHARE_MIN = 0.4;
/** Regions that are written anew for that at one checkpoint: each may have to be read. */
const REWRITES_MAX = 256;

export interface CheckpointOptions {
  /** Whether map objects that are mostly not in use are written anew as well. Default: true. */
  readonly isThorough?: boolean;
}

export interface CheckpointParts {
  readonly store: Pick<ObjectStore, 'put' | 'urlOf'>;
  readonly places: Places;
  readonly state: VolumeState;
  readonly root: RootObject<LogRoot>;
  readonly writer: Pick<LogWriter, 'hold'>;
  readonly epoch: number;
  readonly opening: string;
  /** By which it yields to the event loop. */
  readonly clock: Clock;
}

/** What a checkpoint changed of one region, so that it can be put back. */
interface Change {
  readonly region: number;
  readonly marks: ChangeMarks;
  readonly before: readonly StoredPiece[];
}

/** A checkpoint that was encoded, and not stored. */
interface Encoded {
  readonly objects: MapObjects;
  readonly changes: readonly Change[];
  /** Map objects that it no longer reaches. */
  readonly left: readonly MapRow[];
  readonly place: CheckpointPlace;
  readonly sizeSectors: number;
}

/**
 * Stores the state of the volume, so that opening it need not replay the log from further back: for each region that changed
 * its changes, or all of it; the directory; then the root.
 *
 * It names segments that are durable, and no others: what is newer is not in the map, and kept out of it meanwhile.
 */
export class Checkpointer {
  readonly #parts: CheckpointParts;
  readonly #pause: Pause;

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
    this.#pause = pauseOf(parts.clock);
  }

  /**
   * Makes a checkpoint, and changes the root to it, with what `change` adds. On failure the last one holds, and nothing is
   * lost; what was stored of the new one has names that are not used again.
   */
  async run(
    change: (root: LogRoot, place: CheckpointPlace) => LogRoot = (root) => root,
    { isThorough = true }: CheckpointOptions = {},
  ): Promise<CheckpointPlace> {
    const { store, state, root, opening, epoch } = this.#parts;
    const encoded = await this.#encode(isThorough ? this.#emptiestMapObjects() : new Set());
    const { place, sizeSectors } = encoded;
    try {
      await encoded.objects.put(store, `${root.root.volumeId}/${epoch}/${opening}/${place.generation}`);
      await root.change((found) => {
        const epochs = spansAfter(found.epochs, place.through);
        return change({ ...found, checkpoint: place, sizeSectors, epochs }, place);
      });
    } catch (error) {
      this.#restore(encoded);
      throw error;
    }
    for (const { region } of encoded.changes) state.map.confirmChanges(region);
    state.map.trim();
    return place;
  }

  async #encode(emptiest: ReadonlySet<MapRow>): Promise<Encoded> {
    const { state, writer } = this.#parts;
    const loaded = await this.#load(emptiest);
    try {
      do await state.map.settlePending(LOADS_MAX);
      while (state.map.pendingBytes > 0);
      const release = writer.hold();
      try {
        return await this.#encodeHeld(emptiest);
      } finally {
        release();
      }
    } finally {
      for (const { release } of loaded) release();
    }
  }

  async #encodeHeld(emptiest: ReadonlySet<MapRow>): Promise<Encoded> {
    const { places, state, epoch } = this.#parts;
    const generation = ++state.generation;
    const objects = new MapObjects(places, { generation, epoch });
    const changes: Change[] = [];
    try {
      return await this.#encodeInto(objects, changes, emptiest, generation);
    } catch (error) {
      this.#restore({ objects, changes, left: [] });
      throw error;
    }
  }

  async #encodeInto(
    objects: MapObjects,
    changes: Change[],
    emptiest: ReadonlySet<MapRow>,
    generation: number,
  ): Promise<Encoded> {
    const { state, epoch } = this.#parts;
    const { map, regions } = state;
    const changed = new Set(map.changedRegions());
    for (const row of emptiest) for (const region of regions.regionsIn(row)) changed.add(region);
    for (const region of changed) {
      const before = regions.piecesOf(region);
      const asBase = before.length === 0 || before.length > DELTAS_MAX || before.some(({ row }) => emptiest.has(row));
      const { payload, marks } = await (asBase ? map.encodeBase(region) : map.encodeDelta(region));
      const added = payload === undefined ? [] : [objects.add(payload)];
      regions.replace(region, asBase ? added : [...before, ...added]);
      changes.push({ region, marks, before });
      await this.#pause();
    }
    const left = this.#markDead(generation);
    const directory = this.#addDirectory(objects, generation);
    const place: CheckpointPlace = {
      base: 0,
      generation,
      epoch,
      opening: this.#parts.opening,
      part: directory.row.part,
      offset: directory.offset,
      lengthBytes: directory.lengthBytes,
      through: state.through,
      throughMs: state.throughMs,
    };
    return { objects, changes, left, place, sizeSectors: state.sizeSectors };
  }

  /** Adds the directory, which tells of all objects: also of the one that it lies in, whose size is not known before. */
  #addDirectory(objects: MapObjects, generation: number): StoredPiece {
    const { state, epoch, opening } = this.#parts;
    const { regions } = state;
    for (const row of objects.rows) regions.rows.add(row);
    state.openings.set(`0/${epoch}`, opening);
    const data = [...state.objects].sort((a, b) => a.object - b.object);
    const maps = [...regions.rows];
    const used = new Set([...data, ...maps].map(({ base, epoch: of }) => `${base}/${of}`));
    const salts = [...state.openings]
      .filter(([name]) => used.has(name))
      .map(([name, salt]) => {
        const [base, of] = name.split('/').map(Number);
        invariant(base !== undefined && of !== undefined, 'openings are kept by base and epoch');
        return { base, epoch: of, salt };
      });
    const { through, sizeSectors, nextPack } = state;
    const facts = { generation, through, sizeSectors, nextPack, salts, data, maps };
    const directory = objects.addApart(encodeDirectory({ ...facts, regions: regions.describe(maps) }));
    regions.rows.add(directory.row);
    return directory;
  }

  /** Objects that this generation is the first not to reach. */
  #markDead(generation: number): MapRow[] {
    const { objects, regions } = this.#parts.state;
    for (const row of objects) if (row.live === 0 && row.dead === 0) row.dead = generation;
    const left = [...regions.rows].filter(({ liveBytes, dead }) => liveBytes === 0 && dead === 0);
    for (const row of left) row.dead = generation;
    return left;
  }

  #restore({ objects, changes, left }: Pick<Encoded, 'objects' | 'changes' | 'left'>): void {
    const { map, regions } = this.#parts.state;
    for (const { region, marks, before } of changes) {
      regions.replace(region, [...before]);
      map.restoreChanges(region, marks);
    }
    for (const row of left) row.dead = 0;
    for (const row of objects.rows) regions.rows.delete(row);
  }

  /** Objects of which little is in use. Their regions are written anew, so that they can go. */
  #emptiestMapObjects(): Set<MapRow> {
    const { regions } = this.#parts.state;
    const isEmpty = ({ base, liveBytes, sizeBytes }: MapRow) =>
      base === 0 && liveBytes > 0 && liveBytes < MAP_SHARE_MIN * sizeBytes;
    const shareOf = ({ liveBytes, sizeBytes }: MapRow) => liveBytes / sizeBytes;
    const sorted = [...regions.rows].filter(isEmpty).sort((a, b) => shareOf(a) - shareOf(b));
    const chosen = new Set<MapRow>();
    const wanted = new Set<number>();
    for (const row of sorted) {
      for (const region of regions.regionsIn(row)) wanted.add(region);
      if (wanted.size > REWRITES_MAX) break;
      chosen.add(row);
    }
    return chosen;
  }

  async #load(rows: ReadonlySet<MapRow>): Promise<LoadedRange[]> {
    const { map, regions } = this.#parts.state;
    const wanted = new Set([...rows].flatMap((row) => [...regions.regionsIn(row)]));
    const loaded: LoadedRange[] = [];
    await forEachParallel(wanted, { maxConcurrency: LOADS_MAX }, async (region) => {
      loaded.push(await map.loadRange(region * map.regionSectors, map.regionSectors));
    });
    return loaded;
  }
}

/** The spans that a replay from there needs. The last one stays: it is the writer's own. */
function spansAfter(spans: readonly EpochSpan[], through: number): readonly EpochSpan[] {
  return spans.filter(({ end }, at) => at === spans.length - 1 || end === null || end - 1 > through);
}
