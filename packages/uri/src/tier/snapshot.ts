import type { CachedObjectStore, ObjectCacheSnapshot } from '@blockyard/object-cache';
import type { WriteLogDevice, WriteLogSnapshot } from '@blockyard/write-log';
import type { TierSettings } from './settings.js';

/** What a tier has and does at this moment. */
export interface TierSnapshot {
  /** Its folder. */
  readonly directory: string;
  /** Null: the device has no objects that could be kept. Only log volumes do. */
  readonly objectCache: ObjectCacheSnapshot | null;
  /** Null: what is written goes to the store alone. */
  readonly writeLog: WriteLogSnapshot | null;
}

export function snapshotOf(
  { directory }: TierSettings,
  store?: CachedObjectStore,
  log?: Pick<WriteLogDevice, 'snapshot'>,
): TierSnapshot {
  return { directory, objectCache: store?.snapshot() ?? null, writeLog: log?.snapshot() ?? null };
}
