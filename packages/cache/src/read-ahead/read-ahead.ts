import { NumberTable } from '../tables/tables.js';

/** Sequential readers that are remembered at once. */
const STREAMS = 32;
/** Latest reads that began no stream and continued none: where the next stream may start. */
const STARTS = 32;
/** The end of a read that is not remembered. */
const NOWHERE = -1;
/** How far before its place a second read of a stream may begin, in reads of its size: many in flight arrive out of order. */
const SHUFFLE_READS = 4;

/** A stream is over after so many reads that did not go on with it, for each line that it has read. */
const OVER_READS = 512;

/** How far to read ahead, as a multiple of what the stream has read: at first, at least, and at most. */
const REACH = 2;
const REACH_MIN = 0.5;
const REACH_MAX = 4;
/** What a line that was read ahead makes of the reach. In balance a third of the lines leave unused. */
const REACH_USED = 1.01;
const REACH_UNUSED = 0.98;

/** A window shrinks to this share when a line leaves before its reader comes to it. */
const WINDOW_SHRINK = 0.75;

/**
 * Finds sequential readers, many at once, and says what to read ahead of each.
 *
 * A read that begins where an earlier one ended starts a stream. Its window is a multiple of what it has read so far, up to a
 * limit, so what a short stream wastes is bounded by what it used; the next part is due when the reader has come to the last
 * half. Two things are learnt: how often lines read ahead are used at all, which sets the multiple for all streams, and whether
 * memory holds them until their reader comes, which limits the window of the stream that it happened to.
 *
 * Pure arithmetic: no I/O, no clock, no allocation. A read that is part of no stream costs a comparison with each place
 * remembered.
 */
export class ReadAhead {
  readonly #sectorsPerLine: number;
  /** Sectors that each stream has read, and the one at which it is expected to go on. */
  readonly #read = new NumberTable(STREAMS);
  readonly #next = new NumberTable(STREAMS);
  /** Where a read begins that goes on with a stream: as far ahead as was read, or by a line; not long past. */
  readonly #from = new NumberTable(STREAMS);
  readonly #to = new NumberTable(STREAMS);
  /** The line up to which each stream was read ahead. */
  readonly #aheadTo = new NumberTable(STREAMS);
  /** Lines that each stream may be ahead. */
  readonly #limit = new NumberTable(STREAMS);
  /** When each stream is over, in reads: where they are many, one of them goes on with any stream by chance, after long. */
  readonly #until = new NumberTable(STREAMS);
  /** Streams there are; the first so many of the arrays. */
  #streams = 0;
  #tick = 0;
  /** Begin and end of the latest reads outside streams, in a ring. */
  readonly #loneStart = new NumberTable(STARTS);
  readonly #loneEnd = new NumberTable(STARTS);
  #loneAt = 0;
  #windowMax: number;
  #reach = REACH;

  /** First line to read, valid after `observe` returned more than 0. */
  first = 0;

  /** `windowMaxLines`: lines that one stream may be ahead at most. */
  constructor(sectorsPerLine: number, windowMaxLines: number) {
    this.#sectorsPerLine = sectorsPerLine;
    this.#windowMax = windowMaxLines;
    for (let at = 0; at < STARTS; at++) this.#loneEnd.set(at, NOWHERE);
  }

