const SLAB_BYTES_MAX = 16 * 2 ** 20;
/** A budget is cut into about this many slabs, so that a smaller budget can give memory back in steps. */
const SLABS_PER_BUDGET = 32;

interface Slab {
  readonly buffer: ArrayBuffer;
  readonly used: Uint8Array;
  usedSlots: number;
}

/**
 * Payload memory: a few large buffers cut into slots of one size. A slab is allocated when its first slot is needed and given
 * back only when the limit is lowered or everything ends, so payload never becomes garbage while the cache works.
 */
export class Slabs {
  readonly slotBytes: number;
  /** A power of two, so that finding a slot takes no division. */
  readonly slotsPerSlab: number;
  readonly #slabShift: number;
  #slabs: (Slab | undefined)[] = [];
  /** Free slots below the limit. */
  #free: number[] = [];
  #slabsMax = 0;

  constructor(slotBytes: number, slotsMax: number) {
    this.slotBytes = slotBytes;
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
    let slabs = 0;
    for (const slab of this.#slabs) if (slab !== undefined) slabs++;
    return slabs * this.slotsPerSlab * this.slotBytes;
  }

  /** Whether slots past the limit are still in use: who owns them has to move or leave. */
  get hasSurplus(): boolean {
    return this.#slabs.length > this.#slabsMax;
  }

  isSurplus(slot: number): boolean {
    return slot >= this.slotsMax;
  }

  /** A free slot, or -1. Its bytes are whatever they were. */
  take(): number {
    if (this.#free.length === 0) this.#allocate();
    const slot = this.#free.pop();
    if (slot === undefined) return -1;
    const slab = this.#slabOf(slot);
    slab.used[slot & (this.slotsPerSlab - 1)] = 1;
    slab.usedSlots++;
    return slot;
  }

  release(slot: number): void {
    const slab = this.#slabOf(slot);
    slab.used[slot & (this.slotsPerSlab - 1)] = 0;
    slab.usedSlots--;
    if (this.isSurplus(slot)) this.#dropSurplus();
    else this.#free.push(slot);
  }

  /** Bytes `from` to `to` of a slot, as a view. */
  view(slot: number, from: number, to: number): Uint8Array {
    const base = (slot & (this.slotsPerSlab - 1)) * this.slotBytes;
    return new Uint8Array(this.#slabOf(slot).buffer, base + from, to - from);
  }

  /** Changes the number of slots, to whole slabs, at least one. Slabs past the limit go when the last of their slots is released. */
  setSlotsMax(slotsMax: number): void {
    this.#slabsMax = Math.max(1, Math.floor(slotsMax / this.slotsPerSlab));
    this.#dropSurplus();
    this.#free = [];
    for (let index = Math.min(this.#slabs.length, this.#slabsMax) - 1; index >= 0; index--) this.#offer(index);
  }

  /** Drops everything at once, whoever uses it. */
  clear(): void {
    this.#slabs = [];
    this.#free = [];
    this.#slabsMax = 0;
  }

  #slabOf(slot: number): Slab {
    const slab = this.#slabs[slot >> this.#slabShift];
    if (slab === undefined) throw new Error(`slot ${slot} must lie in an allocated slab`);
    return slab;
  }

  #allocate(): void {
    for (let index = 0; index < this.#slabsMax; index++) {
      if (this.#slabs[index] !== undefined) continue;
      const buffer = new ArrayBuffer(this.slotsPerSlab * this.slotBytes);
      this.#slabs[index] = { buffer, used: new Uint8Array(this.slotsPerSlab), usedSlots: 0 };
      this.#offer(index);
      return;
    }
  }

  /** Puts the unused slots of a slab on the free list, the lowest on top. */
  #offer(index: number): void {
    const slab = this.#slabs[index];
    if (slab === undefined) return;
    for (let i = this.slotsPerSlab - 1; i >= 0; i--) {
      if (slab.used[i] === 0) this.#free.push(index * this.slotsPerSlab + i);
    }
  }

  #dropSurplus(): void {
    while (this.#slabs.length > this.#slabsMax) {
      const last = this.#slabs.at(-1);
      if (last !== undefined && last.usedSlots > 0) {
        const index = this.#slabs.findIndex((slab, at) => at >= this.#slabsMax && slab?.usedSlots === 0);
        if (index < 0) return;
        this.#slabs[index] = undefined;
        continue;
      }
      this.#slabs.pop();
    }
  }
}
