import { invariant } from '@blockyard/block';
import { type Entry, NO_ENTRY } from '../tables/numbers.js';
import { FlagTable, LinkTable, NumberTable } from '../tables/tables.js';
import { Ages } from './ages.js';
import type { Epochs } from './epochs.js';

/**
 * The lines that wait to be written back, longest first: a doubly linked list in tables by entry. Each waiting line counts once
 * in the epoch of its oldest unwritten data, until it is discarded or the write that took it settles.
 */
export class DirtyLines {
  readonly #epochs: Epochs;
  readonly #previous: LinkTable<Entry, Entry>;
  readonly #next: LinkTable<Entry, Entry>;
  readonly #epoch: NumberTable<Entry>;
  readonly #sinceMs: NumberTable<Entry>;
  readonly #waits: FlagTable<Entry>;
  readonly #ages = new Ages();
  #head = NO_ENTRY;
  #tail = NO_ENTRY;
  #count = 0;
  #oldestAdded = Number.POSITIVE_INFINITY;

  static bytesFor(entriesMax: number): number {
    return entriesMax * (2 * LinkTable.bytesPerPlace + 2 * NumberTable.bytesPerPlace + FlagTable.bytesPerPlace);
  }

  constructor(entriesMax: number, epochs: Epochs) {
    this.#epochs = epochs;
    this.#previous = new LinkTable(entriesMax);
    this.#next = new LinkTable(entriesMax);
    this.#epoch = new NumberTable(entriesMax);
    this.#sinceMs = new NumberTable(entriesMax);
    this.#waits = new FlagTable(entriesMax);
  }

  get byteLength(): number {
    return this.#tables.reduce((bytes, { byteLength }) => bytes + byteLength, 0);
  }

  /** Lines that wait. */
  get count(): number {
    return this.#count;
  }

  /** The line that comes first, or -1. */
  get first(): Entry {
    return this.#head;
  }

  /**
   * The oldest epoch in which a line was added since the last `forgetAdded`; infinite if none was. It can be older than the
   * present one: new data may take the place of older ones, which a flush waits for.
   */
  get oldestAdded(): number {
    return this.#oldestAdded;
  }

  forgetAdded(): void {
    this.#oldestAdded = Number.POSITIVE_INFINITY;
  }

  /** When the line that comes first became dirty; infinite if none waits. */
  get firstSinceMs(): number {
    return this.#head === NO_ENTRY ? Number.POSITIVE_INFINITY : this.#sinceMs.get(this.#head);
  }

  /** Since when the oldest of the lines waits that do, in whatever order; infinite if none does. As {@link Ages} tells it. */
  get oldestSinceMs(): number {
    return this.#ages.oldestSinceMs;
  }

  grow(entriesMax: number): void {
    for (const table of this.#tables) table.grow(entriesMax);
  }

  has(entry: Entry): boolean {
    return this.#waits.has(entry);
  }

  epochOf(entry: Entry): number {
    return this.#epoch.get(entry);
  }

  sinceMsOf(entry: Entry): number {
    return this.#sinceMs.get(entry);
  }

  /**
   * The line has new dirty data. If it waits already, its oldest data decide. `epoch`, if given, is that of older data which
   * the new ones take the place of, and which something else still counts: a flush that waits for those has to wait for these
   * instead.
   */
  add(entry: Entry, nowMs: number, epoch?: number): void {
    if (!this.has(entry)) {
      if (epoch !== undefined) this.#epochs.enterAgain(epoch);
      this.addCounted(entry, epoch ?? this.#epochs.enter(), nowMs);
    } else if (epoch !== undefined && epoch < this.epochOf(entry)) {
      this.#epochs.enterAgain(epoch);
      this.#epochs.leave(this.epochOf(entry));
      this.#setEpoch(entry, epoch);
    }
  }

  /** Like `add`, for data of a line that does not wait, which were counted when they were written. */
  addCounted(entry: Entry, epoch: number, sinceMs: number): void {
    this.#setEpoch(entry, epoch);
    this.#sinceMs.set(entry, sinceMs);
    this.#link(entry, this.#tail, NO_ENTRY);
  }

  /** The line could not be written: it waits again, first of all, and counts where it did. */
  putBack(entry: Entry, epoch: number, sinceMs: number): void {
    if (this.has(entry)) {
      // Written anew in the meantime; the older count is the one that matters.
      this.#epochs.leave(this.epochOf(entry));
      this.#unlink(entry);
    }
    this.#setEpoch(entry, epoch);
    this.#sinceMs.set(entry, sinceMs);
    this.#link(entry, NO_ENTRY, this.#head);
  }

  /** Moves a waiting line to the front: its memory is wanted. */
  moveToFront(entry: Entry): void {
    if (!this.has(entry) || this.#head === entry) return;
    this.#unlink(entry);
    this.#link(entry, NO_ENTRY, this.#head);
  }

  /** Takes the line out for writing. Its epoch stays counted until the caller leaves it or puts the line back. */
  take(entry: Entry): void {
    this.#unlink(entry);
  }

  /** The line's dirty data are no longer wanted. */
  discard(entry: Entry): void {
    if (!this.has(entry)) return;
    this.#unlink(entry);
    this.#epochs.leave(this.epochOf(entry));
  }

  /** The entries that wait, in order. */
  *[Symbol.iterator](): Iterator<Entry> {
    for (let entry = this.#head; entry !== NO_ENTRY; entry = this.#next.get(entry)) yield entry;
  }

  get #tables() {
    return [this.#previous, this.#next, this.#epoch, this.#sinceMs, this.#waits];
  }

  #setEpoch(entry: Entry, epoch: number): void {
    this.#epoch.set(entry, epoch);
    if (epoch < this.#oldestAdded) this.#oldestAdded = epoch;
  }

  #link(entry: Entry, previous: Entry, next: Entry): void {
    invariant(!this.has(entry), 'a line must wait once');
    this.#previous.set(entry, previous);
    this.#next.set(entry, next);
    if (previous === NO_ENTRY) this.#head = entry;
    else this.#next.set(previous, entry);
    if (next === NO_ENTRY) this.#tail = entry;
    else this.#previous.set(next, entry);
    this.#waits.add(entry);
    this.#ages.enter(this.#sinceMs.get(entry));
    this.#count++;
  }

  #unlink(entry: Entry): void {
    invariant(this.has(entry), 'a line must wait to be taken out');
    const previous = this.#previous.get(entry);
    const next = this.#next.get(entry);
    if (previous === NO_ENTRY) this.#head = next;
    else this.#next.set(previous, next);
    if (next === NO_ENTRY) this.#tail = previous;
    else this.#previous.set(next, previous);
    this.#waits.remove(entry);
    this.#ages.leave(this.#sinceMs.get(entry));
    this.#count--;
  }
}
