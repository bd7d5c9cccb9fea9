import type { Region, RegionBytes } from './region.js';

const NO_BYTES: RegionBytes = { total: 0, changed: 0, pending: 0 };

/** A region, and what the sums hold for it. */
interface Entry {
  readonly region: Region;
  counted: RegionBytes;
}

/** The regions of which something is in memory, how much that is, and which of them can be dropped. */
export class RegionTable {
  readonly #entries = new Map<number, Entry>();
  /** Those that can be dropped, the least recently used first. */
  readonly #droppable = new Set<Region>();
  #mostRecent: Region | undefined;
  #totalBytes = 0;
  #changedBytes = 0;
  #pendingBytes = 0;

  get bytes(): RegionBytes {
    return { total: this.#totalBytes, changed: this.#changedBytes, pending: this.#pendingBytes };
  }

  get(number: number): Region | undefined {
    return this.#entries.get(number)?.region;
  }

  /** Those that are there, and those that come meanwhile. In no order. */
  *[Symbol.iterator](): Generator<Region> {
    for (const { region } of this.#entries.values()) yield region;
  }

  /** Its number must not be in the table. {@link update} follows, when there is something in it. */
  add(region: Region): void {
    this.#entries.set(region.number, { region, counted: NO_BYTES });
  }

  /** Notices what has changed about a region. One that holds nothing and that no one waits for is taken out. */
  update(region: Region): void {
    const entry = this.#entries.get(region.number);
    if (entry === undefined) return;
    if (region.isIdle) {
      this.#remove(entry);
      return;
    }
    this.#count(entry, region.bytes);
    if (!region.canBeDropped) this.#droppable.delete(region);
    else if (!this.#droppable.has(region)) this.#append(region);
  }

  /** It was used. */
  touch(region: Region): void {
    if (region === this.#mostRecent || !this.#droppable.delete(region)) return;
    this.#append(region);
  }

  /** Drops regions that can be, least recently used first, until all together hold at most `maxBytes`. */
  trim(maxBytes: number): void {
    if (this.#totalBytes <= maxBytes) return;
    for (const region of this.#droppable) {
      const entry = this.#entries.get(region.number);
      if (entry !== undefined) this.#remove(entry);
      if (this.#totalBytes <= maxBytes) return;
    }
  }

  #append(region: Region): void {
    this.#droppable.add(region);
    this.#mostRecent = region;
  }

  #remove(entry: Entry): void {
    this.#count(entry, NO_BYTES);
    this.#entries.delete(entry.region.number);
    this.#droppable.delete(entry.region);
  }

  #count(entry: Entry, bytes: RegionBytes): void {
    this.#totalBytes += bytes.total - entry.counted.total;
    this.#changedBytes += bytes.changed - entry.counted.changed;
    this.#pendingBytes += bytes.pending - entry.counted.pending;
    entry.counted = bytes;
  }
}
