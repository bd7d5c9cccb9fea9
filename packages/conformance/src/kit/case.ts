import type { BlockDevice } from '@blockyard/block';
import type { ControlledBase } from '../bases/controlled-base.js';
import type { Recording, RecordingOptions } from '../bases/recording.js';
import type { Subject, Volume } from './subject.js';

/** The clauses of the contract that a device can be held to, in the contract's order. */
export const CLAUSES = [
  ...(['A1', 'A2', 'A3', 'A4', 'A5', 'A6', 'A7'] as const),
  ...(['B1', 'B2', 'B3', 'B4'] as const),
  ...(['O1', 'O2', 'O3', 'O4'] as const),
  ...(['D1', 'D2', 'D3', 'D4', 'D5'] as const),
  ...(['S1', 'S2', 'S3', 'S4'] as const),
  ...(['Z1', 'Z2', 'Z3', 'Z4'] as const),
  ...(['E1', 'E2', 'E3', 'E4', 'E5'] as const),
] as const;

/** The number of a clause of the contract. */
export type Clause = (typeof CLAUSES)[number];

/**
 * What a subject must offer for a case to make sense, or the platform: the last four. `fixedSize` is the opposite of
 * `resizable`.
 */
export type Need =
  | 'persistent'
  | 'prefixConsistent'
  | 'readOnly'
  | 'resizable'
  | 'fixedSize'
  | 'huge'
  | 'longWrites'
  | 'wrap'
  | 'nodeBuffer'
  | 'realms'
  | 'sharedMemory'
  | 'resources';

/** One promise of the contract, put to the test. */
export interface Case {
  /** The clause that is broken if the case fails. */
  readonly clause: Clause;
  /** Begins with the clause: `A3: an ill-sized buffer changes nothing`. */
  readonly title: string;
  readonly needs?: readonly Need[];
  /** Runs random workloads, each of which has the deadline to itself. */
  readonly random?: boolean;
  /** Runs only at the largest of the subject's sector sizes: it takes seconds. */
  readonly once?: boolean;
  /** Deadlines that it may take. Default: 1. */
  readonly patience?: number;
  /** Rejects with what is wrong. */
  run(context: Context): Promise<void>;
}

/** What a case works with. Everything it opens is closed and disposed of after it. */
export interface Context {
  readonly subject: Subject;
  readonly sectorSize: number;
  /** Sectors of most cases' device: some 200 KB, at least 19, and no round number, so that it ends within any chunk. */
  readonly sizeSectors: number;
  /** Random workloads per property. */
  readonly runs: number;
  /** Seed of the random workloads; undefined: another one each time. */
  readonly seed: number | undefined;
  /** After how long a case, or a random workload, counts as hung. */
  readonly deadlineMs: number;
  /** Milliseconds for which to keep looking after an operation has settled, in case more of it comes later. */
  readonly watchMs: number;
  /** A new volume of zeroes. */
  create(sizeSectors?: number): Promise<Volume>;
  /** A device on `volume`. */
  connect(volume: Volume, options?: { readonly readOnly?: boolean }): Promise<BlockDevice>;
  /** A device on a new volume of zeroes. */
  open(sizeSectors?: number): Promise<BlockDevice>;
  /**
   * Crashes the device now, whatever is in flight, and gives up what is left of its process. Gives what may be left of the
   * volume: states of it, or where the volume cannot say what those are, the volume itself.
   */
  crash(volume: Volume, device: BlockDevice, seed: number): Promise<readonly Volume[]>;
  /** The subject over a base of zeroes that the case controls. Needs `wrap`. */
  wrap(sizeSectors?: number, options?: RecordingOptions): Promise<Wrapped>;
  /** The subject over another base. Needs `wrap`. */
  over(base: BlockDevice): Promise<BlockDevice>;
  /** The work's result, or a failure that names the operations in flight if it takes longer than the deadline [O2]. */
  within<T>(work: Promise<T>, what: string, patience?: number): Promise<T>;
  /** Runs `body` with a context of its own, and closes that. */
  fresh(body: (context: Context) => Promise<void>): Promise<void>;
}

/** A subject over the kit's own base. */
export interface Wrapped {
  readonly device: BlockDevice;
  /** What the subject was given. */
  readonly base: ControlledBase;
  /** What lies below the base. */
  readonly recording: Recording;
}
