import * as fc from 'fast-check';

/** How many of all combinations to take, and which. */
export interface CombinationOptions {
  /** Combinations at most. If there are more, a sample is drawn. Default: 256. */
  readonly maxStates?: number;
  /** Which ones are drawn. Default: 0. */
  readonly seed?: number;
}

const STATES_MAX = 256;

/**
 * Combinations of choices, each as the index of what was chosen: of the `i`th, one of `radices[i]`. All of them if they are few;
 * otherwise a sample that holds the two extremes, the first of everything and the last of everything.
 */
export function* combinations(radices: readonly number[], options: CombinationOptions = {}): Generator<number[]> {
  const maxStates = options.maxStates ?? STATES_MAX;
  const all = radices.reduce((product, radix) => product * radix, 1);
  if (all <= maxStates) yield* everyCombination(radices);
  else yield* someCombinations(radices, maxStates, options.seed ?? 0);
}

/** Counts through all digits. */
function* everyCombination(radices: readonly number[]): Generator<number[]> {
  const pick = radices.map(() => 0);
  for (;;) {
    yield [...pick];
    let place = 0;
    while (place < radices.length && pick[place] === (radices[place] ?? 1) - 1) pick[place++] = 0;
    if (place === radices.length) return;
    pick[place] = (pick[place] ?? 0) + 1;
  }
}

function* someCombinations(radices: readonly number[], count: number, seed: number): Generator<number[]> {
  yield radices.map(() => 0);
  yield radices.map((radix) => radix - 1);
  yield* fc.sample(fc.tuple(...radices.map((radix) => fc.nat(radix - 1))), { seed, numRuns: Math.max(0, count - 2) });
}
