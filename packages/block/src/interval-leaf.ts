/** Most intervals in a leaf: few enough to move in a moment, many enough that the list of leaves stays short. */
export const LEAF_INTERVALS_MAX = 256;

/** A change adds at most one interval to a leaf before the leaf is split. */
const LEAF_SLOTS = LEAF_INTERVALS_MAX + 1;

/** What the engine keeps for a leaf and its array beside their contents, roughly. */
const LEAF_OVERHEAD_BYTES = 256;

/** Memory that one leaf holds, in bytes. */
export const LEAF_BYTES = LEAF_SLOTS * 2 * Float64Array.BYTES_PER_ELEMENT + LEAF_OVERHEAD_BYTES;

/**
 * A sorted run of disjoint intervals, none touching the next. So all their bounds, start and end of each, form one strictly
 * ascending sequence, and the position of a number in that sequence tells everything: at an odd one it is inside an interval.
 */
export class IntervalLeaf {
  readonly #bounds = new Float64Array(LEAF_SLOTS * 2);
  #count = 0;

  /** Number of intervals. */
  get count(): number {
    return this.#count;
  }

  start(index: number): number {
    return this.#bounds[index * 2] as number;
  }

  end(index: number): number {
    return this.#bounds[index * 2 + 1] as number;
  }

  /** End of the last interval. The leaf must not be empty. */
  get lastEnd(): number {
    return this.#bounds[this.#count * 2 - 1] as number;
  }

  /** How many bounds are less than `value`. */
  boundsBelow(value: number): number {
    let low = 0;
    let high = this.#count * 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#bounds[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Sum of the lengths of the intervals from `from` to before `to`. */
  lengthOf(from: number, to: number): number {
    let sum = 0;
    for (let i = from; i < to; i++) sum += this.end(i) - this.start(i);
    return sum;
  }

  /** Replaces the intervals from `from` to before `to` by others, given as start and end of each. */
  replace(from: number, to: number, bounds: readonly number[]): void {
    this.#bounds.copyWithin(from * 2 + bounds.length, to * 2, this.#count * 2);
    this.#bounds.set(bounds, from * 2);
    this.#count += bounds.length / 2 - (to - from);
  }

  /** Moves the intervals from `from` on into a new leaf. */
  split(from: number): IntervalLeaf {
    const right = new IntervalLeaf();
    right.#bounds.set(this.#bounds.subarray(from * 2, this.#count * 2));
    right.#count = this.#count - from;
    this.#count = from;
    return right;
  }

  /** Takes over the intervals of the leaf to the right. */
  append(right: IntervalLeaf): void {
    this.#bounds.set(right.#bounds.subarray(0, right.#count * 2), this.#count * 2);
    this.#count += right.#count;
  }
}
