import fc from 'fast-check';
import { xorshift128plus } from 'pure-rand/generator/xorshift128plus';
import { expect, test } from 'vitest';
import { DrainEstimator } from './drain-estimate.js';

const SAMPLE_MS = 200;
/** Within so much an estimate has to be, beside what no one can know: how a request ends that is under way. */
const SHARE_MAX = 0.2;
/** When it has to be that good, after the beginning. */
const KNOWN_AFTER_MS = 3000;

/** A store: how long a request takes that begins at a moment. */
type LatencyMs = (startMs: number, random: () => number) => number;

function randomOf(seed: number): () => number {
  const generator = xorshift128plus(seed);
  return () => (generator.next() >>> 0) / 2 ** 32;
}

/** When each of so many requests ends, so many of them in flight at once, ascending. */
function endsOf(count: number, atOnce: number, latencyMs: LatencyMs, seed: number): number[] {
  const random = randomOf(seed);
  const free = new Array<number>(Math.min(atOnce, count)).fill(0);
  const ends: number[] = [];
  for (let request = 0; request < count; request++) {
    let next = 0;
    for (let at = 1; at < free.length; at++) if ((free[at] ?? 0) < (free[next] ?? 0)) next = at;
    const startMs = free[next] ?? 0;
    free[next] = startMs + latencyMs(startMs, random);
    ends.push(free[next] ?? 0);
  }
  return ends.sort((a, b) => a - b);
}

interface Seen {
  readonly atMs: number;
  readonly estimatedMs: number | undefined;
  readonly basis: 'measured' | 'remembered' | undefined;
  /** What was left in truth. */
  readonly leftMs: number;
}

/** What an estimator tells at each moment of a drain. */
function drain(ends: readonly number[], estimator = new DrainEstimator(), startMs = 0): Seen[] {
  const endMs = ends.at(-1) ?? 0;
  const seen: Seen[] = [];
  let done = 0;
  for (let atMs = 0; atMs < endMs; atMs += SAMPLE_MS) {
    while ((ends[done] ?? Number.POSITIVE_INFINITY) <= atMs) done++;
    estimator.add({ atMs: startMs + atMs, left: ends.length - done, done, isDraining: true, isAway: false });
    const { seconds, basis } = estimator.estimate();
    seen.push({ atMs, estimatedMs: seconds === undefined ? undefined : seconds * 1000, basis, leftMs: endMs - atMs });
  }
  return seen;
}

/** The share by which an estimate is wrong, beyond a tolerance. */
function errorOf({ estimatedMs = Number.POSITIVE_INFINITY, leftMs }: Seen, toleranceMs: number): number {
  return Math.max(0, Math.abs(estimatedMs - leftMs) - toleranceMs) / leftMs;
}

const latencies = fc.tuple(fc.integer({ min: 10, max: 400 }), fc.integer({ min: 10, max: 400 })).map((two) => ({
  lowMs: Math.min(...two),
  highMs: Math.max(...two),
}));

