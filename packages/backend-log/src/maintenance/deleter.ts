import { type BlockError, type Clock, isBlockError } from '@blockyard/block';
import { MAX_BATCH_KEYS, type ObjectStore } from '@blockyard/object-store';
import type { RootObject } from '@blockyard/volume-root';
import { numberOf } from '../format/keys.js';
import type { LogRoot, SnapshotEntry } from '../format/root.js';
import type { DataRow, MapRow } from '../format/rows.js';
import type { Places } from '../objects/places.js';
import type { Readers } from '../reading/readers.js';
import type { VolumeState } from '../state/volume-state.js';

export interface DeleterParts {
  readonly store: Pick<ObjectStore, 'delete'>;
  readonly places: Places;
  readonly state: VolumeState;
  readonly root: RootObject<LogRoot>;
  readonly readers: Readers;
  readonly clock: Clock;
  /** From when an object is no longer needed to when it is deleted: others may be reading the volume as it was. */
  readonly deleteDelayMs: number;
}

/** Objects that one checkpoint was the first not to need. */
interface Batch {
  readonly data: readonly DataRow[];
  readonly maps: readonly MapRow[];
  readonly dueMs: number;
}

/**
 * Deletes objects that nothing reaches: not the root that is stored, no snapshot, no read that has begun before. In doubt it
 * leaves them. An object that is to go never comes back into use, so it does not matter how late a request arrives.
 */
export class Deleter {
  readonly #parts: DeleterParts;
  readonly #scheduled = new Set<DataRow | MapRow>();
  #batches: Batch[] = [];
  /** The root that was looked at last: without another checkpoint or other snapshots no more is free. */
  #looked: Partial<Pick<LogRoot, 'snapshots' | 'checkpoint'>> = {};

  constructor(parts: DeleterParts) {
    this.#parts = parts;
  }

  /** Objects that wait to be deleted. */
  get length(): number {
    return this.#scheduled.size;
  }

  /** When the next objects are due, by the clock; undefined if none wait. */
  get dueMs(): number | undefined {
    return this.#batches[0]?.dueMs;
  }

  /** After a checkpoint is stored, or a snapshot was deleted: finds what is no longer needed. */
  schedule(): void {
    const { state, root, clock, deleteDelayMs } = this.#parts;
    const { snapshots, checkpoint } = root.root;
    if (snapshots === this.#looked.snapshots && checkpoint === this.#looked.checkpoint) return;
    this.#looked = { snapshots, checkpoint };
    const generation = checkpoint?.generation ?? 0;
    const isFree = (row: DataRow | MapRow) => row.dead !== 0 && row.dead <= generation && !this.#scheduled.has(row);
    const data = [...state.objects].filter((row) => isFree(row) && !isDataPinned(row, snapshots));
    const maps = [...state.regions.rows].filter((row) => isFree(row) && !isMapPinned(row, snapshots));
    if (data.length + maps.length === 0) return;
    for (const row of [...data, ...maps]) this.#scheduled.add(row);
    this.#batches.push({ data, maps, dueMs: clock.now() + deleteDelayMs });
  }

  /** Finds out which snapshots others have deleted, and what is no longer needed since. */
  async look(): Promise<void> {
    await this.#parts.root.verify();
    this.schedule();
  }

  /** Deletes what is due. Throws what the store fails with; what was not deleted is tried again. */
  async run(): Promise<void> {
    const { readers, clock, root } = this.#parts;
    while ((this.dueMs ?? Number.POSITIVE_INFINITY) <= clock.now()) {
      await readers.drained();
      // A writer that was replaced deletes nothing. Where it is replaced just now, it deletes what its successor does not need.
      await root.verify();
      const batch = this.#batches[0];
      if (batch === undefined) return;
      await this.#delete(batch);
      this.#batches.shift();
    }
  }

  async #delete({ data, maps }: Batch): Promise<void> {
    const { places, state } = this.#parts;
    const rows = [
      ...data.map((row) => ({ row, key: places.dataKey(row), forget: () => state.objects.remove(row.object) })),
      ...maps.map((row) => ({ row, key: places.mapKey(row), forget: () => state.regions.rows.delete(row) })),
    ].filter(({ row }) => this.#scheduled.has(row));
    // What belongs to a base is not ours to delete.
    const own = rows.filter(({ row }) => row.base === 0);
    for (let at = 0; at < own.length; at += MAX_BATCH_KEYS) {
      const part = own.slice(at, at + MAX_BATCH_KEYS);
      const results = await this.#parts.store.delete(part.map(({ key }) => ({ key })));
      let failure: BlockError | undefined;
      part.forEach(({ row, forget }, index) => {
        const result = results[index];
        if (isBlockError(result)) failure = result;
        else this.#forget(row, forget);
      });
      if (failure !== undefined) throw failure;
    }
    for (const { row, forget } of rows) if (row.base !== 0) this.#forget(row, forget);
  }

  #forget(row: DataRow | MapRow, forget: () => unknown): void {
    forget();
    this.#scheduled.delete(row);
  }
}

/** Whether a snapshot needs it: its checkpoint reaches it, or it is one of the segments after that. */
export function isDataPinned({ object, born, dead }: DataRow, snapshots: readonly SnapshotEntry[]): boolean {
  return snapshots.some(({ checkpoint, through }) => {
    const generation = checkpoint?.generation ?? 0;
    if (born <= generation && (dead === 0 || dead > generation)) return true;
    const number = object % 2 === 0 ? numberOf(object) : 0;
    return number > (checkpoint?.through ?? 0) && number <= through;
  });
}

export function isMapPinned({ generation, dead }: MapRow, snapshots: readonly SnapshotEntry[]): boolean {
  return snapshots.some(({ checkpoint }) => {
    const pinned = checkpoint?.generation ?? 0;
    return generation <= pinned && (dead === 0 || dead > pinned);
  });
}
