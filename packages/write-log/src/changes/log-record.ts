import type { ChainPlace } from '../format/superblock.js';
import type { Change } from './change.js';

/** A record of the log that has changes, on the medium or on its way to it. */
export interface LogRecord {
  readonly sequence: number;
  /** Where it begins, as in a {@link ChainPlace}. */
  readonly at: number;
  /** The place behind it in the chain. */
  readonly next: ChainPlace;
  readonly changes: readonly Change[];
  /** Whether its data are in memory, too. */
  isInMemory: boolean;
  /** Reads of it from the medium that are under way: until they are over, nothing may be written in its place. */
  readonly reads: Set<Promise<unknown>>;
}

/** The number of the last change of a record. */
export function lastNumberOf({ changes }: LogRecord): number {
  return changes.at(-1)?.number ?? 0;
}
