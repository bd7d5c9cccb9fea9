import type { BlockDevice } from '@blockyard/block';
import type { Backend } from '../inputs/settings.js';
import type { WorkloadSize } from '../inputs/workload.js';

/** Somewhere to make volumes. */
export interface Place {
  readonly backend: Backend;
  /** What connecting anew and cold is here, in words. */
  readonly cold: string;
  /** As much as this backend does in some seconds. */
  readonly workload: WorkloadSize;
  /** Makes a volume that reads as zeroes. `label` tells it from the others. */
  create(label: string, sizeBytes: number): Promise<Volume>;
}

/** One stored volume. */
export interface Volume {
  connect(): Promise<BlockDevice>;
  /** Whether a device is disconnected at the end of its use. If not, `connect` gives the same device each time. */
  readonly outlivesDisconnect: boolean;
  /** Removes what `create` made. Can be called again. */
  dispose(): Promise<void>;
}
