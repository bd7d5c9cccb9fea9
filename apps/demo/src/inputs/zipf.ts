import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** The nth most popular place is visited in proportion to n to the power of minus this. */
const ZIPF_EXPONENT = 0.99;

/** Draws one of `count` places, some far more often than others, popular ones anywhere among them. */
export function zipf(random: RandomGenerator, count: number): () => number {
  const places = shuffled(random, count);
  let total = 0;
  const upTo = places.map((_, rank) => {
    total += (rank + 1) ** -ZIPF_EXPONENT;
    return total;
  });
  return () => {
    const drawn = uniformFloat64(random) * total;
    return places[upTo.findIndex((end) => drawn < end)] ?? 0;
  };
}

function shuffled(random: RandomGenerator, count: number): number[] {
  const numbers = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    [numbers[last], numbers[other]] = [numbers[other] ?? 0, numbers[last] ?? 0];
  }
  return numbers;
}
