import { invariant, type Loan } from '@blockyard/block';
import type { Entry, Sector, Slot } from '../tables/numbers.js';
import type { Geometry } from './geometry.js';
import type { Lines } from './lines.js';

/** Share of the lines that may be lent, so that a request that needs memory always finds some that no borrower keeps. */
const LENT_SHARE = 1 / 8;
/** And how many loans of lines there may be: a slot counts its pins in eight bits, those of calls of the base too. */
const LOANS_MAX = 200;

/** What the lender works with. */
export interface LenderContext {
  readonly geometry: Geometry;
  readonly lines: Lines;
  /** Called when memory may have become free. */
  readonly memoryReturned: () => void;
}

/**
 * Lends lines as they lie in memory to callers that pass their bytes on [B4]. A slot that is lent is never written to: a
 * request that writes to the line, or fills it from the base, moves the line to another slot first.
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

  /** Whether the line's present slot is lent. */
  hasLent(entry: Entry): boolean {
    return this.#context.lines.isLent(entry);
  }

  /** The range, if all of it is in lines, and not too much is lent already. Counts a use of each line. */
  lend(start: Sector, count: number): Loan | undefined {
    const { lines, geometry } = this.#context;
    const end = (start + count) as Sector;
    const first = geometry.lineOf(start);
    const last = geometry.lastLine(end);
    if (this.#hasEnded || last - first >= this.#loansMax - this.#count) return undefined;
    const parts: Part[] = [];
    for (let line = first; line <= last; line++) {
      const entry = lines.find(line);
      const from = geometry.fromIn(line, start);
      const to = geometry.toIn(line, end);
      if (entry < 0 || !lines.valid.covers(entry, from, to)) return undefined;
      parts.push({ entry, from, to });
    }
    return this.#lendParts(parts);
  }

  /** What is lent stays with those who have it; the cache forgets about it. */
  end(): void {
    this.#hasEnded = true;
  }

  get #loansMax(): number {
    return Math.min(LOANS_MAX, Math.floor(this.#context.lines.slotsMax * LENT_SHARE));
  }

  #lendParts(parts: readonly Part[]): Loan {
    const { lines } = this.#context;
    const slots: Slot[] = [];
    const views = parts.map(({ entry, from, to }) => {
      const slot = lines.lend(entry);
      slots.push(slot);
      return lines.view(slot, from, to);
    });
    this.#count += parts.length;
    // Now that none of them can leave for another.
    for (const { entry } of parts) lines.touch(entry);
    let isOver = false;
    const release = () => {
      if (isOver) return;
      isOver = true;
      this.#takeBack(slots);
    };
    return { views, release };
  }

  #takeBack(slots: readonly Slot[]): void {
    this.#count -= slots.length;
    invariant(this.#count >= 0, 'no more lines must be taken back than were lent');
    if (this.#hasEnded) return;
    for (const slot of slots) this.#context.lines.takeBack(slot);
    this.#context.memoryReturned();
  }
}

/** Sectors of one line. */
interface Part {
  readonly entry: Entry;
  readonly from: number;
  readonly to: number;
}
