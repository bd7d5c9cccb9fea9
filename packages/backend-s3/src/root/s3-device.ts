import type { BlockDevice } from '@blockyard/block';
import type { Traffic } from '@blockyard/object-store';
import type { VolumeHolder } from '@blockyard/volume-root';

/** A volume that is open, with what its root told when it was opened. */
export interface S3Device extends BlockDevice {
  /** Who had the volume open for writing before this device was opened. Null: no one. */
  readonly heldBy: VolumeHolder | null;
  /** What happened so far. */
  snapshot(): S3Snapshot;
}

/** Facts of an open volume, as they are at one moment. */
export interface S3Snapshot {
  /**
   * Requests and bytes since it was opened, opening included. The classes are `data`, `root`, `probe` (the trial of what the
   * store can do), and `other`. `costOf` of `@blockyard/object-store` makes dollars of it, or of one class.
   */
  readonly traffic: Traffic;
}