  /** Memory has room for another number of lines. A stream that has lost none of its lines has the new limit at once. */
  setWindowMax(windowMaxLines: number): void {
    for (let stream = 0; stream < this.#streams; stream++) {
      const limit = this.#limit.get(stream);
      if (limit >= this.#windowMax || limit > windowMaxLines) this.#limit.set(stream, windowMaxLines);
    }
    this.#windowMax = windowMaxLines;
  }

  /** A read of sectors was seen. Returns how many lines to read ahead, from `first` on; mostly 0. */
  observe(start: number, count: number): number {
    let stream = this.#find(start, count);
    if (stream < 0) stream = this.#begin(start, count);
    return this.#goOn(stream, start, count);
  }

  /**
   * As `observe`, for reads that found everything in memory: they go on with streams, but begin none. Hits within one line may
   * be left out, but for those that touch an end of it.
   */
  follow(start: number, count: number): number {
    return this.#goOn(this.#find(start, count), start, count);
  }

  /** A line that was read ahead was asked for. */
  used(): void {
    this.#reach = Math.min(REACH_MAX, this.#reach * REACH_USED);
  }

  /** A line that was read ahead left without having been asked for. */
  unused(line: number): void {
    this.#reach = Math.max(REACH_MIN, this.#reach * REACH_UNUSED);
    for (let stream = 0; stream < this.#streams; stream++) {
      if (line * this.#sectorsPerLine >= this.#next.get(stream) && line < this.#aheadTo.get(stream))
        this.#shrink(stream);
    }
  }

  /** The stream goes on with a read. How much further to read ahead of it. */
  #goOn(stream: number, start: number, count: number): number {
    if (stream < 0) return 0;
    const line = this.#sectorsPerLine;
    const next = this.#next.get(stream);
    const end = start + count;
    let read = this.#read.get(stream);
    if (end > next) {
      // Hits before the end of a line may have been left out. What is skipped otherwise was not read.
      const leftOut = end - (end % line) > start ? line : 0;
      read += start - next > leftOut ? count : end - next;
      this.#next.set(stream, end);
      this.#read.set(stream, read);
    }
    this.#until.set(stream, this.#tick + (read / line) * OVER_READS);
    return this.#advance(stream);
  }

  #shrink(stream: number): void {
    this.#limit.set(stream, Math.max(1, Math.floor(this.#limit.get(stream) * WINDOW_SHRINK)));
  }

  /** The stream has moved on: where it is expected next, and how much further to read ahead of it. */
  #advance(stream: number): number {
    const line = this.#sectorsPerLine;
    const next = this.#next.get(stream);
    const limit = this.#limit.get(stream);
    const window = Math.min(limit * line, Math.floor(this.#read.get(stream) * this.#reach));
    const ahead = Math.max(this.#aheadTo.get(stream), Math.ceil(next / line));
    const target = Math.ceil((next + window) / line);
    const isDue = target > ahead && (ahead * line - next) * 2 <= window;
    if (isDue) {
      this.first = ahead;
      this.#aheadTo.set(stream, target);
      this.#limit.set(stream, Math.min(this.#windowMax, limit + 1));
    }
    this.#from.set(stream, next - Math.max(line, window));
    this.#to.set(stream, Math.max(next + line, this.#aheadTo.get(stream) * line));
    return isDue ? target - ahead : 0;
  }

  /** The stream that the read goes on with, or -1. Reads longer than a line may be as much farther off. */
  #find(start: number, count: number): number {
    const slack = Math.max(0, count - this.#sectorsPerLine);
    const tick = ++this.#tick;
    for (let stream = 0; stream < this.#streams; stream++) {
      const isNear = start + slack >= this.#from.get(stream) && start - slack <= this.#to.get(stream);
      if (isNear && tick < this.#until.get(stream)) return stream;
    }
    return -1;
  }

  /** A stream made of the read and an earlier one, or -1, and the read is remembered. */
  #begin(start: number, count: number): number {
    const end = start + count;
    for (let at = 0; at < STARTS; at++) {
      const expected = this.#loneEnd.get(at);
      if (expected === NOWHERE || start > expected + count || start < expected - SHUFFLE_READS * count) continue;
      // The same block again, or a part of it, leads nowhere.
      if (start >= this.#loneStart.get(at) && end <= expected) return -1;
      this.#loneEnd.set(at, NOWHERE);
      return this.#open(Math.min(start, this.#loneStart.get(at)), expected);
    }
    this.#loneStart.set(this.#loneAt, start);
    this.#loneEnd.set(this.#loneAt, end);
    this.#loneAt = (this.#loneAt + 1) % STARTS;
    return -1;
  }

  /** A new stream, in place of the one that is over first. */
  #open(start: number, next: number): number {
    const stream = this.#streams < STREAMS ? this.#streams++ : this.#firstOver();
    this.#read.set(stream, next - start);
    this.#next.set(stream, next);
    this.#aheadTo.set(stream, 0);
    this.#limit.set(stream, this.#windowMax);
    return stream;
  }

  #firstOver(): number {
    let stream = 0;
    for (let other = 1; other < STREAMS; other++) if (this.#until.get(other) < this.#until.get(stream)) stream = other;
    return stream;
  }
}
