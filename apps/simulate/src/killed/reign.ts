import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/**
 * A reign is the time from when a process has opened the volume until it is fenced. Its writes, each of one sector and stamped with
 * a number that no other has, follow from its number alone. The first one is to sector 0, so that this sector tells the last
 * reign of which anything is left.
 */
export const SHAPE = { sizeSectors: 64, sectorSize: 4096 };

/** Writes of one reign, at most. */
const WRITES_MAX = 10_000;

export interface ReignWrite {
  readonly sector: number;
  readonly stamp: number;
}

export function* writesOf(reign: number): Generator<ReignWrite, void> {
  const random = xoroshiro128plus(reign);
  for (let write = 0; write < WRITES_MAX; write++) {
    const sector = write === 0 ? 0 : uniformInt(random, 1, SHAPE.sizeSectors - 1);
    yield { sector, stamp: reign * WRITES_MAX + write + 1 };
  }
}

/** Which reign a stamp is of. */
export function reignOf(stamp: number): number {
  return Math.floor((stamp - 1) / WRITES_MAX);
}

/** How many writes a reign had made with the one of that stamp. */
export function writesUpTo(stamp: number): number {
  return ((stamp - 1) % WRITES_MAX) + 1;
}
