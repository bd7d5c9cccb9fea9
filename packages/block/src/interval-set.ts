import { IntervalLeaf, LEAF_BYTES, LEAF_INTERVALS_MAX } from './interval-leaf.js';

/** The integers from `start` to before `end`. */
export interface Interval {
  readonly start: number;
  readonly end: number;
}

/** A part of an asked range that lies wholly inside or wholly outside of a set. */
export interface IntervalRun extends Interval {
  readonly inside: boolean;
}

/** Where an interval stands: the one with number `index` of leaf number `leaf`. */
interface Place {
  readonly leaf: number;
  readonly index: number;
}

/**
 * A set of non-negative safe integers, held as disjoint half-open intervals `[start, end)`; neighbours that touch are one.
 *
 * A sorted list of sorted leaves of some hundred intervals each, without an object per interval: an operation is two binary
 * searches and the move of at most one leaf. A million intervals take eighteen megabytes when they came in ascending order,
 * some twenty-five when they did not.
 *
 * Ranges that are not `0 <= start <= end <= 2^53 - 1` in whole numbers throw a `RangeError`.
 *
 * @example
 * ```ts
 * import { IntervalSet } from '@blockyard/block';
 *
 * const set = new IntervalSet();
 * set.add(0, 4);
 * set.add(4, 8);
 * set.remove(2, 3);
 * console.log([...set].map(({ start, end }) => `${start} to ${end}`).join(', ')); // 0 to 2, 3 to 8
 * ```
 */
export class IntervalSet {
  #leaves: IntervalLeaf[] = [];
  #size = 0;
  #totalLength = 0;
  /** Counts changes, so that an iteration notices them. */
  #version = 0;

  /** Number of intervals. */
  get size(): number {
    return this.#size;
  }

  /** Number of integers in the set: the lengths of all intervals together. */
  get totalLength(): number {
    return this.#totalLength;
  }

  /** Memory that the set holds, in bytes, to within a few per cent. */
  get byteLength(): number {
    return this.#leaves.length * LEAF_BYTES;
  }

  /** Puts the range in, whole or in part there already or not. */
  add(start: number, end: number): void {
    checkInterval(start, end);
    if (start === end) return;
    // Those that touch the range become one with it.
    const from = this.#firstEndingFrom(start);
    const to = this.#firstStartingFrom(end + 1, from);
    const touches = isBefore(from, to);
    const merged = touches ? [Math.min(start, this.#startAt(from)), Math.max(end, this.#endBefore(to))] : [start, end];
    this.#replace(from, to, merged);
  }

  /** Takes the range out, whole or in part there or not. */
  remove(start: number, end: number): void {
    checkInterval(start, end);
    if (start === end) return;
    const from = this.#firstEndingFrom(start + 1);
    const to = this.#firstStartingFrom(end, from);
    if (!isBefore(from, to)) return;
    const firstStart = this.#startAt(from);
    const lastEnd = this.#endBefore(to);
    const kept: number[] = [];
    if (firstStart < start) kept.push(firstStart, start);
    if (end < lastEnd) kept.push(end, lastEnd);
    this.#replace(from, to, kept);
  }

  /** Takes out everything from `end` on. */
  truncate(end: number): void {
    this.remove(end, Number.MAX_SAFE_INTEGER);
  }

  /** Takes everything out. */
  clear(): void {
    this.#leaves = [];
    this.#size = 0;
    this.#totalLength = 0;
    this.#version++;
  }

  /** Whether a number is in one of the intervals. */
  has(point: number): boolean {
    return this.covers(point, point + 1);
  }

  /** Whether every integer of the range is in the set; true for an empty range. */
  covers(start: number, end: number): boolean {
    checkInterval(start, end);
    if (start === end) return true;
    const { leaf, index } = this.#firstEndingFrom(start + 1);
    const found = this.#leaves[leaf];
    return found !== undefined && found.start(index) <= start && end <= found.end(index);
  }

  /** Whether any integer of the range is in the set; false for an empty range. */
  intersects(start: number, end: number): boolean {
    checkInterval(start, end);
    if (start === end) return false;
    const { leaf, index } = this.#firstEndingFrom(start + 1);
    const found = this.#leaves[leaf];
    return found !== undefined && found.start(index) < end;
  }

  /** The interval with the least integers, if there is one. */
  first(): Interval | undefined {
    const leaf = this.#leaves[0];
    return leaf === undefined ? undefined : { start: leaf.start(0), end: leaf.end(0) };
  }

  /** All intervals, ascending. */
  [Symbol.iterator](): IterableIterator<Interval> {
    return this.from(0);
  }

  /**
   * Intervals that end after `position`, ascending; the first may begin before it. The set may change meanwhile: what changed
   * ahead of the iteration is seen changed, and no integer comes twice.
   */
  *from(position: number): IterableIterator<Interval> {
    checkInterval(position, position);
    let version = -1;
    let leaf = 0;
    let index = 0;
    let seen = 0;
    for (let at = position; ; index++) {
      if (version !== this.#version) {
        ({ leaf, index } = this.#firstEndingFrom(at + 1));
        version = this.#version;
      } else if (index === this.#leaves[leaf]?.count) {
        leaf++;
        index = 0;
      }
      const found = this.#leaves[leaf];
      if (found === undefined) return;
      const start = Math.max(found.start(index), seen);
      at = seen = found.end(index);
      yield { start, end: at };
    }
  }

  /** The range partitioned into alternating runs inside and outside of the set, ascending, covering it exactly. */
  *runs(start: number, end: number): IterableIterator<IntervalRun> {
    checkInterval(start, end);
    if (start === end) return;
    let at = start;
    for (const interval of this.from(start)) {
      if (interval.start >= end) break;
      if (interval.start > at) yield { start: at, end: interval.start, inside: false };
      const insideStart = Math.max(interval.start, at);
      at = Math.min(interval.end, end);
      yield { start: insideStart, end: at, inside: true };
    }
    if (at < end) yield { start: at, end, inside: false };
  }

  /** The first interval whose end is `value` or more, or the place behind the last. */
  #firstEndingFrom(value: number): Place {
    const leaf = this.#leafEndingFrom(value, 0);
    const index = this.#leaves[leaf]?.boundsBelow(value) ?? 0;
    return { leaf, index: index >>> 1 };
  }

  /** The first interval whose start is `value` or more, or the place behind the last. Not before leaf `from`. */
  #firstStartingFrom(value: number, from: Place): Place {
    const leaf = this.#leafEndingFrom(value, from.leaf);
    const index = this.#leaves[leaf]?.boundsBelow(value) ?? 0;
    return { leaf, index: (index + 1) >>> 1 };
  }

  /** Number of the first leaf whose last interval ends at `value` or later. Not before leaf `low`. */
  #leafEndingFrom(value: number, low: number): number {
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#leaf(middle).lastEnd < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #leaf(number: number): IntervalLeaf {
    const leaf = this.#leaves[number];
    if (leaf === undefined) throw new RangeError(`leaf ${number} of ${this.#leaves.length}`);
    return leaf;
  }

