import type { Loan } from '@blockyard/block';
import type { Geometry } from './geometry.js';
import type { Lines } from './lines.js';

/** Share of the lines that may be lent, so that whoever needs memory always finds some that no borrower keeps. */
const LENT_SHARE = 1 / 8;
/** And how many loans of lines there may be: a slot counts its loans in eight bits, together with those of the base. */
const LOANS_MAX = 200;

/** What the lender works with. */
export interface LenderContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  /** Called when memory may have become free. */
  readonly onReturned: () => void;
}

/**
 * Lends lines as they lie in memory to whoever passes their bytes on [B4]. A slot that is lent is never written to: who wants to
 * write to the line, or to fill it from the base, moves the line to another slot first.
 */
export class Lender {
  readonly #context: LenderContext;
  #count = 0;
  #hasEnded = false;

  constructor(context: LenderContext) {
    this.#context = context;
  }

  /** Loans of lines now. */
  get count(): number {
    return this.#count;
  }

  /** Whether somebody outside looks at the line's present slot. */
  hasLent(entry: number): boolean {
    return this.#count > 0 && this.#context.lines.isBorrowed(entry);
  }

  /** The range, if all of it is in lines, and not too much is lent already. Counts a use of each line. */
  lend(start: number, count: number): Loan | undefined {
    const { lines, geometry } = this.#context;
    const { sectorsPerLine } = geometry;
    const end = start + count;
    const first = Math.floor(start / sectorsPerLine);
    const last = Math.floor((end - 1) / sectorsPerLine);
    if (this.#hasEnded || last - first >= this.#loansMax - this.#count) return undefined;
    const entries: number[] = [];
    for (let line = first; line <= last; line++) {
      const entry = lines.find(line);
      const from = Math.max(start - line * sectorsPerLine, 0);
      const to = Math.min(end - line * sectorsPerLine, sectorsPerLine);
      if (entry < 0 || !lines.valid.covers(entry, from, to)) return undefined;
      entries.push(entry);
    }
    return this.#lendLines(entries, start - first * sectorsPerLine, end - first * sectorsPerLine);
  }

  /** What is lent stays with those who have it; the cache forgets about it. */
  end(): void {
    this.#hasEnded = true;
  }

  get #loansMax(): number {
    return Math.min(LOANS_MAX, Math.floor(this.#context.lines.slotsMax * LENT_SHARE));
  }

  /** Sectors `from` to `to`, counted from the first line, of neighbouring lines. */
  #lendLines(entries: readonly number[], from: number, to: number): Loan {
    const { lines, geometry } = this.#context;
    const { sectorsPerLine } = geometry;
    const slots: number[] = [];
    const views = entries.map((entry, i) => {
      const slot = lines.borrow(entry);
      slots.push(slot);
      const before = i * sectorsPerLine;
      return lines.view(slot, Math.max(from - before, 0), Math.min(to - before, sectorsPerLine));
    });
    this.#count += entries.length;
    // Now that none of them can leave for another.
    for (const entry of entries) lines.touch(entry);
    let isOver = false;
    const release = () => {
      if (isOver) return;
      isOver = true;
      this.#takeBack(slots);
    };
    return { views, release };
  }

  #takeBack(slots: readonly number[]): void {
    this.#count -= slots.length;
    if (this.#hasEnded) return;
    for (const slot of slots) this.#context.lines.returnBorrowed(slot);
    this.#context.onReturned();
  }
}
