/** A value for the integers from `start` to before `end`. */
export interface Span<T> {
  readonly start: number;
  readonly end: number;
  readonly value: T;
}

/** Spans in one leaf at most. */
const LEAF_SPANS_MAX = 128;

/**
 * A map from non-negative safe integers to values, kept as spans of one value: disjoint, in order, in a sorted list of sorted
 * leaves. An operation costs two binary searches and the move of a leaf.
 */
export class IntervalMap<T> {
  #leaves: Span<T>[][] = [];
  #size = 0;

  /** Number of spans. */
  get size(): number {
    return this.#size;
  }

  /** Gives the range this value, whatever it had before. */
  set(start: number, end: number, value: T): void {
    if (start < end) this.#replace(start, end, { start, end, value });
  }

  /** Takes out of the range what has this value. */
  delete(start: number, end: number, value: T): void {
    const found = [...this.runs(start, end)].filter((run) => run.value === value);
    for (const run of found) this.#replace(run.start, run.end);
  }

  clear(): void {
    this.#leaves = [];
    this.#size = 0;
  }

  /** The range divided into runs of one value, or of none: ascending, covering it exactly. */
  *runs(start: number, end: number): IterableIterator<Span<T | undefined>> {
    let at = start;
    for (const span of this.#from(start)) {
      if (span.start >= end) break;
      if (span.start > at) yield { start: at, end: span.start, value: undefined };
      const from = Math.max(span.start, at);
      at = Math.min(span.end, end);
      yield { start: from, end: at, value: span.value };
    }
    if (at < end) yield { start: at, end, value: undefined };
  }

  /** Spans that end after `position`. */
  *#from(position: number): IterableIterator<Span<T>> {
    const first = this.#leafEndingAfter(position);
    for (let leaf = first; leaf < this.#leaves.length; leaf++) {
      const spans = this.#leaves[leaf] ?? [];
      for (let i = leaf === first ? indexEndingAfter(spans, position) : 0; i < spans.length; i++) {
        yield spans[i] as Span<T>;
      }
    }
  }

  /** Number of the first leaf whose last span ends after `position`. */
  #leafEndingAfter(position: number): number {
    let low = 0;
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const end = this.#leaves[middle]?.at(-1)?.end ?? 0;
      if (end <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes out the range, and puts the span in its place. What sticks out on either side stays. */
  #replace(start: number, end: number, span?: Span<T>): void {
    if (this.#leaves.length === 0) this.#leaves.push([]);
    const leaf = Math.min(this.#leafEndingAfter(start), this.#leaves.length - 1);
    const spans = this.#leaves[leaf] as Span<T>[];
    const index = indexEndingAfter(spans, start);
    const removed = this.#remove(leaf, index, end);
    const [first, last] = [removed[0], removed.at(-1)];
    const put: Span<T>[] = [];
    if (first !== undefined && first.start < start) put.push({ ...first, end: start });
    if (span !== undefined) put.push(span);
    if (last !== undefined && last.end > end) put.push({ ...last, start: end });
    spans.splice(index, 0, ...put);
    this.#size += put.length;
    if (spans.length > LEAF_SPANS_MAX) this.#leaves.splice(leaf + 1, 0, spans.splice(spans.length >>> 1));
    else if (spans.length === 0) this.#leaves.splice(leaf, 1);
  }

  /** Removes the spans from this one on that begin before `end`. */
  #remove(leaf: number, index: number, end: number): Span<T>[] {
    const removed: Span<T>[] = [];
    let at = leaf;
    for (let from = index; at < this.#leaves.length; from = 0, at++) {
      const spans = this.#leaves[at] as Span<T>[];
      let to = from;
      while (to < spans.length && (spans[to] as Span<T>).start < end) to++;
      const isLast = to < spans.length;
      removed.push(...spans.splice(from, to - from));
      if (isLast) break;
    }
    // Leaves between the first one and this one are empty now.
    const lastIsEmpty = at < this.#leaves.length && this.#leaves[at]?.length === 0;
    if (at > leaf + 1) this.#leaves.splice(leaf + 1, at - leaf - 1 + (lastIsEmpty ? 1 : 0));
    this.#size -= removed.length;
    return removed;
  }
}

/** Index of the first span that ends after `position`. */
function indexEndingAfter<T>(spans: readonly Span<T>[], position: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle] as Span<T>).end <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
