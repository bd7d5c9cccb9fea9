import type { Epochs } from './epochs.js';

const NONE = -1;

/**
 * The lines that wait to be written back, longest first: a doubly linked list in typed arrays, by entry. Each waiting line
 * counts once in the epoch of its oldest unwritten data, until it is discarded or whoever took it for writing settles it.
 */
export class DirtyLines {
  readonly #epochs: Epochs;
  #previous: Int32Array;
  #next: Int32Array;
  #epoch: Float64Array;
  #sinceMs: Float64Array;
  #waits: Uint8Array;
  #head = NONE;
  #tail = NONE;
  #count = 0;
  #oldestNews = Number.POSITIVE_INFINITY;

  static bytesFor(entriesMax: number): number {
    return entriesMax * 25;
  }

  constructor(entriesMax: number, epochs: Epochs) {
    this.#epochs = epochs;
    this.#previous = new Int32Array(entriesMax);
    this.#next = new Int32Array(entriesMax);
    this.#epoch = new Float64Array(entriesMax);
    this.#sinceMs = new Float64Array(entriesMax);
    this.#waits = new Uint8Array(entriesMax);
  }

  get byteLength(): number {
    return (
      this.#previous.byteLength +
      this.#next.byteLength +
      this.#epoch.byteLength +
      this.#sinceMs.byteLength +
      this.#waits.byteLength
    );
  }

  /** Lines that wait. */
  get count(): number {
    return this.#count;
  }

  /** The line that comes first, or -1. */
  get first(): number {
    return this.#head;
  }

  /**
   * The oldest epoch in which a line has come to count since the last `forgetNews`; infinite if none has. It can be older than the
   * present one: new data may take the place of older ones, which somebody waits for.
   */
  get oldestNews(): number {
    return this.#oldestNews;
  }

  forgetNews(): void {
    this.#oldestNews = Number.POSITIVE_INFINITY;
  }

  /** When the line that comes first became dirty; infinite if none waits. */
  get firstSinceMs(): number {
    return this.#head === NONE ? Number.POSITIVE_INFINITY : this.#sinceMs[this.#head];
  }

  resize(entriesMax: number): void {
    const grow = <T extends Int32Array | Float64Array | Uint8Array>(array: T, grown: T): T => {
      grown.set(array);
      return grown;
    };
    this.#previous = grow(this.#previous, new Int32Array(entriesMax));
    this.#next = grow(this.#next, new Int32Array(entriesMax));
    this.#epoch = grow(this.#epoch, new Float64Array(entriesMax));
    this.#sinceMs = grow(this.#sinceMs, new Float64Array(entriesMax));
    this.#waits = grow(this.#waits, new Uint8Array(entriesMax));
  }

  has(entry: number): boolean {
    return this.#waits[entry] === 1;
  }

  epochOf(entry: number): number {
    return this.#epoch[entry];
  }

  sinceMsOf(entry: number): number {
    return this.#sinceMs[entry];
  }

  /**
   * The line has new dirty data. If it waits already, its oldest data decide. `epoch`, if given, is that of older data which the
   * new ones take the place of, and which something else still counts: whoever waits for those has to wait for these instead.
   */
  add(entry: number, nowMs: number, epoch?: number): void {
    if (this.#waits[entry] === 0) {
      if (epoch !== undefined) this.#epochs.enterAgain(epoch);
      this.#append(entry, epoch ?? this.#epochs.enter(), nowMs);
    } else if (epoch !== undefined && epoch < this.#epoch[entry]) {
      this.#epochs.enterAgain(epoch);
      this.#epochs.leave(this.#epoch[entry]);
      this.#setEpoch(entry, epoch);
    }
  }

  /** Like `add`, for data that were counted when they were written. */
  addCounted(entry: number, epoch: number, sinceMs: number): void {
    this.#append(entry, epoch, sinceMs);
  }

  /** The line could not be written: it waits again, first of all, and counts where it did. */
  putBack(entry: number, epoch: number, sinceMs: number): void {
    if (this.#waits[entry] === 1) {
      // Written anew in the meantime; the older count is the one that matters.
      this.#epochs.leave(this.#epoch[entry]);
      this.#unlink(entry);
    }
    this.#setEpoch(entry, epoch);
    this.#sinceMs[entry] = sinceMs;
    this.#link(entry, NONE, this.#head);
  }

  /** Moves a waiting line to the front: its memory is wanted. */
  hurry(entry: number): void {
    if (this.#waits[entry] === 0 || this.#head === entry) return;
    this.#unlink(entry);
    this.#link(entry, NONE, this.#head);
  }

  /** Takes the line out for writing. Its epoch stays counted until the caller leaves it or puts the line back. */
  take(entry: number): void {
    this.#unlink(entry);
  }

  /** The line's dirty data are not wanted any more. */
  discard(entry: number): void {
    if (this.#waits[entry] === 0) return;
    this.#unlink(entry);
    this.#epochs.leave(this.#epoch[entry]);
  }

  /** The entries that wait, in order. */
  *[Symbol.iterator](): Iterator<number> {
    for (let entry = this.#head; entry !== NONE; entry = this.#next[entry]) yield entry;
  }

  #append(entry: number, epoch: number, sinceMs: number): void {
    this.#setEpoch(entry, epoch);
    this.#sinceMs[entry] = sinceMs;
    this.#link(entry, this.#tail, NONE);
  }

  #setEpoch(entry: number, epoch: number): void {
    this.#epoch[entry] = epoch;
    if (epoch < this.#oldestNews) this.#oldestNews = epoch;
  }

  #link(entry: number, previous: number, next: number): void {
    this.#previous[entry] = previous;
    this.#next[entry] = next;
    if (previous === NONE) this.#head = entry;
    else this.#next[previous] = entry;
    if (next === NONE) this.#tail = entry;
    else this.#previous[next] = entry;
    this.#waits[entry] = 1;
    this.#count++;
  }

  #unlink(entry: number): void {
    const previous = this.#previous[entry];
    const next = this.#next[entry];
    if (previous === NONE) this.#head = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#tail = previous;
    else this.#previous[next] = previous;
    this.#waits[entry] = 0;
    this.#count--;
  }
}
