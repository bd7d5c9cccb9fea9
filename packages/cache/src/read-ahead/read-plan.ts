/** Sectors of the device that were worth having once. */
export interface HotRange {
  readonly start: number;
  /** Sectors. */
  readonly count: number;
  /** How much it deserves its place: 0, of no known use, to 4. */
  readonly heat: number;
}

/** What is merged is at most so much, and of so many ranges: what comes late must not delay what comes first. */
const BATCH_BYTES = 16 << 20;
const BATCH_RANGES = 1024;

export interface ReadPlanOptions {
  readonly sectorSize: number;
  /** Bytes that are read between ranges at most, for each byte of them. */
  readonly maxOverreadShare: number;
  /** Sectors between two ranges that are read together, at most. */
  readonly maxGapSectors: number;
}

interface Part {
  readonly start: number;
  end: number;
  readonly heat: number;
  /** Place of the first of its ranges in the list. */
  order: number;
  /** Sectors of its ranges. */
  wanted: number;
}

/**
 * Makes long reads of a list of ranges. It is gone through in its order, a batch at a time; within a batch, ranges of one heat
 * that are neighbours become one, and so do those with a short gap, which is then read too. A read comes in the place of the
 * first of its ranges.
 *
 * Pure arithmetic. The list is copied, 17 bytes a range, so that it may change meanwhile.
 */
export class ReadPlan {
  readonly #options: ReadPlanOptions;
  readonly #starts: Float64Array;
  readonly #counts: Float64Array;
  readonly #heats: Uint8Array;
  #next = 0;
  #batch: Part[] = [];

  /** Throws what `check` throws of a wrong range. */
  constructor(ranges: readonly HotRange[], options: ReadPlanOptions, check: (range: HotRange) => void) {
    this.#options = options;
    this.#starts = new Float64Array(ranges.length);
    this.#counts = new Float64Array(ranges.length);
    this.#heats = new Uint8Array(ranges.length);
    ranges.forEach((range, i) => {
      check(range);
      this.#starts[i] = range.start;
      this.#counts[i] = range.count;
      this.#heats[i] = range.heat;
    });
  }

  /** What is to be read next. Undefined at the end. */
  next(): HotRange | undefined {
    if (this.#batch.length === 0) this.#batch = this.#merged(this.#take());
    const part = this.#batch.pop();
    return part && { start: part.start, count: part.end - part.start, heat: part.heat };
  }

  /** The ranges of the next batch. */
  #take(): Part[] {
    const parts: Part[] = [];
    let bytes = 0;
    while (this.#next < this.#starts.length && parts.length < BATCH_RANGES && bytes < BATCH_BYTES) {
      const order = this.#next++;
      const start = this.#starts[order] ?? 0;
      const wanted = this.#counts[order] ?? 0;
      if (wanted === 0) continue;
      parts.push({ start, end: start + wanted, heat: this.#heats[order] ?? 0, order, wanted });
      bytes += wanted * this.#options.sectorSize;
    }
    return parts;
  }

  /** The reads of a batch, the first one last. */
  #merged(parts: Part[]): Part[] {
    parts.sort((a, b) => a.heat - b.heat || a.start - b.start);
    const merged: Part[] = [];
    for (const part of parts) {
      const last = merged.at(-1);
      if (last === undefined || !this.#belongs(last, part)) {
        merged.push(part);
        continue;
      }
      last.wanted += Math.max(0, part.end - Math.max(last.end, part.start));
      last.end = Math.max(last.end, part.end);
      last.order = Math.min(last.order, part.order);
    }
    return merged.sort((a, b) => b.order - a.order);
  }

  /** Whether a part is read together with the one before it. */
  #belongs(last: Part, part: Part): boolean {
    const gap = part.start - last.end;
    if (last.heat !== part.heat || gap > this.#options.maxGapSectors) return false;
    const span = part.end - last.start;
    return gap <= 0 || span <= (last.wanted + part.wanted) * (1 + this.#options.maxOverreadShare);
  }
}
