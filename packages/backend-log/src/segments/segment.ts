import { IntervalSet, invariant } from '@blockyard/block';
import type { BufferCursor } from '@blockyard/block/async';
import type { DataName } from '../format/keys.js';
import { TRAILER_BYTES } from '../format/sealing.js';
import {
  type DataExtent,
  HEAD_BYTES,
  type SegmentIndex,
  type SizeChange,
  slotBytesOf,
  slotOffset,
} from '../format/segment.js';

/** What a segment in memory knows of a sector. Undefined: nothing, an earlier one may. */
export type Known = { readonly slot: number } | 'zero' | undefined;

/** Extents without data in one segment: more than that and it is sealed. */
const ZERO_EXTENTS_MAX = 4096;

export interface SegmentFacts {
  readonly name: DataName;
  readonly sectorSize: number;
  /** Slots that it has room for. */
  readonly maxSlots: number;
}

/**
 * A segment in memory: open, while it takes changes; sealed, until it is stored and the map has its changes.
 *
 * It holds the state that its changes lead to, so a sector that is written again takes the place of its earlier copy.
 */
export class Segment {
  readonly name: DataName;
  readonly sectorSize: number;
  /** Room for the head, the slots, and often the tail. */
  readonly buffer: Uint8Array;
  readonly #maxSlots: number;
  readonly #slotOf = new Map<number, number>();
  /** Sectors in the order of their slots; -1 for a slot that is free again. */
  readonly #sectorOf: number[] = [];
  readonly #freeSlots: number[] = [];
  readonly #zeroes = new IntervalSet();
  #size: SizeChange | undefined;
  #hasSize = false;

  constructor({ name, sectorSize, maxSlots }: SegmentFacts, buffer: Uint8Array) {
    this.name = name;
    this.sectorSize = sectorSize;
    this.#maxSlots = maxSlots;
    this.buffer = buffer;
  }

  get isEmpty(): boolean {
    return this.#slotOf.size === 0 && this.#zeroes.size === 0 && !this.#hasSize;
  }

  get isFull(): boolean {
    return this.#slotsLeft === 0 || this.#zeroes.size >= ZERO_EXTENTS_MAX;
  }

  /** Slots in use or free again: as many as the stored object has. */
  get slots(): number {
    return this.#sectorOf.length;
  }

  get dataSectors(): number {
    return this.#slotOf.size;
  }

  /** Bytes of the head and the slots. */
  get bodyBytes(): number {
    return HEAD_BYTES + this.slots * slotBytesOf(this.sectorSize);
  }

  get #slotsLeft(): number {
    return this.#maxSlots - this.#sectorOf.length + this.#freeSlots.length;
  }

  /** Takes sectors from `start` on from the cursor, as many as there is room for. Returns how many. */
  write(start: number, source: BufferCursor): number {
    const { sectorSize } = this;
    let sector = start;
    while (source.leftBytes > 0) {
      let slot = this.#slotOf.get(sector);
      if (slot === undefined) {
        if (this.#slotsLeft === 0) break;
        slot = this.#take(sector);
      }
      let offset = slotOffset(slot, sectorSize);
      for (const view of source.peek(sectorSize)) {
        this.buffer.set(view, offset);
        offset += view.byteLength;
      }
      source.advance(sectorSize);
      sector++;
    }
    const count = sector - start;
    if (count > 0 && this.#zeroes.size > 0) this.#zeroes.remove(start, start + count);
    return count;
  }

  /** The range reads as zeroes. */
  zero(start: number, count: number): void {
    this.#drop(start, start + count);
    this.#zeroes.add(start, start + count);
  }

  resize(sizeSectors: number, lowestSectors: number): void {
    this.#drop(lowestSectors, Number.MAX_SAFE_INTEGER);
    this.#zeroes.truncate(lowestSectors);
    const lowest = Math.min(lowestSectors, this.#size?.lowestSectors ?? lowestSectors);
    this.#size = { lowestSectors: lowest, sizeSectors };
    this.#hasSize = true;
  }

  find(sector: number): Known {
    const slot = this.#slotOf.get(sector);
    if (slot !== undefined) return { slot };
    if (this.#size !== undefined && sector >= this.#size.lowestSectors) return 'zero';
    return this.#zeroes.size > 0 && this.#zeroes.has(sector) ? 'zero' : undefined;
  }

  /** Whether it may know something of the range. Cheap, and often false. */
  mayKnow(start: number, count: number): boolean {
    if (this.#size !== undefined && start + count > this.#size.lowestSectors) return true;
    if (this.#slotOf.size > 0) return true;
    return this.#zeroes.size > 0 && this.#zeroes.intersects(start, start + count);
  }

  /** The bytes of a slot: a view. */
  sectorAt(slot: number): Uint8Array {
    const offset = slotOffset(slot, this.sectorSize);
    return this.buffer.subarray(offset, offset + this.sectorSize);
  }

  trailerAt(slot: number): Uint8Array {
    const offset = slotOffset(slot, this.sectorSize) + this.sectorSize;
    return this.buffer.subarray(offset, offset + TRAILER_BYTES);
  }

  /** The sector of each slot, or -1. */
  get sectorsBySlot(): readonly number[] {
    return this.#sectorOf;
  }

  index(): SegmentIndex {
    const zeroes = Array.from(this.#zeroes, ({ start, end }) => ({ start, count: end - start }));
    return { size: this.#size, zeroes, data: this.#dataExtents() };
  }

  #dataExtents(): DataExtent[] {
    const sectors = Float64Array.from(this.#slotOf.keys()).sort();
    const extents: DataExtent[] = [];
    let last: { start: number; count: number; slot: number } | undefined;
    for (const sector of sectors) {
      const slot = this.#slotOf.get(sector);
      invariant(slot !== undefined, 'a sector of a segment has a slot');
      if (last !== undefined && sector === last.start + last.count && slot === last.slot + last.count) {
        last.count++;
      } else {
        last = { start: sector, count: 1, slot };
        extents.push(last);
      }
    }
    return extents;
  }

  #take(sector: number): number {
    const slot = this.#freeSlots.pop() ?? this.#sectorOf.length;
    this.#sectorOf[slot] = sector;
    this.#slotOf.set(sector, slot);
    return slot;
  }

  #drop(start: number, end: number): void {
    if (end - start < this.#slotOf.size) {
      for (let sector = start; sector < end; sector++) this.#free(sector);
      return;
    }
    for (const sector of this.#slotOf.keys()) if (sector >= start && sector < end) this.#free(sector);
  }

  #free(sector: number): void {
    const slot = this.#slotOf.get(sector);
    if (slot === undefined) return;
    this.#slotOf.delete(sector);
    this.#sectorOf[slot] = -1;
    this.#freeSlots.push(slot);
  }
}
