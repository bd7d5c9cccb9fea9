/** Slots of a new shard, and by how many it grows at least. */
const MIN_SLOTS = 16;
/** Slots in use at most, and by how much a shard grows: so that 11 bytes a slot are 12.6 to 13.4 an entry. */
const MAX_LOAD = 0.875;
const GROWTH = 1.0625;
const HASH_BITS = 2 ** 24;

/** No record begins here: it is the superblock. */
const EMPTY = 0;

/**
 * A hash table of packed arrays, 11 bytes a slot, with linear probing: several entries may have one hash. Slots move when others
 * are added or removed: their numbers are good until then.
 */
export class Shard {
  #hashes = new Uint32Array(MIN_SLOTS);
  #units = new Uint32Array(MIN_SLOTS);
  #firstSteps = new Uint8Array(MIN_SLOTS);
  #lastSteps = new Uint8Array(MIN_SLOTS);
  #uses = new Uint8Array(MIN_SLOTS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get memoryBytes(): number {
    return this.#hashes.length * 11;
  }

  /** The next slot with this hash, after `slot`; the first if that is left out. -1: there is no other. */
  next(hash: number, slot = -1): number {
    const slots = this.#units.length;
    let at = slot === -1 ? this.#homeOf(hash) : (slot + 1) % slots;
    for (; this.#units[at] !== EMPTY; at = at + 1 === slots ? 0 : at + 1) if (this.#hashes[at] === hash) return at;
    return -1;
  }

  unitAt(slot: number): number {
    return this.#units[slot] ?? EMPTY;
  }

  hashAt(slot: number): number {
    return this.#hashes[slot] ?? 0;
  }

  firstStepAt(slot: number): number {
    return this.#firstSteps[slot] ?? 0;
  }

  lastStepAt(slot: number): number {
    return this.#lastSteps[slot] ?? 0;
  }

  usesAt(slot: number): number {
    return this.#uses[slot] ?? 0;
  }

  setUses(slot: number, uses: number): void {
    this.#uses[slot] = uses;
  }

  add(hash: number, unit: number, firstStep: number, lastStep: number, uses: number): void {
    if (this.#count + 1 > this.#units.length * MAX_LOAD)
      this.#resize(Math.max(Math.ceil(this.#units.length * GROWTH), this.#units.length + MIN_SLOTS));
    this.#insert(hash, unit, firstStep, lastStep, uses);
    this.#count++;
  }

  /** Empties a slot, and moves those up that were displaced by it. */
  remove(slot: number): void {
    const slots = this.#units.length;
    let hole = slot;
    for (let at = (slot + 1) % slots; this.#units[at] !== EMPTY; at = (at + 1) % slots) {
      const home = this.#homeOf(this.hashAt(at));
      // Its home lies behind the hole, so that it is found where it is.
      if (hole <= at ? home > hole && home <= at : home > hole || home <= at) continue;
      this.#move(at, hole);
      hole = at;
    }
    this.#units[hole] = EMPTY;
    this.#count--;
  }

  /** Calls `visit` with each slot whose record begins in these units. */
  visit(fromUnit: number, endUnit: number, visit: (slot: number) => void): void {
    const units = this.#units;
    for (let slot = 0; slot < units.length; slot++) {
      const unit = units[slot] ?? EMPTY;
      if (unit >= fromUnit && unit < endUnit) visit(slot);
    }
  }

  #homeOf(hash: number): number {
    return Math.floor(((hash % HASH_BITS) * this.#units.length) / HASH_BITS);
  }

  #insert(hash: number, unit: number, firstStep: number, lastStep: number, uses: number): void {
    const slots = this.#units.length;
    let at = this.#homeOf(hash);
    while (this.#units[at] !== EMPTY) at = at + 1 === slots ? 0 : at + 1;
    this.#hashes[at] = hash;
    this.#units[at] = unit;
    this.#firstSteps[at] = firstStep;
    this.#lastSteps[at] = lastStep;
    this.#uses[at] = uses;
  }

  #move(from: number, to: number): void {
    this.#hashes[to] = this.hashAt(from);
    this.#units[to] = this.unitAt(from);
    this.#firstSteps[to] = this.firstStepAt(from);
    this.#lastSteps[to] = this.lastStepAt(from);
    this.#uses[to] = this.usesAt(from);
  }

  /** Makes room for so many in all, and some more, at once: to grow step by step takes longer. */
  reserve(count: number): void {
    if (count > this.#units.length * MAX_LOAD) this.#resize(Math.ceil((count * GROWTH) / MAX_LOAD));
  }

  /** Gives back what was reserved and not needed. */
  fit(): void {
    const slots = Math.max(MIN_SLOTS, Math.ceil(this.#count / MAX_LOAD));
    if (this.#units.length > slots * GROWTH * GROWTH) this.#resize(slots);
  }

  #resize(slots: number): void {
    const [hashes, units, firstSteps, lastSteps, uses] = [
      this.#hashes,
      this.#units,
      this.#firstSteps,
      this.#lastSteps,
      this.#uses,
    ];
    this.#hashes = new Uint32Array(slots);
    this.#units = new Uint32Array(slots);
    this.#firstSteps = new Uint8Array(slots);
    this.#lastSteps = new Uint8Array(slots);
    this.#uses = new Uint8Array(slots);
    for (let at = 0; at < units.length; at++) {
      const unit = units[at] ?? EMPTY;
      if (unit === EMPTY) continue;
      this.#insert(hashes[at] ?? 0, unit, firstSteps[at] ?? 0, lastSteps[at] ?? 0, uses[at] ?? 0);
    }
  }
}
