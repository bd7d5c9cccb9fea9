import { BlockError, isBlockError } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import { systemVolumeClock, type VolumeClock } from '@blockyard/volume-root';
import { type DataName, NO_OBJECT, parseDataKey, parseMapKey } from '../format/keys.js';
import type { DataRow } from '../format/rows.js';
import type { DataExtent } from '../format/segment.js';
import { fetchesOf, fetchSlots } from '../objects/data-reader.js';
import { ObjectGone } from '../objects/object-gone.js';
import type { Based } from '../objects/places.js';
import { replay } from '../recovery/replay.js';
import { loadState, type VolumeState } from '../state/volume-state.js';
import { checkPlaceOptions, type LogPlace } from '../volume/options.js';
import { Patience } from '../volume/patience.js';
import { findAgain } from '../volume/still-current.js';
import { type FoundVolume, findVolume } from '../volume/volume-place.js';
import { stateOfSnapshot } from './snapshots.js';

/** What a check of a volume found. */
export interface CheckReport {
  /** Objects that were read in full, and their bytes. */
  readonly objects: number;
  readonly bytes: number;
  /** What is not as it must be. Empty: the volume and its snapshots are whole. */
  readonly problems: readonly Problem[];
  /** Objects that nothing refers to. The writer deletes them once they are a day old. */
  readonly orphans: readonly Orphan[];
}

/** An object that is not as it must be, and why. */
export interface Problem {
  /** URL of the object. */
  readonly url: string;
  readonly error: BlockError;
}

/** An object that nothing refers to. */
export interface Orphan {
  readonly key: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970 by the store's clock, `NaN` if it does not say. */
  readonly modifiedMs: number;
}

/** How many objects a check has read so far, and their bytes. */
export interface CheckProgress {
  readonly objects: number;
  readonly bytes: number;
}

/** Options of {@link checkLogVolume}. */
export interface CheckOptions {
  readonly onProgress?: (progress: CheckProgress) => void;
  /** Default: the system's. */
  readonly clock?: VolumeClock;
}

const MAP_BYTES = 64 << 20;
const CONCURRENCY = 8;

/**
 * Reads everything that a volume and its snapshots refer to, beside a process that may have it open, and checks it: the
 * directories, the map, every sector of every object.
 *
 * What the writer deletes meanwhile, since a newer checkpoint does not need it, is no problem: where something is not as it must be,
 * and the root has changed, that is looked at once more as the root is by then. What was found whole is not read again.
 */
export async function checkLogVolume(
  options: LogPlace,
  { onProgress = () => {}, clock = systemVolumeClock }: CheckOptions = {},
): Promise<CheckReport> {
  const place = checkPlaceOptions(options);
  const check = new VolumeCheck(place, await findVolume(place), onProgress);
  return check.run(clock);
}

class VolumeCheck {
  readonly #place: LogPlace;
  #volume: FoundVolume;
  readonly #onProgress: (progress: CheckProgress) => void;
  #problems: Problem[] = [];
  /** Keys of all that is referred to. */
  readonly #known = new Set<string>();
  /** Of objects of data that were read in full. */
  readonly #whole = new Set<string>();
  /** Of those that could not be, or have not been yet. */
  readonly #damaged = new Set<string>();
  #objects = 0;
  #bytes = 0;

  constructor(place: LogPlace, volume: FoundVolume, onProgress: (progress: CheckProgress) => void) {
    this.#place = place;
    this.#volume = volume;
    this.#onProgress = onProgress;
  }

