/** What a cache knows of a run of sectors. */
export interface CacheState {
  readonly start: number;
  readonly count: number;
  /**
   * `dirty`: written, and the device below does not have it yet. `zero`: reads as zeroes, and the device below has not been told.
   * `clean`: the same as below. `absent`: not in the cache.
   */
  readonly state: 'absent' | 'zero' | 'clean' | 'dirty';
}

/** A device that can tell what its cache holds. */
export interface CacheStates {
  /** What is absent, zero, clean and dirty in a range, in runs of sectors that cover it exactly, ascending. */
  states(start: number, count: number): readonly CacheState[];
}

/** A device that can bring sectors near before they are asked for. */
export interface Prefetching {
  /**
   * Brings a range into memory, from its start on, until the cache begins to let go of what it brought. Resolves when it is
   * there; fails silently.
   */
  prefetch(start: number, count: number): Promise<void>;
}
