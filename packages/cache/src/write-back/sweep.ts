import type { Lines } from '../lines/lines.js';
import { type Entry, type Line, NO_ENTRY } from '../tables/numbers.js';
import type { DirtyLines } from '../unwritten/dirty-lines.js';

/** An iterator that has come to its end stays there. */
const NOTHING: Iterator<number> = [].values();

/**
 * The way of a flush through the dirty lines, ascending, in rounds. Another round begins when lines were added that are to be
 * written, and when one is wanted because lines that were busy may be free.
 */
export class Sweep {
  readonly #lines: Lines;
  readonly #dirtyLines: DirtyLines;
  /** What is left of the round. */
  #left: Iterator<number> = NOTHING;
  #isWanted = false;

  constructor(lines: Lines, dirtyLines: DirtyLines) {
    this.#lines = lines;
    this.#dirtyLines = dirtyLines;
  }

  /** There may be lines that the round under way has passed over. */
  want(): void {
    this.#isWanted = true;
  }

  /** No flush waits any longer. */
  stop(): void {
    this.#left = NOTHING;
  }

  /** The next line with data of the epoch or older; -1 if there is none that could begin now. */
  next(epoch: number): Entry {
    for (;;) {
      for (let step = this.#left.next(); step.done !== true; step = this.#left.next()) {
        const entry = this.#lines.find(step.value as Line);
        if (entry >= 0 && this.#dirtyLines.has(entry)) return entry;
      }
      if (!this.#isWanted && this.#dirtyLines.oldestAdded > epoch) return NO_ENTRY;
      this.#isWanted = false;
      this.#dirtyLines.forgetAdded();
      this.#left = this.#collect(epoch);
    }
  }

  #collect(epoch: number): Iterator<number> {
    const found = new Float64Array(this.#dirtyLines.count);
    let count = 0;
    for (const entry of this.#dirtyLines) {
      if (this.#dirtyLines.epochOf(entry) <= epoch) found[count++] = this.#lines.lineOf(entry);
    }
    return found.subarray(0, count).sort().values();
  }
}
