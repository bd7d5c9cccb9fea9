import type { SectorRange } from '@blockyard/block';
import type { TierOf } from '../source.js';

/** From the end of one time to the beginning of the next. */
const PAUSE_MS = 1000;

/** A range in cells of so many sectors. */
export interface CellRange {
  readonly start: number;
  readonly count: number;
  readonly cellSectors: number;
}

/**
 * How many sectors of each cell are on a local disk. What is there changes slowly, and may take long to find out: it is looked
 * through a little at a time, over and over, and what is shown is of the last time that came to its end; before the first,
 * what was found so far.
 */
export class TierCells {
  readonly range: CellRange;
  #shown: Float64Array;
  #found: Float64Array;
  #nextAtMs = Number.NEGATIVE_INFINITY;
  #steps: Generator<SectorRange | undefined, void, undefined> | undefined;

  constructor(range: CellRange) {
    this.range = range;
    this.#shown = new Float64Array(Math.ceil(range.count / range.cellSectors));
    this.#found = this.#shown;
  }

  /** Sectors by cell. */
  get sectors(): Float64Array {
    return this.#shown;
  }

  isOf({ start, count, cellSectors }: CellRange): boolean {
    return this.range.start === start && this.range.count === count && this.range.cellSectors === cellSectors;
  }

  /** Goes on with a step, or begins anew. False: there is nothing more to do now. */
  step(tierOf: TierOf, nowMs: number): boolean {
    if (nowMs < this.#nextAtMs) return false;
    this.#steps ??= tierOf(this.range.start, this.range.count);
    for (;;) {
      const { done, value } = this.#steps.next();
      if (done === true) {
        this.#steps = undefined;
        this.#nextAtMs = nowMs + PAUSE_MS;
        this.#shown = this.#found;
        this.#found = new Float64Array(this.#shown.length);
        return false;
      }
      if (value === undefined) return true;
      this.#add(value);
    }
  }

  #add({ start, count }: SectorRange): void {
    const { start: rangeStart, cellSectors } = this.range;
    const from = start - rangeStart;
    for (let at = from; at < from + count; ) {
      const cell = Math.floor(at / cellSectors);
      const to = Math.min(from + count, (cell + 1) * cellSectors);
      this.#found[cell] = (this.#found[cell] ?? 0) + to - at;
      at = to;
    }
  }
}
