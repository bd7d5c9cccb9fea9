import type { VolumeHolder } from '@blockyard/backend-s3';
import type { BlockDevice } from '@blockyard/block';
import type { DeviceUri } from '../syntax/device-uri.js';

/** A device, with what its backend has to tell of it beyond the contract. */
export interface UriDevice extends BlockDevice {
  /**
   * Who had it open for writing before: null for no one. Left out where that is not recorded, as it is in S3, and by a cache.
   */
  readonly heldBy?: VolumeHolder | null;
}

/** What a device is opened with, beside its URI. */
export interface OpenOptions {
  readonly readOnly: boolean;
  /** Longest that a store may be away before its requests fail, where the URI does not say it. */
  readonly maxOutageMs: number | undefined;
  /** Where it can be taken from a process that is alive: whether it is. */
  readonly takeOver: boolean;
}

/** What a device is made with, beside its URI. */
export interface MakeOptions {
  readonly sizeBytes: number;
  /** What the URI says, or its backend's default. */
  readonly sectorSize: number | undefined;
  /** Bytes of the device in one object, where it is stored as objects. */
  readonly chunkBytes: number | undefined;
  /** Take all the space at once. */
  readonly reserve: boolean;
}

/** How one kind of URI becomes a device. One for each backend, in the table of `schemes.ts`. */
export interface Scheme {
  /** Shown where a scheme is unknown. */
  readonly example: string;
  /** Names of the parameters that the URI may have. */
  readonly parameters: readonly string[];
  open(uri: DeviceUri, options: OpenOptions): Promise<UriDevice>;
  /** Makes what `open` opens. Left out where nothing can be made: the reason is `notCreated`. */
  make?(uri: DeviceUri, options: MakeOptions): Promise<void>;
  readonly notCreated?: string;
}
