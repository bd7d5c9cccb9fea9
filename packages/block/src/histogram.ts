/** Buckets between a power of two and the next: what a quantile is off by is less than one in this many. */
const STEPS = 32;
/** Buckets in all. The last one, which has no end, begins past 40 days if the values are microseconds. */
const BUCKETS_MAX = 1184;
const CARRY = 2 ** 32;
/** Up to here the processor counts doublings; a logarithm takes ten times as long. */
const INTEGER_MAX = 2 ** 31 - 1;
/** Of the 32 bits of `STEPS`. */
const LEADING_ZEROES = Math.clz32(STEPS);

/**
 * Counts values in buckets that grow with them, so that every quantile is known to within one in 32, at the cost of
 * some kilobytes and no memory per value. The scheme is that of HdrHistogram (http://hdrhistogram.org).
 */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS_MAX);
  /** What 32 bits do not hold of a bucket's count, in units of 2^32: a busy server gets there within a day. */
  readonly #carries = new Map<number, number>();
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  /** `value` is not negative; it is added so many times, once or more. */
  add(value: number, times = 1): void {
    const bucket = Math.min(bucketOf(value), BUCKETS_MAX - 1);
    const count = (this.#counts[bucket] ?? 0) + times;
    this.#counts[bucket] = count;
    if (count >= CARRY) this.#carries.set(bucket, (this.#carries.get(bucket) ?? 0) + Math.floor(count / CARRY));
    this.#count += times;
    this.#sum += value * times;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  get byteLength(): number {
    return this.#counts.byteLength;
  }

  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** The value that a `share` of all values, from 0 to 1, do not exceed; rather too large than too small. */
  quantile(share: number): number {
    let left = Math.ceil(this.#count * share);
    for (let bucket = 0; bucket < BUCKETS_MAX && this.#count > 0; bucket++) {
      left -= this.#in(bucket);
      if (left <= 0) return Math.min(endOf(bucket), this.#max);
    }
    return this.#max;
  }

  /**
   * For each of these values, in ascending order, how many values were less. Exact where a bucket begins: at whole numbers up
   * to 64, and at what is one of them doubled any number of times from 32 on. Elsewhere off by what one bucket holds.
   */
  below(bounds: readonly number[]): number[] {
    let bucket = 0;
    let count = 0;
    return bounds.map((bound) => {
      for (const end = Math.min(bucketOf(bound), BUCKETS_MAX); bucket < end; bucket++) count += this.#in(bucket);
      return count;
    });
  }

  #in(bucket: number): number {
    return (this.#counts[bucket] ?? 0) + (this.#carries.get(bucket) ?? 0) * CARRY;
  }
}

function bucketOf(value: number): number {
  if (value < STEPS) return Math.floor(value);
  if (value > INTEGER_MAX) {
    const doublings = Math.floor(Math.log2(value / STEPS));
    return doublings * STEPS + Math.floor(value / 2 ** doublings);
  }
  const whole = Math.floor(value);
  const doublings = LEADING_ZEROES - Math.clz32(whole);
  return doublings * STEPS + (whole >> doublings);
}

/** The value that the bucket's values stay below. */
function endOf(bucket: number): number {
  if (bucket === BUCKETS_MAX - 1) return Number.POSITIVE_INFINITY;
  if (bucket < STEPS) return bucket + 1;
  const doublings = Math.floor(bucket / STEPS) - 1;
  return (bucket - doublings * STEPS + 1) * 2 ** doublings;
}
