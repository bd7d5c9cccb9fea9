import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

const UINT32 = 2 ** 32;

/** Random numbers, the same for the same seed. */
export class Random {
  readonly #generator: RandomGenerator;

  /** @param seed any safe integer */
  constructor(seed: number) {
    this.#generator = xoroshiro128plus(mixed(seed));
    // The first numbers of a small seed are small too.
    for (let i = 0; i < 4; i++) this.#generator.next();
  }

  /** 0 to `end` - 1, where `end` is at most 2^32. */
  below(end: number): number {
    return Math.floor(((this.#generator.next() >>> 0) / UINT32) * end);
  }

  /** `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** As `between`, but with each order of magnitude as likely as the next. `min` is at least 1. */
  magnitude(min: number, max: number): number {
    return Math.min(max, Math.floor(min * ((max + 1) / min) ** (this.below(UINT32) / UINT32)));
  }

  /** True in a share of the calls, from 0 to 1. */
  chance(probability: number): boolean {
    return probability > 0 && this.below(UINT32) < probability * UINT32;
  }

  /** One of a list. */
  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }

  /** An independent generator, so that what is drawn there does not shift what is drawn here. */
  fork(): Random {
    return new Random(this.below(UINT32));
  }
}

/** Bits of neighbouring seeds, spread over the word (the finalizer of MurmurHash3). */
function mixed(seed: number): number {
  let h = (seed % UINT32) ^ Math.floor(seed / UINT32);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
