import type { LogDevice } from '@blockyard/backend-log';
import type { SectorRange } from '@blockyard/block';
import type { CacheDevice } from '@blockyard/cache';
import type { CachedObjectStore } from '@blockyard/object-cache';
import type { WriteLogDevice } from '@blockyard/write-log';

/** Ranges of sectors, and undefined where a caller may let others go first. */
export type RangeSteps = Generator<SectorRange | undefined, void, undefined>;

export interface TieredLog {
  readonly volume: Pick<LogDevice, 'storedRuns'>;
  readonly store: Pick<CachedObjectStore, 'has'>;
  /** Left out where there is no write log. */
  readonly log?: Pick<WriteLogDevice, 'pending'> | undefined;
}

/** Sectors of a range whose data are on the tier of a log volume, as far as memory tells: each once. */
export function* onTier({ volume, store, log }: TieredLog, start: number, count: number): RangeSteps {
  if (log !== undefined) yield* log.pending(start, count);
  for (const run of volume.storedRuns(start, count)) {
    if (run === undefined) {
      yield undefined;
      continue;
    }
    const slotBytes = run.lengthBytes / run.count;
    for (const { offset, lengthBytes } of store.has(run.key, run)) {
      const from = Math.ceil((offset - run.offset) / slotBytes);
      const to = Math.floor((offset + lengthBytes - run.offset) / slotBytes);
      if (to > from) yield* withoutPending(log, run.start + from, to - from);
    }
  }
}

/** What is in the object cache below something newer in the write log is that one's. */
function* withoutPending(log: TieredLog['log'], start: number, count: number): RangeSteps {
  let at = start;
  for (const newer of log?.pending(start, count) ?? []) {
    if (newer === undefined) continue;
    if (newer.start > at) yield { start: at, count: newer.start - at };
    at = newer.start + newer.count;
  }
  if (at < start + count) yield { start: at, count: start + count - at };
}

/** Those of the ranges that a cache above knows nothing of. */
export function* unknownTo(cache: Pick<CacheDevice, 'states'>, ranges: RangeSteps): RangeSteps {
  for (const range of ranges) {
    if (range === undefined) {
      yield undefined;
      continue;
    }
    for (const { start, count, state } of cache.states(range.start, range.count)) {
      if (state === 'absent') yield { start, count };
    }
  }
}
