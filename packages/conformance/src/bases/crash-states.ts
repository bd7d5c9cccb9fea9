import { type CombinationOptions, combinations } from './combinations.js';
import type { Contents, CrashMedium } from './crash-medium.js';

/** A medium as a crash left it. */
export interface CrashState {
  readonly sectorSize: number;
  readonly sizeSectors: number;
  /** The sectors that are not zeroes. */
  readonly sectors: ReadonlyMap<number, Uint8Array>;
}

/** What may differ: the size, or one sector's contents. */
interface Choice {
  readonly sector: number;
  readonly contents: readonly Contents[];
}

/**
 * The states that a crash now may leave: what is durable, plus any subset of the later writes, sector by sector and in no
 * order. All of them if they are few; otherwise a sample that holds the two extremes, nothing and everything of what came
 * later.
 */
export function* crashStates(medium: CrashMedium, options: CombinationOptions = {}): Generator<CrashState> {
  const sizes = distinct(medium.sizesAfterCrash());
  const choices = medium.touched().map((sector) => ({ sector, contents: distinct(medium.afterCrash(sector)) }));
  const radices = [sizes.length, ...choices.map(({ contents }) => contents.length)];
  for (const [size = 0, ...rest] of combinations(radices, options)) {
    yield build(medium.sectorSize, sizes[size] ?? 0, choices, rest);
  }
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

/** The last of each, so that the last of all stays the last. */
function distinct<T>(versions: readonly T[]): readonly T[] {
  return versions.filter((each, i) => versions.lastIndexOf(each) === i);
}
