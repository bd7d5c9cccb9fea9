import type { BlockError } from '@blockyard/block';
import type { MediumState } from './tier.js';

/** How the medium is. */
export interface MediumSnapshot {
  readonly name: string;
  readonly state: MediumState;
  /** Why it is not good. */
  readonly error?: BlockError | undefined;
  /** For how long it has not been, and when it is tried again, in milliseconds from now. */
  readonly failingMs?: number | undefined;
  readonly nextProbeMs?: number | undefined;
  /** Bytes that were read from it and written to it, and calls that read. */
  readonly readBytes: number;
  readonly readCalls: number;
  readonly writtenBytes: number;
}

/** What an object cache has and has done since it was opened. */
export interface ObjectCacheSnapshot {
  readonly medium: MediumSnapshot;
  /** Whether the indexes of the medium are still being read. */
  readonly isLoading: boolean;
  /** Ranges on the medium. */
  readonly ranges: number;
  /** Bytes of the regions of the medium. */
  readonly capacityBytes: number;
  /** Bytes of memory for what is on the medium and what was asked for once. */
  readonly memoryBytes: number;
  /** GETs of immutable objects: answered from the medium alone, in part, and not at all. */
  readonly hits: number;
  readonly partialHits: number;
  readonly misses: number;
  /** Bytes given to callers from the medium, and fetched from the store for immutable objects. */
  readonly hitBytes: number;
  readonly fetchedBytes: number;
  /** Bytes of objects that went to the medium, and those of them that were carried on from evicted regions. */
  readonly keptBytes: number;
  readonly carriedBytes: number;
  readonly evictedRegions: number;
  /** Ranges that were dropped because a checksum did not fit. */
  readonly damagedRanges: number;
}
