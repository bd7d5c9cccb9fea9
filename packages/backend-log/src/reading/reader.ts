import { type Extent, type Fragment, IntervalSet, type MaybePromise } from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import { NO_OBJECT, type ObjectId } from '../format/keys.js';
import type { Run } from '../map/run.js';
import type { SlotRun } from '../objects/data-reader.js';
import type { Places } from '../objects/places.js';
import type { Segment } from '../segments/segment.js';
import type { VolumeState } from '../state/volume-state.js';
import { fragmentsOf } from './fragments.js';
import type { Readers } from './readers.js';
import { RecentReads } from './recent-reads.js';
import { type ObjectRuns, SharedRequests } from './shared-requests.js';

export interface ReaderParts {
  readonly store: Pick<ObjectStore, 'get' | 'urlOf'>;
  readonly places: Places;
  readonly state: VolumeState;
  readonly readers: Readers;
  /** Segments whose changes the state does not have, the newest first. */
  readonly unapplied: () => Iterable<Segment>;
  /** Requests of one read that are in flight at once. */
  readonly maxConcurrency: number;
}

/** A run of sectors that no segment in memory knows, with a buffer for each. */
interface Missing {
  readonly start: number;
  readonly targets: Uint8Array[];
}

/** Reads a volume: from segments in memory, then from the objects that the map points to. */
export class Reader {
  readonly #parts: ReaderParts;
  readonly #requests: SharedRequests;
  readonly #recent: RecentReads;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#requests = new SharedRequests({ ...parts, sectorSize: parts.state.sectorSize });
    this.#recent = new RecentReads(parts.state.sectorSize);
  }

  /** Fills the buffers, each of whole sectors. */
  read(start: number, buffers: readonly Uint8Array[]): MaybePromise<void> {
    const { state } = this.#parts;
    const targets = sectorsOf(buffers, state.sectorSize);
    this.#recent.note(start, targets.length);
    const missing = this.#fromMemory(start, targets);
    if (missing.length === 0) return undefined;
    // From before the map is looked at: nothing that it points to is deleted meanwhile.
    const leave = this.#parts.readers.enter();
    const wanted = this.#lookUp(missing);
    if (Array.isArray(wanted) && wanted.length === 0) return leave();
    return this.#fetch(wanted).finally(leave);
  }

  async extents(start: number, count: number): Promise<Extent[]> {
    const { state, unapplied } = this.#parts;
    // From before the map is looked at, which may take its time: each sector is told as it is at some moment of this call.
    const changes = Array.from(unapplied(), (segment) => segment.index()).reverse();
    const data = new IntervalSet();
    for (const run of await state.lookup(start, count)) {
      if (run.object !== NO_OBJECT) data.add(run.start, run.start + run.count);
    }
    for (const { size, zeroes, data: written } of changes) {
      if (size !== undefined) data.truncate(size.lowestSectors);
      for (const zero of zeroes) data.remove(zero.start, zero.start + zero.count);
      for (const extent of written) data.add(extent.start, extent.start + extent.count);
    }
    return Array.from(data.runs(start, start + count), ({ start: from, end, inside }) => ({
      start: from,
      count: end - from,
      type: inside ? 'data' : 'zero',
    }));
  }

  /**
   * Nothing is told near what was read lately: such readers ask for what lies around next, and have it sooner where all requests
   * for it are made at once. Who reads at random has no use of it.
   */
  fragments(start: number, count: number): Fragment[] | undefined {
    if (this.#recent.isNear(start, count)) return undefined;
    return fragmentsOf(this.#parts.state, this.#parts.unapplied(), start, count);
  }

  /** Fills what segments in memory know, and gives the rest. */
  #fromMemory(start: number, targets: readonly Uint8Array[]): Missing[] {
    const segments = [...this.#parts.unapplied()].filter((segment) => segment.mayKnow(start, targets.length));
    if (segments.length === 0) return [{ start, targets: [...targets] }];
    const missing: Missing[] = [];
    targets.forEach((target, index) => {
      const sector = start + index;
      for (const segment of segments) {
        const known = segment.find(sector);
        if (known === undefined) continue;
        if (known === 'zero') target.fill(0);
        else target.set(segment.sectorAt(known.slot));
        return;
      }
      const last = missing.at(-1);
      if (last !== undefined && last.start + last.targets.length === sector) last.targets.push(target);
      else missing.push({ start: sector, targets: [target] });
    });
    return missing;
  }

  #lookUp(missing: readonly Missing[]): MaybePromise<ObjectRuns[]> {
    const { state } = this.#parts;
    const runs = missing.map(({ start, targets }) => state.lookup(start, targets.length));
    if (runs.every((run) => Array.isArray(run))) return this.#byObject(missing, runs);
    return Promise.all(runs).then((found) => {
      // What was loaded for it stays only as far as there is room.
      state.map.trim();
      return this.#byObject(missing, found);
    });
  }

  /** Fills what reads as zeroes, and says what is to be fetched for the rest. */
  #byObject(missing: readonly Missing[], found: readonly Run[][]): ObjectRuns[] {
    const { state } = this.#parts;
    const byObject = new Map<ObjectId, SlotRun[]>();
    missing.forEach(({ start, targets }, index) => {
      for (const { start: from, count, object, slot } of found[index] ?? []) {
        const part = targets.slice(from - start, from - start + count);
        if (object === NO_OBJECT) {
          for (const target of part) target.fill(0);
          continue;
        }
        const runs = byObject.get(object);
        const run = { start: from, count, slot, targets: part };
        if (runs === undefined) byObject.set(object, [run]);
        else runs.push(run);
      }
    });
    return Array.from(byObject, ([object, runs]) => ({ object, name: state.objects.existing(object), runs }));
  }

  async #fetch(wanted: MaybePromise<ObjectRuns[]>): Promise<void> {
    await this.#requests.fetch(await wanted);
  }
}

/** A view of each sector. Each buffer is whole sectors. */
function sectorsOf(buffers: readonly Uint8Array[], sectorSize: number): Uint8Array[] {
  const sectors: Uint8Array[] = [];
  for (const buffer of buffers) {
    for (let offset = 0; offset < buffer.byteLength; offset += sectorSize) {
      sectors.push(buffer.subarray(offset, offset + sectorSize));
    }
  }
  return sectors;
}