  #startAt({ leaf, index }: Place): number {
    return this.#leaf(leaf).start(index);
  }

  #endBefore({ leaf, index }: Place): number {
    return index > 0 ? this.#leaf(leaf).end(index - 1) : this.#leaf(leaf - 1).lastEnd;
  }

  /** Replaces the intervals from `from` to before `to` by at most two others, given as start and end of each. */
  #replace(from: Place, to: Place, bounds: readonly number[]): void {
    this.#version++;
    if (this.#leaves.length === 0) this.#leaves.push(new IntervalLeaf());
    const first = this.#existing(from);
    this.#splice(first, isBefore(from, to) ? this.#lastTouched(to, first.leaf) : first, bounds);
    for (let i = 0; i < bounds.length; i += 2) {
      this.#size++;
      this.#totalLength += (bounds[i + 1] as number) - (bounds[i] as number);
    }
    this.#split(first.leaf);
    this.#join(first.leaf + 1);
    this.#join(first.leaf);
    this.#join(first.leaf - 1);
  }

  /** The same place, but in a leaf that exists: behind the last leaf is the end of the last leaf. */
  #existing(place: Place): Place {
    const last = this.#leaves.length - 1;
    return place.leaf <= last ? place : { leaf: last, index: this.#leaf(last).count };
  }

  /**
   * The same place, but in the last leaf that a replacement up to it touches: the start of a leaf is the end of the one before.
   */
  #lastTouched(place: Place, firstLeaf: number): Place {
    const { leaf, index } = this.#existing(place);
    return index === 0 && leaf > firstLeaf ? { leaf: leaf - 1, index: this.#leaf(leaf - 1).count } : { leaf, index };
  }

  #splice(from: Place, to: Place, bounds: readonly number[]): void {
    const first = this.#leaf(from.leaf);
    if (from.leaf === to.leaf) {
      this.#forget(first, from.index, to.index);
      first.replace(from.index, to.index, bounds);
      return;
    }
    this.#forget(first, from.index, first.count);
    first.replace(from.index, first.count, bounds);
    for (let i = from.leaf + 1; i < to.leaf; i++) this.#forget(this.#leaf(i), 0, this.#leaf(i).count);
    const last = this.#leaf(to.leaf);
    this.#forget(last, 0, to.index);
    last.replace(0, to.index, []);
    this.#leaves.splice(from.leaf + 1, to.leaf - from.leaf - (last.count === 0 ? 0 : 1));
  }

  /** Takes intervals that are about to go out of the sums. */
  #forget(leaf: IntervalLeaf, from: number, to: number): void {
    this.#size -= to - from;
    this.#totalLength -= leaf.lengthOf(from, to);
  }

  /**
   * Cuts a leaf that is too full in two. The last one stays full, because a set that grows at its end never comes back to it.
   */
  #split(number: number): void {
    const leaf = this.#leaf(number);
    if (leaf.count <= LEAF_INTERVALS_MAX) return;
    const isLast = number === this.#leaves.length - 1;
    this.#leaves.splice(number + 1, 0, leaf.split(isLast ? leaf.count - 1 : leaf.count >>> 1));
  }

  /** Makes one leaf of this and the next if they fill half of one, and drops an empty one. */
  #join(number: number): void {
    const leaf = this.#leaves[number];
    if (leaf === undefined) return;
    const next = this.#leaves[number + 1];
    if (next !== undefined && leaf.count + next.count <= LEAF_INTERVALS_MAX / 2) {
      leaf.append(next);
      this.#leaves.splice(number + 1, 1);
    }
    if (leaf.count === 0) this.#leaves.splice(number, 1);
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.leaf < b.leaf || (a.leaf === b.leaf && a.index < b.index);
}

function checkInterval(start: number, end: number): void {
  const isInterval = Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end;
  if (!isInterval) throw new RangeError(`[${start}, ${end}) is not a range of non-negative safe integers`);
}
