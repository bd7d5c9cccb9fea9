import type { Random } from './random.js';

/** What can be left out of a simulation, to see what a failure needs. */
export const FAULT_KINDS = ['fail', 'tear', 'hang', 'down', 'delay'] as const;
/** What can go wrong with a call of a medium. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** How a world treats the calls of its media: chances per call. */
export interface Faults {
  /** A call fails. */
  readonly fail: number;
  /** A call that fails was carried out, or in part. */
  readonly failLate: number;
  /** A call is carried out in parts, each at its own time. */
  readonly tear: number;
  /** A call takes very long. */
  readonly hang: number;
  readonly hangMsMax: number;
  /** Everything fails for a while from now on. */
  readonly down: number;
  readonly downMsMax: number;
  /** What a call takes otherwise. */
  readonly delayMsMax: number;
}

export const NO_FAULTS: Faults = {
  fail: 0,
  failLate: 0,
  tear: 0,
  hang: 0,
  hangMsMax: 0,
  down: 0,
  downMsMax: 0,
  delayMsMax: 2,
};

/** A world's own mixture: most have few kinds of faults, so that each kind also comes alone, and some have none. */
export function drawFaults(random: Random, without: readonly FaultKind[] = []): Faults {
  const draw = (kind: FaultKind, often: number, chance: number) => {
    // Drawn whether it counts or not: what comes after is then the same.
    const drawn = random.chance(often) ? chance / random.magnitude(1, 30) : 0;
    return without.includes(kind) ? 0 : drawn;
  };
  const delayMsMax = random.pick([0, 1, 3, 20, 200]);
  return {
    fail: draw('fail', 0.5, 0.4),
    failLate: draw('fail', 0.5, 1),
    tear: draw('tear', 0.5, 1),
    hang: draw('hang', 0.3, 0.1),
    hangMsMax: random.magnitude(10, 100_000),
    down: draw('down', 0.2, 0.03),
    downMsMax: random.magnitude(10, 20_000),
    delayMsMax: without.includes('delay') ? 0 : delayMsMax,
  };
}

/** The process dies at the moment of the `nth` call, from 0 on, of all calls of media. */
export interface CrashPoint {
  readonly nth: number;
  /** Whether calls on their way then are carried out, all or none, where what they are about outlives the process. */
  readonly arrives: boolean;
}

/** One failure in an otherwise healthy world: that of the `nth` call, from 0 on, of all calls of media. */
export interface SingleFault {
  readonly nth: number;
  /** Whether it was carried out although it fails. */
  readonly late: boolean;
}
