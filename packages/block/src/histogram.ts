/** Buckets between a power of two and the next: what a quantile is off by is less than one in this many. */
const STEPS = 32;
/** Buckets in all. The last one, which has no end, begins past 40 days if the values are microseconds. */
const BUCKETS_MAX = 1184;

/**
 * Counts values in buckets that grow with them, so that every quantile is known to within one in 32, at the cost of
 * some kilobytes and no memory per value. The scheme is that of HdrHistogram (http://hdrhistogram.org).
 */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS_MAX);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;

  /** `value` is not negative. */
  add(value: number): void {
    const bucket = Math.min(bucketOf(value), BUCKETS_MAX - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
    this.#sum += value;
    this.#min = Math.min(this.#min, value);
    this.#max = Math.max(this.#max, value);
  }

  get count(): number {
    return this.#count;
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
      left -= this.#counts[bucket] ?? 0;
      if (left <= 0) return Math.min(endOf(bucket), this.#max);
    }
    return this.#max;
  }
}

function bucketOf(value: number): number {
  if (value < STEPS) return Math.floor(value);
  const doublings = Math.floor(Math.log2(value / STEPS));
  return doublings * STEPS + Math.floor(value / 2 ** doublings);
}

/** The value that the bucket's values stay below. */
function endOf(bucket: number): number {
  if (bucket === BUCKETS_MAX - 1) return Number.POSITIVE_INFINITY;
  if (bucket < STEPS) return bucket + 1;
  const doublings = Math.floor(bucket / STEPS) - 1;
  return (bucket - doublings * STEPS + 1) * 2 ** doublings;
}
