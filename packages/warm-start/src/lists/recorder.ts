import { IntervalSet } from '@blockyard/block';
import type { HotRange } from '@blockyard/cache';

export interface RecorderBounds {
  readonly maxSectors: number;
  readonly maxRanges: number;
}

/** What was read, each sector once, in the order in which it was first read. */
export class Recorder {
  readonly #bounds: RecorderBounds;
  readonly #seen = new IntervalSet();
  readonly #ranges: { start: number; count: number }[] = [];

  constructor(bounds: RecorderBounds) {
    this.#bounds = bounds;
  }

  get sectors(): number {
    return this.#seen.totalLength;
  }

  get isFull(): boolean {
    return this.#ranges.length >= this.#bounds.maxRanges || this.sectors >= this.#bounds.maxSectors;
  }

  /** As far as there is room. */
  add(start: number, count: number): void {
    const fresh = [...this.#seen.runs(start, start + count)].filter(({ inside }) => !inside);
    for (const run of fresh) {
      if (this.isFull) return;
      const end = Math.min(run.end, run.start + this.#bounds.maxSectors - this.sectors);
      this.#append(run.start, end);
      this.#seen.add(run.start, end);
    }
  }

  /** All of one heat: it is the order that counts. */
  ranges(): HotRange[] {
    return this.#ranges.map(({ start, count }) => ({ start, count, heat: 1 }));
  }

  #append(start: number, end: number): void {
    const last = this.#ranges.at(-1);
    if (last !== undefined && last.start + last.count === start) last.count += end - start;
    else this.#ranges.push({ start, count: end - start });
  }
}
