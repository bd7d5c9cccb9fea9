import type { BlockDevice } from '@blockyard/block';
import type { VolumeHolder } from '@blockyard/volume-root';

/** A volume that is open, with what its root told when it was opened. */
export interface S3Device extends BlockDevice {
  /** Who had the volume open for writing before this device was opened. Null: no one. */
  readonly heldBy: VolumeHolder | null;
}
