import { KILL_SHAPE, runOf } from './kill-load.js';

/** What may be on the volume, from what was acknowledged. */
export class Account {
  /** By sector: the writer that was found there last, or 0. */
  #found: readonly number[] = new Array<number>(KILL_SHAPE.sizeSectors).fill(0);
  /** Writes since then have these numbers. */
  #from = 1;
  #flushed = 0;
  /** The highest number that a write may have. */
  #to = 0;

  /** The number of the next write. */
  get next(): number {
    return this.#to + 1;
  }

  /** Every write up to this one was flushed, and the flush acknowledged. */
  flushed(writer: number): void {
    this.#flushed = writer;
  }

  /** What was lost or torn, in words: nothing, if all is well. What is there now is what counts from here on. */
  check(found: readonly number[]): string[] {
    // What was written after the last acknowledgement is not known: as far as anything was found.
    this.#to = found.reduce((highest, writer) => Math.max(highest, writer), this.#flushed);
    const durable = [...this.#found];
    for (let writer = this.#from; writer <= this.#flushed; writer++) {
      const { start, count } = runOf(writer);
      durable.fill(writer, start, start + count);
    }
    const wrong = found.flatMap((writer, sector) => {
      if (writer === durable[sector]) return [];
      const { start, count } = runOf(writer);
      const isNewer = writer > this.#flushed && sector >= start && sector < start + count;
      if (isNewer) return [];
      return [`sector ${sector} has ${writer}, but ${durable[sector]} was flushed, and ${this.#flushed} was the last`];
    });
    this.#found = found;
    this.#from = this.next;
    this.#flushed = this.#to;
    return wrong;
  }
}
