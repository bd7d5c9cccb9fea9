import type { Lines } from '../lines/lines.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';

/**
 * The way of a flush through the dirty lines, ascending, in rounds. There is another round where lines have come to count that are to
 * be written, and where somebody wants one because lines are free that were not.
 */
export class Sweep {
  readonly #lines: Lines;
  readonly #dirtyLines: DirtyLines;
  #found: Float64Array | undefined;
  #at = 0;
  #isWanted = false;

  constructor(lines: Lines, dirtyLines: DirtyLines) {
    this.#lines = lines;
    this.#dirtyLines = dirtyLines;
  }

  /** There may be lines that the round under way has passed over. */
  want(): void {
    this.#isWanted = true;
  }

  /** Nobody flushes any more. */
  stop(): void {
    this.#found = undefined;
  }

  /** The next line with data of the epoch or older; -1 if there is none that could begin now. */
  next(epoch: number): number {
    for (;;) {
      if (this.#found === undefined) {
        if (!this.#isWanted && this.#dirtyLines.oldestNews > epoch) return -1;
        this.#isWanted = false;
        this.#dirtyLines.forgetNews();
        this.#found = this.#collect(epoch);
        this.#at = 0;
      }
      while (this.#at < this.#found.length) {
        const entry = this.#lines.find(this.#found[this.#at++]);
        if (entry >= 0 && this.#dirtyLines.has(entry)) return entry;
      }
      this.#found = undefined;
    }
  }

  #collect(epoch: number): Float64Array {
    const found = new Float64Array(this.#dirtyLines.count);
    let count = 0;
    for (const entry of this.#dirtyLines) {
      if (this.#dirtyLines.epochOf(entry) <= epoch) found[count++] = this.#lines.lineOf(entry);
    }
    return found.subarray(0, count).sort();
  }
}
