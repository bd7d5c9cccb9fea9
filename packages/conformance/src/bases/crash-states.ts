import * as fc from 'fast-check';
import type { Contents, CrashMedium } from './crash-medium.js';

/** A medium as a crash left it. */
export interface CrashState {
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** The sectors that are not zeroes. */
  readonly sectors: ReadonlyMap<number, Uint8Array>;
}

export interface CrashStatesOptions {
  /** States at most. If there are more, a sample is drawn. Default: 256. */
  readonly maxStates?: number;
  /** Which ones are drawn. Default: 0. */
  readonly seed?: number;
}

/** What may differ: the size, or one sector's contents. */
interface Choice {
  readonly sector: number;
  readonly contents: readonly Contents[];
}

const STATES_MAX = 256;

/**
 * The states that a crash now may leave: what is durable, plus any subset of the later writes, sector by sector and in no
 * order. All of them if they are few; otherwise a sample that holds the two extremes, nothing and everything of what came
 * later.
 */
export function* crashStates(medium: CrashMedium, options: CrashStatesOptions = {}): Generator<CrashState> {
  const maxStates = options.maxStates ?? STATES_MAX;
  const sizes = distinct(medium.sizesAfterCrash());
  const choices = medium.touched().map((sector) => ({ sector, contents: distinct(medium.afterCrash(sector)) }));
  const radices = [sizes.length, ...choices.map(({ contents }) => contents.length)];
  const states = radices.reduce((product, radix) => product * radix, 1);
  const picks = states <= maxStates ? everyPick(radices) : somePicks(radices, maxStates, options.seed ?? 0);
  for (const [size = 0, ...rest] of picks) yield build(medium.sectorSize, sizes[size] ?? 0, choices, rest);
}

function build(
  sectorSize: number,
  sizeSectors: number,
  choices: readonly Choice[],
  pick: readonly number[],
): CrashState {
  const sectors = new Map<number, Uint8Array>();
  for (const [i, { sector, contents }] of choices.entries()) {
    const bytes = contents[pick[i] ?? 0];
    if (bytes !== undefined && sector < sizeSectors) sectors.set(sector, bytes);
  }
  return { sectorSize, sizeSectors, sectors };
}

/** Counts through all digits. */
function* everyPick(radices: readonly number[]): Generator<number[]> {
  const pick = radices.map(() => 0);
  for (;;) {
    yield [...pick];
    let place = 0;
    while (place < radices.length && pick[place] === (radices[place] ?? 1) - 1) pick[place++] = 0;
    if (place === radices.length) return;
    pick[place] = (pick[place] ?? 0) + 1;
  }
}

function* somePicks(radices: readonly number[], count: number, seed: number): Generator<number[]> {
  yield radices.map(() => 0);
  yield radices.map((radix) => radix - 1);
  yield* fc.sample(fc.tuple(...radices.map((radix) => fc.nat(radix - 1))), { seed, numRuns: Math.max(0, count - 2) });
}

/** The last of each, so that the last of all stays the last. */
function distinct<T>(versions: readonly T[]): readonly T[] {
  return versions.filter((each, i) => versions.lastIndexOf(each) === i);
}
