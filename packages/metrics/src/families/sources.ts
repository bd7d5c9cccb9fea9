import type { LogStatistics } from '@blockyard/backend-log';
import type { CacheSnapshot } from '@blockyard/cache';
import type { ServerStats } from '@blockyard/nbd';
import type { ObjectCacheSnapshot } from '@blockyard/object-cache';
import type { Traffic } from '@blockyard/object-store';
import type { S3StoreSnapshot } from '@blockyard/object-store-s3';
import type { WriteLogSnapshot } from '@blockyard/write-log';

/** The snapshots of what one export is made of. What it does not have is left out. */
export interface ExportSnapshots {
  readonly cache?: CacheSnapshot | undefined;
  /** What went over the handle of its store of objects, of any kind. */
  readonly traffic?: Traffic | undefined;
  /** What is known beside that of an S3 store. */
  readonly store?: S3StoreSnapshot | undefined;
  readonly log?: LogStatistics | undefined;
  readonly objectCache?: ObjectCacheSnapshot | undefined;
  readonly writeLog?: WriteLogSnapshot | undefined;
}

/** All that there is to tell at one moment. */
export interface Snapshots {
  readonly nbd?: ServerStats | undefined;
  /** By the name of the export, which becomes the label `export`. */
  readonly exports: Readonly<Record<string, ExportSnapshots>>;
}
