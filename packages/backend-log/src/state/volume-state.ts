import { BlockError, type Clock, type MaybePromise } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import { type Directory, decodeDirectory } from '../format/directory.js';
import { type DataName, NO_OBJECT, numberOf } from '../format/keys.js';
import type { CheckpointPlace, LogRoot } from '../format/root.js';
import type { DataRow, MapRow } from '../format/rows.js';
import type { Sealing } from '../format/sealing.js';
import type { SegmentIndex } from '../format/segment.js';
import { maxSlotsOf } from '../format/segment-size.js';
import { type Run, SectorMap } from '../map/sector-map.js';
import { pauseOf } from '../map/slices.js';
import { DataObjects } from '../objects/object-table.js';
import type { Based, Places } from '../objects/places.js';
import { Regions, readBlob } from './regions.js';

/** What an object of data takes. */
type Stored = Pick<DataRow, 'sizeBytes' | 'slots'> & {
  /** Milliseconds since 1970. */
  readonly sealedMs: number;
};

export interface StateParts {
  readonly store: Pick<ObjectStore, 'get' | 'urlOf'>;
  readonly places: Places;
  readonly sealing: Sealing;
  readonly maxMapBytes: number;
  /** Long work on the map yields to the event loop by it. Default: it does not. */
  readonly clock?: Clock;
}

/** What of a root does not change. */
type StateFacts = Pick<LogRoot, 'sectorSize' | 'segmentSizeBytes'>;

/** An object of less than this part of a segment is small. */
const SMALL_PARTS = 16;

/** What a volume of nothing is. */
const NOTHING: Directory = {
  generation: 0,
  through: 0,
  sizeSectors: 0,
  nextPack: 1,
  salts: [],
  data: [],
  maps: [],
  regions: [],
};

/** The state of a volume after a segment: its size, its map, and the objects that the map reaches. */
export class VolumeState {
  readonly sectorSize: number;
  readonly objects: DataObjects;
  readonly regions: Regions;
  readonly map: SectorMap;
  /** Of the checkpoint that this began with, or of the last one that was made of it. */
  generation: number;
  /** Number of the last segment whose changes are in it. */
  through: number;
  /** When that was sealed, in milliseconds since 1970. */
  throughMs = 0;
  sizeSectors: number;
  nextPack: number;
  /** Openings by `base/epoch`, of epochs that objects are of. */
  readonly openings = new Map<string, string>();

  constructor({ store, places, maxMapBytes, clock }: StateParts, facts: StateFacts, directory: Directory) {
    const { sectorSize, segmentSizeBytes } = facts;
    this.sectorSize = sectorSize;
    this.objects = new DataObjects(Math.floor(maxSlotsOf(segmentSizeBytes, sectorSize) / SMALL_PARTS));
    this.generation = directory.generation;
    this.through = directory.through;
    this.sizeSectors = directory.sizeSectors;
    this.nextPack = directory.nextPack;
    for (const row of directory.data) this.objects.add({ ...row });
    for (const { base, epoch, salt } of directory.salts) this.openings.set(`${base}/${epoch}`, salt);
    const maps = directory.maps.map((row) => ({ ...row }));
    this.regions = new Regions(store, places, { maps, regions: directory.regions });
    this.map = new SectorMap({
      sectorSize,
      maxBytes: maxMapBytes,
      liveness: this.objects,
      load: this.regions.load,
      hasStored: (region) => this.regions.has(region),
      storedRegions: () => this.regions.numbers(),
      pause: clock && pauseOf(clock),
    });
  }

  /** Takes in the changes of the next segment. */
  apply(name: Based<DataName>, { sizeBytes, slots, sealedMs }: Stored, { size, zeroes, data }: SegmentIndex): void {
    const number = numberOf(name.object);
    if (number !== this.through + 1) {
      throw new BlockError('CORRUPT', `segment ${number} does not follow on segment ${this.through}`);
    }
    this.objects.add({ ...name, sizeBytes, slots, live: 0, born: this.generation + 1, dead: 0 });
    if (size !== undefined) {
      this.map.truncate(size.lowestSectors);
      this.sizeSectors = size.sizeSectors;
    }
    for (const { start, count } of zeroes) this.map.apply({ start, count, object: NO_OBJECT, slot: 0 });
    for (const { start, count, slot } of data) this.map.apply({ start, count, object: name.object, slot });
    this.through = number;
    this.throughMs = sealedMs;
  }

  lookup(start: number, count: number): MaybePromise<Run[]> {
    const runs = this.map.lookup(start, count);
    if (Array.isArray(runs)) return runs;
    // Looking alone loads regions without end.
    return runs.finally(() => this.map.trim());
  }
}

/** The state as of a checkpoint; null: of a volume that nothing was written to. */
export async function loadState(
  parts: StateParts,
  root: StateFacts & Pick<LogRoot, 'sizeSectors'>,
  place: CheckpointPlace | null,
): Promise<VolumeState> {
  if (place === null) return new VolumeState(parts, root, { ...NOTHING, sizeSectors: root.sizeSectors });
  const directory = await readDirectory(parts, place);
  const state = new VolumeState(parts, root, directory);
  state.throughMs = place.throughMs;
  return state;
}

/** Reads a directory. One of a base is given as this volume sees it. */
export async function readDirectory(
  { store, places, sealing }: Pick<StateParts, 'store' | 'places' | 'sealing'>,
  place: CheckpointPlace,
): Promise<Directory> {
  const { base } = place;
  sealing.addEpoch(places.volume(base).volumeId, place.epoch, place.opening);
  const row = { generation: place.generation, epoch: place.epoch, part: place.part, base };
  const bytes = await readBlob(store, places, { row, offset: place.offset, lengthBytes: place.lengthBytes });
  const where = store.urlOf(places.mapKey(row));
  const directory = decodeDirectory(bytes, where);
  if (directory.generation !== place.generation || directory.through !== place.through) {
    throw new BlockError('CORRUPT', `${where}: is of another checkpoint`);
  }
  const shifted = <T extends { readonly base: number }>(rows: readonly T[]): T[] =>
    base === 0 ? [...rows] : rows.map((each) => ({ ...each, base: each.base + base }));
  const salts = shifted(directory.salts);
  for (const { base: of, epoch, salt } of salts) sealing.addEpoch(places.volume(of).volumeId, epoch, salt);
  // It was encoded before its own place was known: it goes once a later one takes its place, and no snapshot begins with it.
  const own: MapRow = { ...row, sizeBytes: place.offset + place.lengthBytes, liveBytes: 0, dead: 0 };
  const maps = [...shifted<MapRow>(directory.maps), own];
  return { ...directory, salts, data: shifted<DataRow>(directory.data), maps };
}
