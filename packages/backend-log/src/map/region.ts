import { NO_OBJECT, type ObjectId } from '../format/keys.js';
import { PendingRuns } from './pending-runs.js';
import { decodePayloads } from './region-codec.js';
import { RegionLeaves } from './region-leaves.js';
import type { Liveness } from './run.js';
import type { Pause } from './slices.js';

/** What the engine keeps for a region beside the contents of its arrays, roughly. */
const REGION_BYTES = 640;

/**
 * Memory of a region: all of it, that of what is stored nowhere else, and that of changes that wait for it to be loaded.
 */
export interface RegionBytes {
  readonly total: number;
  readonly changed: number;
  readonly pending: number;
}

/** A region of which something is in memory: where its sectors point to, or at least what has changed. */
export class Region {
  readonly number: number;
  readonly sectors: number;
  /** Undefined until it is loaded. */
  leaves: RegionLeaves | undefined;
  /** Changes from before it is loaded. */
  #pending: PendingRuns | undefined;
  loading: Promise<void> | undefined;
  /** Those who need it loaded. */
  pins = 0;
  /** Whether it is being encoded, or was, and it is not known whether that was stored. */
  isEncoded = false;

  constructor(number: number, sectors: number) {
    this.number = number;
    this.sectors = sectors;
  }

  get bytes(): RegionBytes {
    const pending = this.#pending?.byteLength ?? 0;
    const total = REGION_BYTES + (this.leaves?.byteLength ?? 0) + pending;
    return { total, changed: this.isChanged ? total : 0, pending };
  }

  get hasPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Whether it holds what is stored nowhere else. */
  get isChanged(): boolean {
    return this.leaves === undefined ? this.hasPending : this.leaves.isChanged || this.isEncoded;
  }

  /** Whether it is loaded and can be loaded again. */
  get canBeDropped(): boolean {
    return this.leaves !== undefined && !this.isChanged && this.pins === 0;
  }

  /** Whether there is nothing in it, and no one waits for it. */
  get isIdle(): boolean {
    return this.leaves === undefined && !this.hasPending && this.loading === undefined && this.pins === 0;
  }

  /** Points sectors, counted from the region's first, to slots or nowhere, now or when it is loaded. */
  apply(start: number, count: number, object: ObjectId, slot: number, liveness: Liveness): void {
    if (this.leaves === undefined) {
      this.#pending ??= new PendingRuns(this.sectors);
      this.#pending.push(start, count, object, slot);
      return;
    }
    // In this order, so that what an object loses to itself never leaves it with less than it has.
    if (object !== NO_OBJECT) liveness.gained(object, count);
    this.leaves.replace(start, count, object, slot, liveness);
  }

  /** Takes in what is stored of the region, and then what has changed. Rejects with `CORRUPT`, and nothing is different. */
  async install(payloads: readonly Uint8Array[], liveness: Liveness, pause: Pause): Promise<void> {
    const leaves = new RegionLeaves(this.sectors);
    await decodePayloads(payloads, leaves, `region ${this.number} of the map`, pause);
    this.leaves = leaves;
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.replay((start, count, object, slot) => this.apply(start, count, object, slot, liveness));
  }
}
