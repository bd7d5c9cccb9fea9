/** Moments that are told apart. The oldest is known to one in half as many of the time since. */
const BUCKETS = 64;
/** Width of a bucket, in milliseconds, while few are needed: a power of two, as every width is, so that two become one exactly. */
const WIDTH_MS_MIN = 16;

/**
 * Since when the oldest of many things waits, without a look at each: they are counted in buckets of time, which become wider when
 * there would be too many. A bucket tells the oldest that was in it since it was empty.
 */
export class Ages {
  static readonly byteLength = BUCKETS * 2 * Float64Array.BYTES_PER_ELEMENT;

  readonly #counts = new Float64Array(BUCKETS);
  readonly #sinceMs = new Float64Array(BUCKETS).fill(Number.POSITIVE_INFINITY);
  /** Of the first bucket, in widths since the moment 0. */
  #first = 0;
  #widthMs = WIDTH_MS_MIN;
  #count = 0;

  /** Infinite if nothing waits. */
  get oldestSinceMs(): number {
    if (this.#count === 0) return Number.POSITIVE_INFINITY;
    return this.#sinceMs[this.#firstUsed()] ?? Number.POSITIVE_INFINITY;
  }

  enter(sinceMs: number): void {
    if (this.#count === 0) {
      this.#widthMs = WIDTH_MS_MIN;
      this.#first = Math.floor(sinceMs / WIDTH_MS_MIN);
    }
    while (this.#placeOf(sinceMs) >= BUCKETS) this.#makeRoom();
    const at = this.#placeOf(sinceMs);
    this.#count++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sinceMs[at] = Math.min(this.#sinceMs[at] ?? sinceMs, sinceMs);
  }

  /** Of one that has entered with that moment. */
  leave(sinceMs: number): void {
    const at = this.#placeOf(sinceMs);
    this.#count--;
    const left = (this.#counts[at] ?? 0) - 1;
    this.#counts[at] = left;
    if (left === 0) this.#sinceMs[at] = Number.POSITIVE_INFINITY;
  }

  /** What is older than the first bucket is in that: it keeps it from leaving. */
  #placeOf(sinceMs: number): number {
    return Math.max(0, Math.floor(sinceMs / this.#widthMs) - this.#first);
  }

  #firstUsed(): number {
    let at = 0;
    while (at < BUCKETS - 1 && this.#counts[at] === 0) at++;
    return at;
  }

  /** Empty buckets at the front leave; if there are none, two become one. */
  #makeRoom(): void {
    const empty = this.#firstUsed();
    if (empty > 0) {
      this.#counts.copyWithin(0, empty);
      this.#sinceMs.copyWithin(0, empty);
      this.#empty(BUCKETS - empty);
      this.#first += empty;
      return;
    }
    const isOdd = this.#first % 2 !== 0;
    const from = Math.floor(this.#first / 2);
    const counts = this.#counts.slice();
    const sinceMs = this.#sinceMs.slice();
    this.#empty(0);
    for (let at = 0; at < BUCKETS; at++) {
      const to = Math.floor((at + (isOdd ? 1 : 0)) / 2);
      this.#counts[to] = (this.#counts[to] ?? 0) + (counts[at] ?? 0);
      this.#sinceMs[to] = Math.min(
        this.#sinceMs[to] ?? Number.POSITIVE_INFINITY,
        sinceMs[at] ?? Number.POSITIVE_INFINITY,
      );
    }
    this.#first = from;
    this.#widthMs *= 2;
  }

  #empty(from: number): void {
    this.#counts.fill(0, from);
    this.#sinceMs.fill(Number.POSITIVE_INFINITY, from);
  }
}