test('of a drain over 10 to 400 ms what is left is known to a fifth', () => {
  const drains = fc.record({
    latency: latencies,
    atOnce: fc.integer({ min: 4, max: 128 }),
    seconds: fc.integer({ min: 5, max: 25 }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(drains, ({ latency: { lowMs, highMs }, atOnce, seconds, seed }) => {
      const count = Math.min(8000, Math.ceil((seconds * 2000 * atOnce) / (lowMs + highMs)));
      const ends = endsOf(count, atOnce, (_, random) => lowMs + (highMs - lowMs) * random(), seed);
      for (const each of drain(ends)) {
        if (each.atMs < KNOWN_AFTER_MS) continue;
        expect(each.basis).toBe('measured');
        expect(errorOf(each, highMs + SAMPLE_MS)).toBeLessThan(SHARE_MAX);
      }
    }),
    { seed: 15, numRuns: 60 },
  );
});

test('a store that becomes slower or quicker is known again some seconds later', () => {
  const changes = fc.record({
    beforeMs: fc.integer({ min: 10, max: 400 }),
    afterMs: fc.integer({ min: 10, max: 400 }),
    atOnce: fc.integer({ min: 8, max: 64 }),
    seed: fc.integer(),
  });
  const CHANGE_MS = 6000;
  fc.assert(
    fc.property(changes, ({ beforeMs, afterMs, atOnce, seed }) => {
      const latencyMs: LatencyMs = (startMs, random) =>
        (startMs < CHANGE_MS ? beforeMs : afterMs) * (0.75 + 0.5 * random());
      const count = Math.ceil(atOnce * (CHANGE_MS / beforeMs + 15_000 / afterMs));
      for (const each of drain(endsOf(count, atOnce, latencyMs, seed))) {
        if (each.atMs < CHANGE_MS + 2 * KNOWN_AFTER_MS) continue;
        expect(errorOf(each, 2 * afterMs + SAMPLE_MS)).toBeLessThan(SHARE_MAX);
      }
    }),
    { seed: 15, numRuns: 40 },
  );
});

/** A store that ends so many requests in each sample. */
function evenly(estimator: DrainEstimator, fromMs: number, samples: number, left: number, perSample: number): number {
  for (let sample = 1; sample <= samples; sample++) {
    const done = 1_000_000 - left + perSample * sample;
    const progress = { left: left - perSample * sample, done, isDraining: true, isAway: false };
    estimator.add({ atMs: fromMs + sample * SAMPLE_MS, ...progress });
  }
  return left - perSample * samples;
}

test('while the store is away the time is that from its return, by what was measured before', () => {
  const estimator = new DrainEstimator();
  const left = evenly(estimator, 0, 25, 1000, 10);
  expect(estimator.estimate()).toEqual({ seconds: expect.closeTo(15, 0), basis: 'measured' });
  const away = { left, done: 1_000_000 - left, isDraining: true, isAway: true };
  for (let atMs = 5200; atMs < 100_000; atMs += 5000) estimator.add({ atMs, ...away });
  expect(estimator.estimate()).toEqual({ seconds: expect.closeTo(15, 0), basis: 'remembered' });
  // What was not done meanwhile does not count once it is back.
  evenly(estimator, 100_000, 25, left, 5);
  expect(estimator.estimate()).toEqual({ seconds: expect.closeTo(25, 0), basis: 'measured' });
});

test('before anything was ever measured nothing is known, and of nothing that it takes no time', () => {
  const estimator = new DrainEstimator();
  expect(estimator.estimate()).toEqual({ seconds: undefined, basis: undefined });
  estimator.add({ atMs: 0, left: 100, done: 0, isDraining: true, isAway: false });
  expect(estimator.estimate().seconds).toBeUndefined();
  estimator.add({ atMs: 200, left: 0, done: 0, isDraining: false, isAway: false });
  expect(estimator.estimate()).toEqual({ seconds: 0, basis: 'measured' });
});

test('what is done without haste says nothing of a drain: the rate of the last one does', () => {
  const estimator = new DrainEstimator();
  evenly(estimator, 0, 25, 250, 10);
  for (let sample = 1; sample < 100; sample++) {
    const done = 1_000_000 + sample;
    estimator.add({ atMs: 5000 + sample * SAMPLE_MS, left: 100, done, isDraining: false, isAway: false });
  }
  expect(estimator.estimate()).toEqual({ seconds: expect.closeTo(2, 0), basis: 'remembered' });
});

test('a drain that stands still takes longer and longer', () => {
  const estimator = new DrainEstimator();
  const left = evenly(estimator, 0, 25, 1000, 10);
  const still = { left, done: 1_000_000 - left, isDraining: true, isAway: false };
  for (let atMs = 5200; atMs <= 15_000; atMs += SAMPLE_MS) estimator.add({ atMs, ...still });
  expect(estimator.estimate().seconds).toBeGreaterThan(40);
});
