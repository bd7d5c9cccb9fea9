import { invariant } from '@blockyard/block';
import { NO_SLOT, type Slot } from '../tables/numbers.js';
import { FlagTable } from '../tables/tables.js';

const SLAB_BYTES_MAX = 16 * 2 ** 20;
/** A budget is divided into about this many slabs, so that a smaller budget can give memory back in steps. */
const SLABS_PER_BUDGET = 32;
/** A slab of which more is lent is among the first to go: what stays must be of use to others, whatever borrowers do. */
const LENT_SHARE = 1 / 8;

interface Slab {
  readonly buffer: ArrayBuffer;
  /** By the slot's place in the slab. */
  readonly used: FlagTable<number>;
  usedSlots: number;
  /** Past the limit: it goes when the last of its slots is released. */
  isRetired: boolean;
}

/**
 * Payload memory: a few large buffers divided into slots of one size. A slab is allocated when its first slot is needed and
 * given back only when the limit is lowered or everything ends, so payload never becomes garbage while the cache works.
 */
export class Slabs {
  readonly #slotBytes: number;
  /** A power of two, so that finding a slot takes no division. */
  readonly slotsPerSlab: number;
  readonly #slabShift: number;
  #slabs: (Slab | undefined)[] = [];
  /** Free slots, none of a slab that is past the limit. */
  #free: Slot[] = [];
  #slabsMax = 0;

  constructor(slotBytes: number, slotsMax: number) {
    this.#slotBytes = slotBytes;
    const slabBytes = Math.min(SLAB_BYTES_MAX, (slotsMax * slotBytes) / SLABS_PER_BUDGET);
    this.#slabShift = Math.max(0, Math.floor(Math.log2(slabBytes / slotBytes)));
    this.slotsPerSlab = 1 << this.#slabShift;
    this.setSlotsMax(slotsMax);
  }

  /** Slots that there can be. */
  get slotsMax(): number {
    return this.#slabsMax * this.slotsPerSlab;
  }

  /** Bytes of payload memory allocated now. */
  get byteLength(): number {
    return this.#slabs.filter((slab) => slab !== undefined).length * this.slotsPerSlab * this.#slotBytes;
  }

  /** Whether `take` would find a slot. */
  get hasFree(): boolean {
    return this.#free.length > 0 || this.#keptSlabs < this.#slabsMax;
  }

  /** Whether slots past the limit are still in use: their lines have to move or to leave. */
  get hasSurplus(): boolean {
    return this.#slabs.some((slab) => slab?.isRetired === true);
  }

  /** The slots past the limit that are in use. */
  surplusSlots(): Slot[] {
    const slots: Slot[] = [];
    this.#slabs.forEach((slab, index) => {
      if (slab?.isRetired !== true) return;
      for (let i = 0; i < this.slotsPerSlab; i++) if (slab.used.has(i)) slots.push(this.#slotAt(index, i));
    });
    return slots;
  }

  /** A free slot, or -1. Its bytes are whatever they were. */
  take(): Slot {
    if (this.#free.length === 0) this.#allocate();
    const slot = this.#free.pop();
    if (slot === undefined) return NO_SLOT;
    const slab = this.#slabOf(slot);
    const place = this.#placeOf(slot);
    invariant(!slab.used.has(place), 'a slot must be free to be taken');
    slab.used.add(place);
    slab.usedSlots++;
    return slot;
  }

  release(slot: Slot): void {
    const slab = this.#slabOf(slot);
    const place = this.#placeOf(slot);
    invariant(slab.used.has(place), 'a slot must be taken to be released');
    slab.used.remove(place);
    slab.usedSlots--;
    if (!slab.isRetired) this.#free.push(slot);
    else if (slab.usedSlots === 0) this.#slabs[slot >> this.#slabShift] = undefined;
  }

  /** Bytes `from` to `to` of a slot, as a view. */
  view(slot: Slot, from: number, to: number): Uint8Array {
    invariant(from >= 0 && to <= this.#slotBytes, 'a view must lie in its slot');
    const base = this.#placeOf(slot) * this.#slotBytes;
    return new Uint8Array(this.#slabOf(slot).buffer, base + from, to - from);
  }

  /**
   * Changes the number of slots, to whole slabs, at least one. Slabs past the limit go when the last of their slots is
   * released: those first of which much is lent.
   */
  setSlotsMax(slotsMax: number, isLent: (slot: Slot) => boolean = () => false): void {
    const slabsMax = Math.max(1, Math.floor(slotsMax / this.slotsPerSlab));
    const kept = this.#chooseKept(slabsMax, isLent);
    this.#slabsMax = slabsMax;
    this.#free = [];
    for (let index = this.#slabs.length - 1; index >= 0; index--) {
      const slab = this.#slabs[index];
      if (slab === undefined) continue;
      slab.isRetired = !kept.has(index);
      if (!slab.isRetired) this.#offer(index);
      else if (slab.usedSlots === 0) this.#slabs[index] = undefined;
    }
  }

  /** Drops everything at once, whatever is in use. */
  clear(): void {
    this.#slabs = [];
    this.#free = [];
    this.#slabsMax = 0;
  }

  /** Slabs allocated now that are within the limit. */
  get #keptSlabs(): number {
    return this.#slabs.filter((slab) => slab?.isRetired === false).length;
  }

  #slabOf(slot: Slot): Slab {
    const slab = this.#slabs[slot >> this.#slabShift];
    if (slab === undefined) throw new Error(`slot ${slot} must lie in an allocated slab`);
    return slab;
  }

  #placeOf(slot: Slot): number {
    return slot & (this.slotsPerSlab - 1);
  }

  #slotAt(slab: number, place: number): Slot {
    return (slab * this.slotsPerSlab + place) as Slot;
  }

  #allocate(): void {
    if (this.#keptSlabs >= this.#slabsMax) return;
    // A place is free below the limit, or below what the limit was when more slabs were allocated.
    let index = 0;
    while (this.#slabs[index] !== undefined) index++;
    const buffer = new ArrayBuffer(this.slotsPerSlab * this.#slotBytes);
    this.#slabs[index] = { buffer, used: new FlagTable(this.slotsPerSlab), usedSlots: 0, isRetired: false };
    this.#offer(index);
  }

  /**
   * Places for slabs: as many as the limit has, the least lent ones, among equals those that hold something, and of those the
   * first. Where no more than one slot in eight was lent before, no more is in what stays.
   */
  #chooseKept(slabsMax: number, isLent: (slot: Slot) => boolean): ReadonlySet<number> {
    const places = Array.from({ length: Math.max(slabsMax, this.#slabsMax, this.#slabs.length) }, (_, index) => {
      const isAllocated = this.#slabs[index] !== undefined;
      let lent = 0;
      for (let i = 0; isAllocated && i < this.slotsPerSlab; i++) if (isLent(this.#slotAt(index, i))) lent++;
      const burden = lent > this.slotsPerSlab * LENT_SHARE ? lent : 0;
      return { index, burden, isEmpty: isAllocated ? 0 : 1 };
    });
    places.sort((a, b) => a.burden - b.burden || a.isEmpty - b.isEmpty);
    return new Set(places.slice(0, slabsMax).map(({ index }) => index));
  }

  /** Puts the unused slots of a slab on the free list, the lowest on top. */
  #offer(index: number): void {
    const slab = this.#slabs[index];
    if (slab === undefined) return;
    for (let i = this.slotsPerSlab - 1; i >= 0; i--) {
      if (!slab.used.has(i)) this.#free.push(this.#slotAt(index, i));
    }
  }
}
