import { invariant } from '@blockyard/block';
import type { ObjectId } from '../format/keys.js';
import type { DataRow } from '../format/rows.js';
import { ByShare } from './by-share.js';

/** The objects that hold the volume's data, and how much of each the map reaches. */
export class DataObjects {
  readonly #smallSlots: number;
  readonly #rows = new Map<ObjectId, DataRow>();
  readonly #byShare = new ByShare<DataRow>();
  #sizeBytes = 0;
  #slots = 0;
  #live = 0;
  #capacityInUse = 0;
  #shared = 0;
  #sharedBytes = 0;

  /** An object of fewer slots than `smallSlots` counts as one of so many, since requests and rows cost as well as bytes. */
  constructor(smallSlots: number) {
    this.#smallSlots = smallSlots;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Objects of this volume. */
  get own(): number {
    return this.#rows.size - this.#shared;
  }

  /** Bytes of all objects of other volumes. */
  get sharedBytes(): number {
    return this.#sharedBytes;
  }

  /** Bytes of all objects of this volume. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Slots of all objects of this volume. */
  get slots(): number {
    return this.#slots;
  }

  /** Sectors of this volume's own objects that the map reaches. */
  get live(): number {
    return this.#live;
  }

  /** What an object counts as, in slots. */
  capacityOf({ slots }: Pick<DataRow, 'slots'>): number {
    return Math.max(slots, this.#smallSlots);
  }

  /** Share of this volume's objects that the map reaches, of those of which it reaches anything. 1 if there are none. */
  get aliveShare(): number {
    return this.#capacityInUse === 0 ? 1 : this.#live / this.#capacityInUse;
  }

  get(object: ObjectId): DataRow | undefined {
    return this.#rows.get(object);
  }

  /** The row of an object that the map has. */
  existing(object: ObjectId): DataRow {
    const row = this.#rows.get(object);
    invariant(row !== undefined, 'an object that the map reaches has a row');
    return row;
  }

  add(row: DataRow): void {
    invariant(!this.#rows.has(row.object), 'an object is added once');
    this.#rows.set(row.object, row);
    this.#count(row, 1);
  }

  remove(object: ObjectId): void {
    const row = this.#rows.get(object);
    if (row === undefined) return;
    this.#rows.delete(object);
    this.#count(row, -1);
  }

  /** This volume's objects of which the map reaches something and not everything, those of the least share first, roughly. */
  emptiest(): Iterable<DataRow> {
    return this.#byShare;
  }

  gained(object: ObjectId, sectors: number): void {
    this.#setLive(this.existing(object), sectors);
  }

  dropped(object: ObjectId, sectors: number): void {
    const row = this.existing(object);
    invariant(row.live >= sectors, 'an object loses no more live sectors than it has');
    this.#setLive(row, -sectors);
  }

  [Symbol.iterator](): IterableIterator<DataRow> {
    return this.#rows.values();
  }

  #setLive(row: DataRow, change: number): void {
    if (row.base !== 0) {
      row.live += change;
      return;
    }
    const capacity = this.capacityOf(row);
    const before = row.live;
    row.live += change;
    this.#live += change;
    if (before === 0) this.#capacityInUse += capacity;
    if (row.live === 0) this.#capacityInUse -= capacity;
    this.#byShare.move(row, before / capacity, row.live / capacity);
  }

  #count(row: DataRow, sign: 1 | -1): void {
    if (row.base !== 0) {
      this.#shared += sign;
      this.#sharedBytes += sign * row.sizeBytes;
      return;
    }
    const share = row.live / this.capacityOf(row);
    this.#byShare.move(row, sign === 1 ? 0 : share, sign === 1 ? share : 0);
    this.#sizeBytes += sign * row.sizeBytes;
    this.#slots += sign * row.slots;
    this.#live += sign * row.live;
    if (row.live > 0) this.#capacityInUse += sign * this.capacityOf(row);
  }
}
