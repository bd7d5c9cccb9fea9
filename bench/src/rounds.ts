/** Does its work once and says how many operations that was. */
export type Side = () => Promise<number>;

/** Seconds per operation of each side, the median of so many rounds. The sides alternate, so that all see the same machine. */
export async function timeInRounds(sides: readonly Side[], rounds: number): Promise<number[]> {
  return (await secondsInRounds(sides, rounds)).map(medianOf);
}

/** The same for each round: by side, then by round. */
export async function secondsInRounds(sides: readonly Side[], rounds: number): Promise<number[][]> {
  const seconds: number[][] = sides.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, side] of sides.entries()) {
      const start = performance.now();
      const operations = await side();
      // The first round warms up.
      if (round >= 0) seconds[i]?.push((performance.now() - start) / 1000 / operations);
    }
  }
  return seconds;
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Median over the rounds of `a` in terms of `b`. What slows a round down does so for both, and drops out. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  return medianOf(a.map((value, round) => value / (b[round] ?? Number.NaN)));
}
