import { invariant } from '@blockyard/block';
import { clearBits, countBits, hasAllBits, nextClearBit, nextSetBit, setBits } from './bits.js';
import type { Entry } from './numbers.js';

/** Sectors of a line, from the first to before the second. */
export type Gap = readonly [from: number, to: number];

/** One bit for every sector of every line, the lines named by their entry. Ranges are half open, in sectors of the line. */
export class SectorMasks {
  readonly sectorsPerLine: number;
  /** Words of 32 bits that one line takes. */
  readonly wordsPerLine: number;
  #words: Uint32Array;

  static bytesPerLine(sectorsPerLine: number): number {
    return Math.ceil(sectorsPerLine / 32) * 4;
  }

  constructor(entriesMax: number, sectorsPerLine: number) {
    this.sectorsPerLine = sectorsPerLine;
    this.wordsPerLine = Math.ceil(sectorsPerLine / 32);
    this.#words = new Uint32Array(entriesMax * this.wordsPerLine);
  }

  get byteLength(): number {
    return this.#words.byteLength;
  }

  /** Makes room for more entries. What is there stays. */
  grow(entriesMax: number): void {
    const words = new Uint32Array(entriesMax * this.wordsPerLine);
    words.set(this.#words);
    this.#words = words;
  }

  set(entry: Entry, from: number, to: number): void {
    this.#check(from, to);
    setBits(this.#words, entry * this.wordsPerLine, from, to);
  }

  clear(entry: Entry, from: number, to: number): void {
    this.#check(from, to);
    clearBits(this.#words, entry * this.wordsPerLine, from, to);
  }

  clearAll(entry: Entry): void {
    const base = entry * this.wordsPerLine;
    this.#words.fill(0, base, base + this.wordsPerLine);
  }

  covers(entry: Entry, from: number, to: number): boolean {
    return hasAllBits(this.#words, entry * this.wordsPerLine, from, to);
  }

  /** Set sectors in the range. */
  count(entry: Entry, from: number, to: number): number {
    return countBits(this.#words, entry * this.wordsPerLine, from, to);
  }

  any(entry: Entry): boolean {
    const base = entry * this.wordsPerLine;
    for (let i = base; i < base + this.wordsPerLine; i++) if (this.#words[i] !== 0) return true;
    return false;
  }

  /** First set sector in the range, or `to`. */
  nextSet(entry: Entry, from: number, to: number): number {
    return nextSetBit(this.#words, entry * this.wordsPerLine, from, to);
  }

  /** First clear sector in the range, or `to`. */
  nextClear(entry: Entry, from: number, to: number): number {
    return nextClearBit(this.#words, entry * this.wordsPerLine, from, to);
  }

  /** Runs of clear sectors in the range. */
  gaps(entry: Entry, from: number, to: number): Gap[] {
    const gaps: Gap[] = [];
    for (let at = this.nextClear(entry, from, to); at < to; ) {
      const end = this.nextSet(entry, at, to);
      gaps.push([at, end]);
      at = this.nextClear(entry, end, to);
    }
    return gaps;
  }

  /** A copy of one line's words, for those who have to remember them. */
  copyOf(entry: Entry): Uint32Array {
    const base = entry * this.wordsPerLine;
    return this.#words.slice(base, base + this.wordsPerLine);
  }

  #check(from: number, to: number): void {
    invariant(from >= 0 && to <= this.sectorsPerLine, 'sectors that change must lie in their line');
  }
}
