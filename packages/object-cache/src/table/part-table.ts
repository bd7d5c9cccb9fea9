import { BLOCKS_PER_PART, STEPS_PER_PART } from '../format/layout.js';
import type { ObjectWords } from '../identity/scopes.js';
import { hashOf } from './hash.js';
import { Shard } from './shard.js';

/** Growing one of so many takes little time. */
const SHARDS = 256;
/** Uses are counted up to here. */
export const MAX_USES = 3;
/** Ranges that begin in one block of a part: one more displaces the one that is found first. */
const MAX_RANGES_PER_BLOCK = 16;

/** A range that may be on the medium: only the head of its record tells for sure. */
export interface Found {
  readonly hash: number;
  readonly part: number;
  /** Where its record begins, in units of 512 bytes of the medium. */
  readonly unit: number;
  readonly firstStep: number;
  readonly lastStep: number;
}

/** A range of a part that is on the medium now. */
export interface NewEntry {
  readonly part: number;
  readonly firstStep: number;
  readonly lastStep: number;
  readonly uses: number;
}

/** An entry without its part, which is not kept in memory. */
export type Occupant = Omit<Found, 'part'> & { readonly uses: number };

/** Which ranges are where on the medium. It knows objects by 32 bits of a hash, so it may be wrong about them. */
export class PartTable {
  readonly #shards = Array.from({ length: SHARDS }, () => new Shard());
  #lastPart = -1;
  #count = 0;

  /** Ranges. */
  get count(): number {
    return this.#count;
  }

  get memoryBytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.memoryBytes, 0);
  }

  /** The highest number of a part that there ever was. */
  get lastPart(): number {
    return this.#lastPart;
  }

  /** About so many ranges will be there. */
  reserve(count: number): void {
    for (const shard of this.#shards) shard.reserve(count / SHARDS);
  }

  /** Gives back what was reserved and not needed. */
  fit(): void {
    for (const shard of this.#shards) shard.fit();
  }

  /** @param unit where its record begins, in units of 512 bytes of the medium */
  add(object: ObjectWords, range: NewEntry, unit: number): void {
    const { part, firstStep, lastStep, uses } = range;
    const hash = hashOf(object.word0, object.word1, part * BLOCKS_PER_PART + blockOf(firstStep));
    const shard = this.#shardOf(hash);
    this.#makeRoom(shard, hash);
    shard.add(hash, unit, firstStep, lastStep, uses);
    this.#lastPart = Math.max(this.#lastPart, part);
    this.#count++;
  }

  /** Ranges of the part that may have anything in these steps. */
  find({ word0, word1 }: ObjectWords, part: number, firstStep: number, lastStep: number): Found[] {
    const found: Found[] = [];
    for (let block = 0; block <= blockOf(lastStep); block++) {
      const hash = hashOf(word0, word1, part * BLOCKS_PER_PART + block);
      const shard = this.#shardOf(hash);
      for (let slot = shard.next(hash); slot !== -1; slot = shard.next(hash, slot)) {
        const range = { firstStep: shard.firstStepAt(slot), lastStep: shard.lastStepAt(slot) };
        if (range.firstStep > lastStep || range.lastStep < firstStep) continue;
        found.push({ hash, part, unit: shard.unitAt(slot), ...range });
      }
    }
    return found;
  }

  /** The entry of a record is still there. */
  has(hash: number, unit: number): boolean {
    return this.#slotOf(hash, unit) !== -1;
  }

  usesOf(hash: number, unit: number): number {
    const slot = this.#slotOf(hash, unit);
    return slot === -1 ? 0 : this.#shardOf(hash).usesAt(slot);
  }

  /** It was read. */
  touch(hash: number, unit: number): void {
    const slot = this.#slotOf(hash, unit);
    const shard = this.#shardOf(hash);
    if (slot !== -1) shard.setUses(slot, Math.min(MAX_USES, shard.usesAt(slot) + 1));
  }

  remove(hash: number, unit: number): void {
    const slot = this.#slotOf(hash, unit);
    if (slot === -1) return;
    this.#shardOf(hash).remove(slot);
    this.#count--;
  }

  /** Removes everything of an object. */
  forget(object: ObjectWords): void {
    for (let part = 0; part <= this.#lastPart; part++) {
      for (const { hash, unit } of this.find(object, part, 0, STEPS_PER_PART - 1)) this.remove(hash, unit);
    }
  }

  /** Everything whose record begins in these units, in the order of the medium. */
  within(fromUnit: number, endUnit: number): Occupant[] {
    const found: Occupant[] = [];
    for (const shard of this.#shards) {
      shard.visit(fromUnit, endUnit, (slot) =>
        found.push({
          hash: shard.hashAt(slot),
          unit: shard.unitAt(slot),
          firstStep: shard.firstStepAt(slot),
          lastStep: shard.lastStepAt(slot),
          uses: shard.usesAt(slot),
        }),
      );
    }
    return found.sort((a, b) => a.unit - b.unit);
  }

  #makeRoom(shard: Shard, hash: number): void {
    let ranges = 0;
    const first = shard.next(hash);
    for (let slot = first; slot !== -1; slot = shard.next(hash, slot)) ranges++;
    if (ranges < MAX_RANGES_PER_BLOCK) return;
    shard.remove(first);
    this.#count--;
  }

  #slotOf(hash: number, unit: number): number {
    const shard = this.#shardOf(hash);
    let slot = shard.next(hash);
    while (slot !== -1 && shard.unitAt(slot) !== unit) slot = shard.next(hash, slot);
    return slot;
  }

  #shardOf(hash: number): Shard {
    // There are as many as the first eight bits have values.
    return this.#shards[hash >>> 24] as Shard;
  }
}

/** The block of a part that a step lies in. */
export function blockOf(step: number): number {
  return Math.floor((step * BLOCKS_PER_PART) / STEPS_PER_PART);
}
