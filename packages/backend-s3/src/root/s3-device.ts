import type { BlockDevice } from '@blockyard/block';
import type { S3StoreSnapshot } from '@blockyard/object-store-s3';
import type { VolumeHolder } from '@blockyard/volume-root';

/** A volume that is open, with what its root told when it was opened. */
export interface S3Device extends BlockDevice {
  /** Tells the volume from any other, for good. */
  readonly volumeId: string;
  /** Who had the volume open for writing before this device was opened. Null: no one. */
  readonly heldBy: VolumeHolder | null;
  /** What happened so far. */
  snapshot(): S3Snapshot;
}

/**
 * Facts of an open volume, as they are at one moment: those of its store, opening included. The classes of the traffic are
 * `data`, `root`, `probe` (the trial of what the store can do), and `other`. `costOf` of `@blockyard/object-store` makes dollars
 * of it, or of one class.
 */
export interface S3Snapshot extends S3StoreSnapshot {}
