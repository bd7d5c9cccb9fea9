import { intAt } from '../tables/words.js';

/**
 * How often a key was used lately, in four bits: a count-min sketch of four rows that ages by halving (Einziger, Friedman,
 * Manes, "TinyLFU", ACM TOS 2017). Estimates err upwards only.
 *
 * All four counters of a key stand in one bucket of 64 bytes, one touch of memory. Halving is spread over the additions that
 * follow, a few buckets each, so that no single one waits for the whole table.
 */

/** 32-bit words of a bucket: four rows of four words of eight counters. */
const BUCKET_SHIFT = 4;
/** Counters are sized for this many lines a bucket: 16 bytes a line or more. */
const LINES_PER_BUCKET = 4;
const COUNTER_MAX = 15;
/** Halving starts after this many additions per line of the capacity. */
const PERIOD_PER_LINE = 20;
const SWEEP_BUCKETS = 16;

/** What stays of a word of counters after its shift to the right by one. */
const HALVED = 0x77777777;

export class FrequencySketch {
  #words: Int32Array;
  #bucketMask: number;
  #period: number;
  #additions = 0;
  /** Next bucket to be swept; `#bucketMask + 1` when there is none. */
  #sweepAt: number;

  constructor(lines: number) {
    const buckets = bucketsFor(lines);
    this.#words = new Int32Array(buckets << BUCKET_SHIFT);
    this.#bucketMask = buckets - 1;
    this.#sweepAt = buckets;
    this.#period = lines * PERIOD_PER_LINE;
  }

  get byteLength(): number {
    return this.#words.byteLength;
  }

  /** Uses of the key with this hash, 0 to 15. */
  estimate(hash: number): number {
    const spread = spreadOf(hash);
    const choice = choiceOf(hash);
    const bucket = (spread & this.#bucketMask) << BUCKET_SHIFT;
    const words = this.#words;
    const a = (intAt(words, bucket + (choice & 3)) >>> (choice & 28)) & COUNTER_MAX;
    const b = (intAt(words, bucket + 4 + ((choice >>> 5) & 3)) >>> ((choice >>> 5) & 28)) & COUNTER_MAX;
    const c = (intAt(words, bucket + 8 + ((choice >>> 10) & 3)) >>> ((choice >>> 10) & 28)) & COUNTER_MAX;
    const d = (intAt(words, bucket + 12 + ((choice >>> 15) & 3)) >>> ((choice >>> 15) & 28)) & COUNTER_MAX;
    return Math.min(a, b, c, d);
  }

  /** Counts one use and returns the estimate before it. */
  add(hash: number): number {
    if (this.#sweepAt <= this.#bucketMask) this.#sweep();
    if (++this.#additions >= this.#period) this.halve();
    const spread = spreadOf(hash);
    const choice = choiceOf(hash);
    const bucket = (spread & this.#bucketMask) << BUCKET_SHIFT;
    const a = this.#increment(bucket + (choice & 3), choice & 28);
    const b = this.#increment(bucket + 4 + ((choice >>> 5) & 3), (choice >>> 5) & 28);
    const c = this.#increment(bucket + 8 + ((choice >>> 10) & 3), (choice >>> 10) & 28);
    const d = this.#increment(bucket + 12 + ((choice >>> 15) & 3), (choice >>> 15) & 28);
    return Math.min(a, b, c, d);
  }

  /** Makes the estimate of the key at least `uses`, 0 to 15, as if it had been used so often. Counts no addition. */
  raise(hash: number, uses: number): void {
    const spread = spreadOf(hash);
    const choice = choiceOf(hash);
    const bucket = (spread & this.#bucketMask) << BUCKET_SHIFT;
    this.#raise(bucket + (choice & 3), choice & 28, uses);
    this.#raise(bucket + 4 + ((choice >>> 5) & 3), (choice >>> 5) & 28, uses);
    this.#raise(bucket + 8 + ((choice >>> 10) & 3), (choice >>> 10) & 28, uses);
    this.#raise(bucket + 12 + ((choice >>> 15) & 3), (choice >>> 15) & 28, uses);
  }

  /** Forgets half of everything, in the course of the next additions. Not again before it is done. */
  halve(): void {
    if (this.#sweepAt <= this.#bucketMask) return;
    this.#additions = 0;
    this.#sweepAt = 0;
  }

  /** Scales to another capacity. What was counted stays; the table grows if it must and never shrinks. */
  setLines(lines: number): void {
    this.#period = lines * PERIOD_PER_LINE;
    const buckets = bucketsFor(lines);
    const bucketsNow = this.#bucketMask + 1;
    if (buckets <= bucketsNow) return;
    // The new bucket numbers are the old ones with more high bits, so repetition leaves each key's counters where it looks.
    const words = new Int32Array(buckets << BUCKET_SHIFT);
    for (let bucket = 0; bucket < buckets; bucket += bucketsNow) words.set(this.#words, bucket << BUCKET_SHIFT);
    this.#words = words;
    this.#bucketMask = buckets - 1;
    this.#sweepAt = buckets;
  }

  #increment(word: number, shift: number): number {
    const value = intAt(this.#words, word);
    const counter = (value >>> shift) & COUNTER_MAX;
    if (counter < COUNTER_MAX) this.#words[word] = (value + (1 << shift)) | 0;
    return counter;
  }

  #raise(word: number, shift: number, uses: number): void {
    const value = intAt(this.#words, word);
    const counter = (value >>> shift) & COUNTER_MAX;
    if (counter < uses) this.#words[word] = (value + ((uses - counter) << shift)) | 0;
  }

  #sweep(): void {
    const words = this.#words;
    const end = Math.min(this.#sweepAt + SWEEP_BUCKETS, this.#bucketMask + 1);
    for (let at = this.#sweepAt << BUCKET_SHIFT; at < end << BUCKET_SHIFT; at++) {
      words[at] = (intAt(words, at) >>> 1) & HALVED;
    }
    this.#sweepAt = end;
  }
}

function bucketsFor(lines: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(lines / LINES_PER_BUCKET, 1)));
}

/** Chooses the bucket, by other bits than those by which the hash table chooses its slot. */
function spreadOf(hash: number): number {
  const h = Math.imul(hash, 0x7feb352d);
  return h ^ (h >>> 15);
}

/** Five bits a row for the counter within the bucket. */
function choiceOf(hash: number): number {
  return Math.imul(hash, 0x846ca68b) >>> 12;
}
