import { randomFrom } from './random.js';

/** A reference string made to hurt: what it is called and its line numbers, for a cache of `capacity` lines. */
export interface Synthetic {
  readonly name: string;
  readonly keys: (capacity: number) => Float64Array;
}

const ACCESSES_PER_LINE = 300;
const ZIPF_LINES_PER_LINE = 25;
const SEED = 20;

/** Phases that a policy which adapts to one must find its way back from. */
export const SYNTHETICS: readonly Synthetic[] = [
  loop(0.9),
  loop(1.05),
  loop(1.5),
  loop(3),
  { name: 'zipf 0.7', keys: (c) => fill(c, zipf(0.7, c)) },
  { name: 'zipf 1.0', keys: (c) => fill(c, zipf(1, c)) },
  { name: 'zipf + scan', keys: zipfAndScan },
  { name: 'zipf drift', keys: zipfDrift },
  { name: 'zipf jump', keys: zipfJump },
  { name: 'areas', keys: areas },
  { name: 'recency', keys: (c) => fill(c, recency(c)) },
  { name: 'recency <-> loop', keys: recencyAndLoop },
  { name: 'loop that grows', keys: growingLoop },
  { name: 'loop that shrinks', keys: (c) => growingLoop(c).reverse() },
  { name: 'phases', keys: phases },
];

/** Every line of `factor` times the capacity in turn, over and over. */
export function loop(factor: number): Synthetic {
  return {
    name: `loop ${factor} c`,
    keys: (c) => {
      const lines = Math.round(factor * c);
      return fill(c, (i) => i % lines);
    },
  };
}

function fill(capacity: number, keyAt: (access: number) => number): Float64Array {
  const keys = new Float64Array(capacity * ACCESSES_PER_LINE);
  for (let i = 0; i < keys.length; i++) keys[i] = keyAt(i);
  return keys;
}

/** Ranks drawn with a probability of 1 / rank^exponent. */
function zipf(exponent: number, capacity: number): () => number {
  const random = randomFrom(SEED);
  const sums = new Float64Array(capacity * ZIPF_LINES_PER_LINE);
  let sum = 0;
  for (let rank = 0; rank < sums.length; rank++) {
    sum += 1 / (rank + 1) ** exponent;
    sums[rank] = sum;
  }
  return () => lowerBound(sums, random() * sum);
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Popular lines, and a stretch of the capacity read once, alternating. */
function zipfAndScan(capacity: number): Float64Array {
  const draw = zipf(0.9, capacity);
  let fresh = capacity * ZIPF_LINES_PER_LINE;
  return fill(capacity, (i) => (Math.floor(i / capacity) % 2 === 0 ? draw() : fresh++));
}

/** Popularity wanders: everything is new after some sixty capacities of accesses. */
function zipfDrift(capacity: number): Float64Array {
  const draw = zipf(0.9, capacity);
  return fill(capacity, (i) => draw() + Math.floor(i / 4));
}

/** Popularity is dealt out anew at once, five times. */
function zipfJump(capacity: number): Float64Array {
  const draw = zipf(1, capacity);
  const phase = capacity * (ACCESSES_PER_LINE / 6);
  return fill(capacity, (i) => draw() + Math.floor(i / phase) * capacity * ZIPF_LINES_PER_LINE);
}

/** Any line of an area twice as large as the cache, and of another one after six capacities of uses. */
function areas(capacity: number): Float64Array {
  const random = randomFrom(SEED);
  return fill(capacity, (i) => (Math.floor(i / (6 * capacity)) * 2 + 2 * random()) * capacity).map(Math.floor);
}

/** Every line is used twice, the second time after up to 0.8 capacities of others: LRU is perfect here. */
function recency(capacity: number): (access: number) => number {
  const random = randomFrom(SEED);
  const delay = Math.round(capacity * 0.8);
  /** Lines whose second use is due, by time. */
  const due = new Map<number, number>();
  let fresh = 0;
  return (i) => {
    const line = due.get(i);
    if (line !== undefined) {
      due.delete(i);
      return line;
    }
    let when = i + 1 + Math.floor(random() * delay);
    while (due.has(when)) when++;
    due.set(when, fresh);
    return fresh++;
  };
}

/** Recency and a loop of 1.2 capacities, alternating every thirty capacities. */
function recencyAndLoop(capacity: number): Float64Array {
  const next = recency(capacity);
  const lines = Math.round(1.2 * capacity);
  const phase = capacity * 30;
  let recent = 0;
  return fill(capacity, (i) => (Math.floor(i / phase) % 2 === 0 ? next(recent++) : -1 - (i % lines))).map((key) =>
    key < 0 ? 2 ** 33 - key : key,
  );
}

/** A loop of half a capacity that gets longer with each round, to two and a half: it passes the capacity unnoticed. */
function growingLoop(capacity: number): Float64Array {
  const accesses = capacity * ACCESSES_PER_LINE;
  let at = 0;
  return fill(capacity, (i) => {
    const lines = Math.round(capacity * (0.5 + (2 * i) / accesses));
    at = at + 1 >= lines ? 0 : at + 1;
    return at;
  });
}

/** Popularity, a loop and recency in turn, on lines of their own, each for long enough to be learnt and too short to be forgotten. */
function phases(capacity: number): Float64Array {
  const draw = zipf(1, capacity);
  const next = recency(capacity);
  const lines = Math.round(1.1 * capacity);
  const phase = capacity * 10;
  let recent = 0;
  return fill(capacity, (i) => {
    const kind = Math.floor(i / phase) % 3;
    if (kind === 0) return draw();
    return kind === 1 ? 2 ** 33 + (i % lines) : 2 ** 34 + next(recent++);
  });
}
