import {
  type Clock,
  checkBoolean,
  checkInteger,
  checkIntegerBetween,
  checkOptionNames,
  checkSectorSize,
  type KnownOptions,
  type SizeOptions,
  sizeSectorsOf,
} from '@blockyard/block';
import {
  checkS3Connection,
  MAX_CONCURRENCY_DEFAULT,
  MAX_CONCURRENCY_MAX,
  S3_CONNECTION_OPTIONS,
  type S3ConnectionOptions,
  type S3ConnectionSettings,
} from '@blockyard/object-store-s3';
import { checkPrefix, LEASE_MS_MAX, systemVolumeClock, type VolumeClock } from '@blockyard/volume-root';
import { LONGEST_KEY_BYTES } from './layout/keys.js';
import { checkObjectSize } from './layout/object-size.js';

/** How to reach the volume: the bucket, and where in it. */
export interface StoreOptions extends S3ConnectionOptions {
  /** What the keys of the volume begin with: `disks/web-1`. */
  readonly prefix: string;
  /** Go on with a store that does not honour conditional writes: a second writer will not be noticed. Default: false. */
  readonly allowUnsafeStore?: boolean;
}

/** The shape of a new volume, and where it is to be; for {@link createVolume}. */
export interface CreateVolumeOptions extends StoreOptions, SizeOptions {
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 4,096. */
  readonly sectorSize?: number;
  /** Bytes of the volume in one object: a multiple of `sectorSize`, at most 64 MiB. Default: 1 MiB. */
  readonly objectSizeBytes?: number;
}

/** Which volume to open, how, and within which bounds; for {@link connectS3}. */
export interface ConnectS3Options extends StoreOptions {
  readonly readOnly?: boolean;
  /** Whether the volume is taken from a writer that has it open and is alive. If not, that is `LOCKED`. Default: true. */
  readonly takeOver?: boolean;
  /**
   * Open the volume though there are fewer objects than at the last clean end, and take those that are missing for zeroes. The
   * count is put right at the next clean end of a writer. If not, that is `CORRUPT`. Default: false.
   */
  readonly acceptMissingObjects?: boolean;
  /**
   * How long after a look at the root was begun changes are acknowledged without another one; at most 60,000. Who takes over
   * waits for twice that. 0: every change waits for a look of its own, and no clock is relied on. Default: 3,000.
   */
  readonly leaseMs?: number;
  /** Default: the system's. */
  readonly clock?: VolumeClock;
  /**
   * Most data requests in flight at once, up to 256. There are fewer where they time out or take long, down to
   * `minConcurrency`. Default: 64.
   */
  readonly maxConcurrency?: number;
  /**
   * Memory for the whole objects that were written last, so that a small write to one of them need not fetch it. Default: 16
   * MiB; 0 keeps none.
   */
  readonly maxRecentBytes?: number;
  /** Data requests that may be in flight in any case. Default: 1. */
  readonly minConcurrency?: number;
}

export const SECTOR_SIZE_DEFAULT = 4096;
/** Bytes of an object with a part of a new volume, if no size is given: a mebibyte. */
export const OBJECT_SIZE_BYTES_DEFAULT = 1 << 20;
/** Most data requests in flight at once, if no bound is given. */
export const CONCURRENCY_DEFAULT = MAX_CONCURRENCY_DEFAULT;
/** The largest bound of data requests in flight. */
export const CONCURRENCY_MAX = MAX_CONCURRENCY_MAX;
export const MAX_RECENT_BYTES_DEFAULT = 16 << 20;
export const LEASE_MS_DEFAULT = 3000;

/** Options of {@link deleteVolume}. */
export interface DeleteVolumeOptions extends StoreOptions {
  /**
   * Whether a volume is deleted although a writer that is alive has it open, or although its root is of a later version and
   * cannot be asked. If not, that is `LOCKED`, or `UNSUPPORTED`. Default: false.
   */
  readonly takeOver?: boolean;
}

/** Store options with their defaults. */
export interface StoreSettings {
  readonly bucket: string;
  readonly prefix: string;
  readonly connection: S3ConnectionSettings;
  readonly clock: Clock;
  readonly allowUnsafeStore: boolean;
}

