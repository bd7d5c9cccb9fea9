import type { Traffic } from '@blockyard/object-store';
import type { SpaceUsed } from '../state/space.js';

/** What an open volume does and has, at one moment. */
export interface LogStatistics {
  /** Bytes of data that are accepted and not durable. */
  readonly unflushedBytes: number;
  /** For how long the oldest change of them has waited, in milliseconds; undefined if there is none. */
  readonly oldestUnflushedMs: number | undefined;
  /** Bytes of data that were accepted since the volume was opened and have become durable. */
  readonly durableBytes: number;
  /** Memory of segments and of the map. */
  readonly segmentMemoryBytes: number;
  readonly mapMemoryBytes: number;
  readonly space: SpaceUsed;
  /** Share of the slots that is in use, of objects of which anything is. */
  readonly aliveShare: number;
  /** Objects that wait to be deleted. */
  readonly objectsToDelete: number;
  readonly checkpoint: {
    readonly generation: number;
    readonly segmentsBehind: number;
    /** Since the last one, or since the volume was opened. */
    readonly ageMs: number;
  };
  readonly cleaning: {
    readonly packs: number;
    readonly movedBytes: number;
  };
  /**
   * What has gone over the store's handle up to now: by class too, if the store has `classOfLogKey` as its `classOf`. `costOf` of
   * `@blockyard/object-store` makes dollars of it, or of one class.
   */
  readonly traffic: Traffic;
}