  async run(clock: VolumeClock): Promise<CheckReport> {
    // Before all else: what comes later is not taken for an orphan.
    const listed = await this.#list();
    const patience = new Patience(clock);
    await this.#checkAll();
    while (this.#problems.length > 0) {
      const next = await findAgain(this.#volume, this.#place);
      const isSame = next.found.root.changeId === this.#volume.found.root.changeId;
      if (isSame || !(await patience.isLeft())) break;
      this.#volume = next;
      this.#problems = [];
      this.#damaged.clear();
      await this.#checkAll();
    }
    const orphans = listed.filter(({ key }) => !this.#known.has(key) && this.#isSettled(key));
    return { objects: this.#objects, bytes: this.#bytes, problems: this.#problems, orphans };
  }

  /** All that the root refers to, but for objects that were found whole. */
  async #checkAll(): Promise<void> {
    const { root } = this.#volume.found;
    await this.#attempt('the volume', async () => {
      const { store, places, sealing, replayParts } = this.#volume;
      const state = await loadState({ store, places, sealing, maxMapBytes: MAP_BYTES }, root, root.checkpoint);
      await replay(replayParts, state, root.epochs);
      await this.#checkState(state);
    });
    for (const entry of root.snapshots) {
      await this.#attempt(`snapshot ${entry.name}`, async () => {
        await this.#checkState(await stateOfSnapshot(this.#volume, entry, { maxMapBytes: MAP_BYTES }));
      });
    }
  }

  async #list(): Promise<Orphan[]> {
    const { store, prefix } = this.#volume;
    const found: Orphan[] = [];
    for await (const objects of store.list(`${prefix}/`, { reaches: this.#volume.place.key })) {
      for (const { key, sizeBytes, modifiedMs } of objects) {
        const isOurs = parseDataKey(prefix, key) !== undefined || parseMapKey(prefix, key) !== undefined;
        if (isOurs) found.push({ key, sizeBytes, modifiedMs });
      }
    }
    return found;
  }

  /** Whether what the key names cannot be about to be referred to: it is of an earlier epoch. */
  #isSettled(key: string): boolean {
    const { prefix, found } = this.#volume;
    const { epoch } = parseDataKey(prefix, key) ?? parseMapKey(prefix, key) ?? { epoch: 0 };
    return epoch < found.root.writerEpoch || found.root.holder === null;
  }

  async #checkState(state: VolumeState): Promise<void> {
    const { store, places } = this.#volume;
    await this.#checkMap(state);
    for (const row of state.regions.rows) this.#known.add(places.mapKey(row));
    const reached = [...state.objects].filter((row) => row.dead === 0);
    for (const row of state.objects) if (row.dead !== 0) this.#known.add(places.dataKey(row));
    await forEachParallel(reached, { maxConcurrency: CONCURRENCY }, async (row) => {
      const key = places.dataKey(row);
      this.#known.add(key);
      if (this.#whole.has(key) || this.#damaged.has(key)) return;
      this.#damaged.add(key);
      await this.#attempt(store.urlOf(key), async () => {
        await this.#checkObject(row);
        this.#damaged.delete(key);
        this.#whole.add(key);
      });
      this.#objects++;
      this.#bytes += row.sizeBytes;
      this.#onProgress({ objects: this.#objects, bytes: this.#bytes });
    });
  }

  /** The map can be read, and points to slots that there are. */
  async #checkMap(state: VolumeState): Promise<void> {
    const { store, prefix } = this.#volume;
    const { map, objects } = state;
    await map.settlePending(CONCURRENCY);
    const live = new Map<number, number>();
    for (const region of [...state.regions.numbers()]) {
      const start = region * map.regionSectors;
      const url = `${store.urlOf(prefix)}, map of sectors ${start} to ${start + map.regionSectors - 1}`;
      await this.#attempt(url, async () => {
        for (const { object, slot, count } of await map.lookup(start, map.regionSectors)) {
          if (object === NO_OBJECT) continue;
          live.set(object, (live.get(object) ?? 0) + count);
          const row = objects.get(object);
          if (row !== undefined && row.dead === 0 && slot + count <= row.slots) continue;
          throw new BlockError('CORRUPT', `points to slot ${slot} of object ${object}, which is not there`);
        }
        map.trim();
      });
    }
    for (const row of objects) {
      const found = live.get(row.object) ?? 0;
      if (found <= row.live || this.#problems.length > 0) continue;
      const error = new BlockError('CORRUPT', `the directory has ${row.live} live sectors, and the map ${found}`);
      this.#problems.push({ url: store.urlOf(this.#volume.places.dataKey(row)), error });
    }
  }

  async #checkObject(row: DataRow): Promise<void> {
    const { store, places, reader, found } = this.#volume;
    const { sectorSize } = found.root;
    const head = await reader.head(row);
    if (head === undefined) throw new ObjectGone(store.urlOf(places.dataKey(row)));
    const { index } = await reader.index(row, row.sizeBytes);
    for (const part of fetchesOfAll(row, index.data, sectorSize)) await fetchSlots(store, places, part, sectorSize);
  }

  async #attempt(url: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      // What the store fails with is no answer.
      if (!isBlockError(error, 'CORRUPT')) throw error;
      this.#problems.push({ url, error });
    }
  }
}

/** Requests for all sectors of an object. */
function fetchesOfAll(name: Based<DataName>, extents: readonly DataExtent[], sectorSize: number) {
  const runs = extents.flatMap(({ start, count, slot }) =>
    Array.from({ length: count }, (_, at) => ({
      start: start + at,
      count: 1,
      slot: slot + at,
      targets: [new Uint8Array(sectorSize)],
    })),
  );
  return fetchesOf(name, runs, sectorSize);
}