export interface CreateSettings extends StoreSettings {
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly objectSizeBytes: number;
}

export interface DeleteSettings extends StoreSettings {
  readonly takeOver: boolean;
}

export interface ConnectSettings extends StoreSettings {
  readonly takeOver: boolean;
  readonly acceptMissingObjects: boolean;
  readonly leaseMs: number;
  readonly clock: VolumeClock;
  readonly readOnly: boolean;
  readonly maxConcurrency: number;
  readonly maxRecentBytes: number;
  readonly minConcurrency: number;
}

/** Lists that do not compile when an option is missing from them. */
const KNOWN_STORE: KnownOptions<StoreOptions> = { ...S3_CONNECTION_OPTIONS, prefix: true, allowUnsafeStore: true };
const KNOWN_CREATE: KnownOptions<CreateVolumeOptions> = {
  ...KNOWN_STORE,
  sizeSectors: true,
  sizeBytes: true,
  sectorSize: true,
  objectSizeBytes: true,
};
const KNOWN_CONNECT: KnownOptions<ConnectS3Options> = {
  ...KNOWN_STORE,
  readOnly: true,
  takeOver: true,
  acceptMissingObjects: true,
  leaseMs: true,
  clock: true,
  maxConcurrency: true,
  maxRecentBytes: true,
  minConcurrency: true,
};

const KNOWN_DELETE: KnownOptions<DeleteVolumeOptions> = { ...KNOWN_STORE, takeOver: true };

/** The options with their defaults. Throws `INVALID_ARGUMENT`, or `UNALIGNED` for sizes that are not whole sectors. */
export function checkCreateOptions(options: CreateVolumeOptions): CreateSettings {
  checkOptionNames(options, KNOWN_CREATE);
  const store = checkStoreOptions(options);
  const { sectorSize = SECTOR_SIZE_DEFAULT, objectSizeBytes = OBJECT_SIZE_BYTES_DEFAULT } = options;
  checkSectorSize(sectorSize);
  checkObjectSize(objectSizeBytes, sectorSize);
  return { ...store, sectorSize, objectSizeBytes, sizeSectors: sizeSectorsOf(options, sectorSize) };
}

export function checkConnectOptions(options: ConnectS3Options): ConnectSettings {
  checkOptionNames(options, KNOWN_CONNECT);
  const store = checkStoreOptions(options);
  const { readOnly = false, takeOver = true, leaseMs = LEASE_MS_DEFAULT, clock = systemVolumeClock } = options;
  const {
    maxConcurrency = CONCURRENCY_DEFAULT,
    minConcurrency = 1,
    maxRecentBytes = MAX_RECENT_BYTES_DEFAULT,
  } = options;
  const { acceptMissingObjects = false } = options;
  checkBoolean(readOnly, 'readOnly');
  checkBoolean(takeOver, 'takeOver');
  checkBoolean(acceptMissingObjects, 'acceptMissingObjects');
  checkIntegerBetween(leaseMs, 'leaseMs', 0, LEASE_MS_MAX);
  checkIntegerBetween(maxConcurrency, 'maxConcurrency', 1, CONCURRENCY_MAX);
  checkIntegerBetween(minConcurrency, 'minConcurrency', 1, maxConcurrency);
  checkInteger(maxRecentBytes, 'maxRecentBytes');
  return {
    ...store,
    readOnly,
    takeOver,
    acceptMissingObjects,
    leaseMs,
    clock,
    maxConcurrency,
    minConcurrency,
    maxRecentBytes,
  };
}

export function checkDeleteOptions(options: DeleteVolumeOptions): DeleteSettings {
  checkOptionNames(options, KNOWN_DELETE);
  const store = checkStoreOptions(options);
  const { takeOver = false } = options;
  checkBoolean(takeOver, 'takeOver');
  return { ...store, takeOver };
}

function checkStoreOptions(options: StoreOptions): StoreSettings {
  const connection = checkS3Connection(options);
  const { bucket, prefix, allowUnsafeStore = false } = options;
  checkPrefix(prefix, LONGEST_KEY_BYTES);
  checkBoolean(allowUnsafeStore, 'allowUnsafeStore');
  return { bucket, prefix, connection, clock: connection.clock, allowUnsafeStore };
}
