import { NO_ENTRY } from '../tables/numbers.js';
import { LruPolicy } from './policy-lru.js';

/** One key in sixteen is followed, more of them in small caches, so that at least this many lines are. */
const SAMPLE_SHIFT_MAX = 4;
const LINES_MIN = 128;
/** How much better LRU may be, as a share of the accesses, before it counts against the policy. */
const TOLERANCE = 0.005;
/** So many hits more than the policy's, as a share of the sampled lines and at least, make a lead. */
const LEAD_SHARE = 0.25;
const LEAD_MIN = 16;
/**
 * How far the policy may be ahead, as a share of the sampled lines, and have it held in its favour when LRU has a better hour.
 */
const CREDIT_SHARE = 1;

/**
 * What LRU would have made of the same accesses: LRU itself, run on a sample of the keys with as small a share of the lines
 * (Waldspurger et al., "Efficient MRC Construction with SHARDS", FAST 2015). Tells when LRU keeps hitting where the policy
 * misses.
 */
export class LruShadow {
  #lru: LruPolicy;
  readonly #seed: number;
  /** One key in 2^shift is followed. */
  #shift: number;
  /**
   * Hits that LRU is ahead by, less the tolerance (a cumulative sum as in Page, "Continuous Inspection Schemes", Biometrika
   * 1954).
   */
  #lead = 0;

  constructor(capacity: number, seed: number) {
    this.#seed = seed;
    this.#shift = shiftFor(capacity);
    this.#lru = this.#lruFor(capacity);
  }

  get byteLength(): number {
    return this.#lru.byteLength;
  }

  /** Whether the key with this hash is in the sample. */
  follows(hash: number): boolean {
    return (Math.imul(hash, 0x9e3779b1) >>> 16) % (1 << this.#shift) === 0;
  }

  /** Counts one use of a key in the sample, a hit or a miss of the policy. Whether LRU is clearly ahead now. */
  use(key: number, policyHit: boolean): boolean {
    const lru = this.#lru;
    const entry = lru.find(key);
    const isHit = entry !== NO_ENTRY;
    if (isHit) lru.touch(entry);
    else this.#insert(key);
    const difference = Number(isHit) - Number(policyHit);
    this.#lead = Math.max(-CREDIT_SHARE * lru.capacity, this.#lead + difference - TOLERANCE);
    if (this.#lead < Math.max(LEAD_MIN, LEAD_SHARE * lru.capacity)) return false;
    this.#lead = 0;
    return true;
  }

  /** Scales to another capacity. A sample that is too thick for it is thinned, and starts afresh. */
  setCapacity(capacity: number): void {
    const shift = Math.max(this.#shift, shiftFor(capacity));
    this.#lead = 0;
    if (shift !== this.#shift) {
      this.#shift = shift;
      this.#lru = this.#lruFor(capacity);
      return;
    }
    this.#lru.setCapacity(sampledLines(capacity, shift));
    this.#evictTo(this.#lru.capacity);
  }

  #lruFor(capacity: number): LruPolicy {
    return new LruPolicy({ capacity: sampledLines(capacity, this.#shift), seed: this.#seed });
  }

  #insert(key: number): void {
    this.#evictTo(this.#lru.capacity - 1);
    this.#lru.insert(key);
  }

  #evictTo(lines: number): void {
    const lru = this.#lru;
    while (lru.resident > lines) lru.forget(lru.victim(), false);
  }
}

function shiftFor(capacity: number): number {
  const shift = Math.floor(Math.log2(capacity / LINES_MIN));
  return Math.min(Math.max(shift, 0), SAMPLE_SHIFT_MAX);
}

function sampledLines(capacity: number, shift: number): number {
  return Math.max(1, Math.round(capacity / 2 ** shift));
}
