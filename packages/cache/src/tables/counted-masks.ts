import type { Entry } from './numbers.js';
import { SectorMasks } from './sector-masks.js';

/** Masks that know how many bits are set in all of them together, so that no one has to look at each. */
export class CountedMasks extends SectorMasks {
  #total = 0;

  /** Set sectors of all lines. */
  get total(): number {
    return this.#total;
  }

  override set(entry: Entry, from: number, to: number): void {
    this.#total += to - from - this.count(entry, from, to);
    super.set(entry, from, to);
  }

  override clear(entry: Entry, from: number, to: number): void {
    this.#total -= this.count(entry, from, to);
    super.clear(entry, from, to);
  }

  override clearAll(entry: Entry): void {
    this.#total -= this.count(entry, 0, this.sectorsPerLine);
    super.clearAll(entry);
  }
}
