import { isZero } from '@blockyard/block';
import { forEachParallel } from '@blockyard/block/async';
import type { Checks } from '../format/checks.js';
import { HEAD_BYTES, type Layout, MAX_PARTS_PER_OBJECT } from '../format/layout.js';
import { decodeIndex, entriesOf, type IndexRead, indexBytes } from '../format/region-index.js';
import type { Medium } from '../medium/medium.js';
import type { PartTable } from '../table/part-table.js';
import type { NextRegion } from './appender.js';

/** Of the directory so much is read at once. */
const MAX_READ_BYTES = 1 << 20;
const MAX_READS = 4;

/** Slots of the directory that lie side by side. */
interface Slots {
  readonly first: number;
  readonly end: number;
}

/**
 * Reads the indexes of all regions into a table: their copies in the directory, and those at the ends of regions that it does
 * not have. A region without a sound index is empty.
 */
export class Loader {
  readonly #medium: Medium;
  readonly #layout: Layout;
  readonly #checks: Checks;
  readonly #table: PartTable;
  #newest: NextRegion;
  #regionsRead = 0;

  constructor(medium: Medium, layout: Layout, checks: Checks, table: PartTable) {
    this.#medium = medium;
    this.#layout = layout;
    this.#checks = checks;
    this.#table = table;
    this.#newest = { region: layout.regions - 1, sequence: 0 };
  }

  /** Says which region is to be written next. Rejects if the medium fails, or with what `throwIfStopped` throws. */
  async load(throwIfStopped: () => void): Promise<NextRegion> {
    const { regions, slots } = this.#layout;
    await forEachParallel(this.#batches(), { maxConcurrency: MAX_READS, throwIfStopped }, (batch) =>
      this.#loadBatch(batch),
    );
    for (let region = slots; region < regions; region++) {
      throwIfStopped();
      this.#add(await this.#readEnd(region));
    }
    this.#table.fit();
    return { region: (this.#newest.region + 1) % regions, sequence: this.#newest.sequence + 1 };
  }

  *#batches(): Generator<Slots> {
    const { regions, slots, slotBytes } = this.#layout;
    const count = Math.max(1, Math.floor(MAX_READ_BYTES / slotBytes));
    const end = Math.min(regions, slots);
    for (let first = 0; first < end; first += count) yield { first, end: Math.min(end, first + count) };
  }

  async #loadBatch({ first, end }: Slots): Promise<void> {
    const { slotBytes } = this.#layout;
    const start = this.#layout.slotOf(first);
    const bytes = await this.#medium.read(start, start + (end - first) * slotBytes);
    const indexes: IndexRead[] = [];
    for (let region = first; region < end; region++) {
      const slot = bytes.subarray((region - first) * slotBytes, (region - first + 1) * slotBytes);
      const index = decodeIndex(slot, region, this.#checks) ?? (isZero(slot) ? undefined : await this.#readEnd(region));
      if (index !== undefined) indexes.push(index);
    }
    this.#regionsRead += end - first;
    this.#reserve(indexes.reduce((sum, { count }) => sum + count, 0));
    for (const index of indexes) this.#add(index);
  }

  /** Makes room for these and for the rest, if that is like what was read: to grow step by step takes longer. */
  #reserve(count: number): void {
    this.#table.reserve(((this.#table.count + count) * this.#layout.regions) / this.#regionsRead);
  }

  async #readEnd(region: number): Promise<IndexRead | undefined> {
    const { regionBytes, slotBytes } = this.#layout;
    const end = this.#layout.startOf(region) + regionBytes;
    const tail = await this.#medium.read(end - slotBytes, end);
    const bytes = this.#layout.alignUp(indexBytes(entriesOf(tail) ?? 0));
    if (bytes >= regionBytes) return undefined;
    return decodeIndex(bytes <= slotBytes ? tail : await this.#medium.read(end - bytes, end), region, this.#checks);
  }

  #add(index: IndexRead | undefined): void {
    if (index === undefined) return;
    const { region, sequence } = index;
    if (sequence > this.#newest.sequence) this.#newest = { region, sequence };
    const first = this.#layout.startOf(region) / HEAD_BYTES;
    const units = this.#layout.regionBytes / HEAD_BYTES;
    index.forEach((entry) => {
      const isSensible = entry.unit < units && entry.part < MAX_PARTS_PER_OBJECT && entry.lastStep >= entry.firstStep;
      if (isSensible) this.#table.add(entry, entry, first + entry.unit);
    });
  }
}
