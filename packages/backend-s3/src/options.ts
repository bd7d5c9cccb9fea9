import type { S3Client } from '@aws-sdk/client-s3';
import {
  BlockError,
  type Clock,
  checkInteger,
  checkOptionNames,
  checkSectorSize,
  checkSize,
  systemClock,
} from '@blockyard/block';
import type { S3Credentials, S3CredentialsProvider } from './store/credentials.js';
import { LEASE_MS_MAX } from './root/holder.js';
import { checkPrefix } from './objects/keys.js';
import { systemVolumeClock, type VolumeClock } from './root/volume-clock.js';

/** How to reach the store: with a client of yours, or with what is needed to make one. */
export interface StoreOptions {
  readonly bucket: string;
  /** What the keys of the volume begin with: `disks/web-1`. */
  readonly prefix: string;
  /** A client set up by you. It is not destroyed at the end. Left out: one is made from the four options below. */
  readonly client?: S3Client;
  /** URL of the store. Left out: AWS. */
  readonly endpoint?: string;
  /** Default: what the environment says or, with an `endpoint`, `us-east-1`. */
  readonly region?: string;
  /**
   * What to sign with, or what gives it. When the store refuses what it gave, a provider is asked once more, and the SDK's own
   * places are looked at anew, files included. Default: what the SDK finds in the environment, in its files, or on the machine.
   */
  readonly credentials?: S3Credentials | S3CredentialsProvider;
  /** `endpoint/bucket/key` in place of `bucket.endpoint/key`. Default: true with an `endpoint`. */
  readonly forcePathStyle?: boolean;
  /**
   * Longest that one attempt at one request may be without progress: without bytes that leave or arrive. Added to it is what a
   * line of 16 KiB/s takes for the bytes of the request, which bounds the attempt as a whole. Default: 30,000.
   */
  readonly requestTimeoutMs?: number;
  /** How long a request that fails for a reason that may pass is tried again, from its first failure on. Default: 30,000. */
  readonly maxOutageMs?: number;
  /**
   * How often a request is tried, in addition to that bound. Default: as often as there is time. A `client` of yours tries as
   * often as it was told to, each time.
   */
  readonly maxAttempts?: number;
  /** Drives all waiting and all time-outs. Default: the system's. */
  readonly clock?: Clock;
  /** Chance, from 0 to before 1, for the length of waits. Default: `Math.random`. */
  readonly random?: () => number;
  /** Go on with a store that does not honour conditional writes: a second writer will not be noticed. Default: false. */
  readonly allowUnsafeStore?: boolean;
}

export interface CreateVolumeOptions extends StoreOptions {
  /** Size of the volume. Either this or `sizeBytes`. */
  readonly sizeSectors?: number;
  /** Size of the volume: a whole number of sectors. */
  readonly sizeBytes?: number;
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 4,096. */
  readonly sectorSize?: number;
  /** Bytes of the volume in one object: a multiple of `sectorSize`, at most 64 MiB. Default: 1 MiB. */
  readonly objectSizeBytes?: number;
}

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
   * How long after a look at the root was begun changes are acknowledged without another one; at most 60,000. Who
   * takes over waits for twice that. 0: every change waits for a look of its own, and no clock is relied on. Default: 3,000.
   */
  readonly leaseMs?: number;
  /** Default: the system's. */
  readonly clock?: VolumeClock;
  /**
   * Most data requests in flight at once, up to 256. There are fewer where they time out or take long, down to
   * `minConcurrency`. Default: 64.
   */
  readonly concurrency?: number;
  /**
   * Memory for the whole objects that were written last, so that a small write to one of them need not fetch it. Default: 16 MiB;
   * 0 keeps none.
   */
  readonly maxRecentBytes?: number;
  /** Data requests that may be in flight in any case. Default: 1. */
  readonly minConcurrency?: number;
}

export const SECTOR_SIZE_DEFAULT = 4096;
export const OBJECT_SIZE_BYTES_DEFAULT = 1 << 20;
/** A merge holds one object in memory for each request in flight. */
export const OBJECT_SIZE_BYTES_MAX = 64 << 20;
/** Over 20 ms as many keep a line of 3,000 small reads a second busy. */
export const CONCURRENCY_DEFAULT = 64;
export const CONCURRENCY_MAX = 256;
export const MAX_RECENT_BYTES_DEFAULT = 16 << 20;
export const LEASE_MS_DEFAULT = 3000;
export const REQUEST_TIMEOUT_MS_DEFAULT = 30_000;
/** A store that is silent for longer than that will not say anything any more. */
const REQUEST_TIMEOUT_MS_MAX = 3_600_000;
/** Longer than the restart of a gateway or of a whole small store, and short enough for somebody who waits at a terminal. */
export const MAX_OUTAGE_MS_DEFAULT = 30_000;
/** A day. */
export const MAX_OUTAGE_MS_MAX = 86_400_000;

export interface DeleteVolumeOptions extends StoreOptions {
  /**
   * Whether a volume is deleted although a writer that is alive has it open, or although its root is of a later version and cannot
   * be asked. If not, that is `LOCKED`, or `UNSUPPORTED`. Default: false.
   */
  readonly takeOver?: boolean;
}

/** Store options with their defaults. */
export interface StoreSettings extends StoreOptions {
  readonly requestTimeoutMs: number;
  readonly maxOutageMs: number;
  readonly maxAttempts: number;
  readonly clock: Clock;
  readonly random: () => number;
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
  readonly concurrency: number;
  readonly maxRecentBytes: number;
  readonly minConcurrency: number;
}

/** Lists that do not compile when an option is missing from them. */
const KNOWN_STORE: Readonly<Record<keyof StoreOptions, true>> = {
  bucket: true,
  prefix: true,
  client: true,
  endpoint: true,
  region: true,
  credentials: true,
  forcePathStyle: true,
  requestTimeoutMs: true,
  maxOutageMs: true,
  maxAttempts: true,
  clock: true,
  random: true,
  allowUnsafeStore: true,
};
const KNOWN_CREATE: Readonly<Record<keyof CreateVolumeOptions, true>> = {
  ...KNOWN_STORE,
  sizeSectors: true,
  sizeBytes: true,
  sectorSize: true,
  objectSizeBytes: true,
};
const KNOWN_CONNECT: Readonly<Record<keyof ConnectS3Options, true>> = {
  ...KNOWN_STORE,
  readOnly: true,
  takeOver: true,
  acceptMissingObjects: true,
  leaseMs: true,
  clock: true,
  concurrency: true,
  maxRecentBytes: true,
  minConcurrency: true,
};

const KNOWN_DELETE: Readonly<Record<keyof DeleteVolumeOptions, true>> = { ...KNOWN_STORE, takeOver: true };

/** Where a client is found by itself if none is given. */
const CLIENT_PARTS = ['endpoint', 'region', 'credentials', 'forcePathStyle'] as const;

/** The options with their defaults. Throws `INVALID_ARGUMENT`, or `UNALIGNED` for sizes that are not whole sectors. */
export function checkCreateOptions(options: CreateVolumeOptions): CreateSettings {
  checkOptionNames(options, KNOWN_CREATE);
  const store = checkStoreOptions(options);
  const { sectorSize = SECTOR_SIZE_DEFAULT, objectSizeBytes = OBJECT_SIZE_BYTES_DEFAULT } = options;
  checkSectorSize(sectorSize);
  checkObjectSize(objectSizeBytes, sectorSize);
  return { ...store, sectorSize, objectSizeBytes, sizeSectors: sizeOf(options, sectorSize) };
}

export function checkConnectOptions(options: ConnectS3Options): ConnectSettings {
  checkOptionNames(options, KNOWN_CONNECT);
  const store = checkStoreOptions(options);
  const { readOnly = false, takeOver = true, leaseMs = LEASE_MS_DEFAULT, clock = systemVolumeClock } = options;
  const { concurrency = CONCURRENCY_DEFAULT, minConcurrency = 1, maxRecentBytes = MAX_RECENT_BYTES_DEFAULT } = options;
  const { acceptMissingObjects = false } = options;
  checkBoolean(readOnly, 'readOnly');
  checkBoolean(takeOver, 'takeOver');
  checkBoolean(acceptMissingObjects, 'acceptMissingObjects');
  checkBetween(leaseMs, 0, LEASE_MS_MAX, 'leaseMs');
  checkBetween(concurrency, 1, CONCURRENCY_MAX, 'concurrency');
  checkBetween(minConcurrency, 1, concurrency, 'minConcurrency');
  checkInteger(maxRecentBytes, 'maxRecentBytes');
  return {
    ...store,
    readOnly,
    takeOver,
    acceptMissingObjects,
    leaseMs,
    clock,
    concurrency,
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

/** Whole sectors, and small enough to be held in memory. */
export function checkObjectSize(objectSizeBytes: unknown, sectorSize: number): asserts objectSizeBytes is number {
  checkBetween(objectSizeBytes, 1, OBJECT_SIZE_BYTES_MAX, 'objectSizeBytes');
  if (objectSizeBytes % sectorSize !== 0) {
    throw new BlockError('UNALIGNED', `objectSizeBytes ${objectSizeBytes} is not a multiple of ${sectorSize}`);
  }
}

function sizeOf({ sizeSectors, sizeBytes }: CreateVolumeOptions, sectorSize: number): number {
  if ((sizeSectors === undefined) === (sizeBytes === undefined)) {
    throw new BlockError('INVALID_ARGUMENT', 'give either sizeSectors or sizeBytes');
  }
  if (sizeBytes !== undefined) {
    checkInteger(sizeBytes, 'sizeBytes');
    if (sizeBytes % sectorSize !== 0) {
      throw new BlockError('UNALIGNED', `sizeBytes ${sizeBytes} is not a multiple of ${sectorSize}`);
    }
    return sizeBytes / sectorSize;
  }
  checkSize(sizeSectors, sectorSize);
  return sizeSectors;
}

function checkStoreOptions(options: StoreOptions): StoreSettings {
  const { bucket, prefix, client } = options;
  if (typeof bucket !== 'string' || bucket === '' || bucket.includes('/')) {
    throw new BlockError('INVALID_ARGUMENT', `bucket must be the name of a bucket, not ${JSON.stringify(bucket)}`);
  }
  checkPrefix(prefix);
  if (client !== undefined) checkClient(client, options);
  for (const name of ['endpoint', 'region'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new BlockError('INVALID_ARGUMENT', `${name} must be a string that is not empty`);
    }
  }
  const {
    requestTimeoutMs = REQUEST_TIMEOUT_MS_DEFAULT,
    maxOutageMs = MAX_OUTAGE_MS_DEFAULT,
    maxAttempts = Number.POSITIVE_INFINITY,
    clock = systemClock,
    random = Math.random,
    allowUnsafeStore = false,
  } = options;
  checkBetween(requestTimeoutMs, 1, REQUEST_TIMEOUT_MS_MAX, 'requestTimeoutMs');
  checkBetween(maxOutageMs, 0, MAX_OUTAGE_MS_MAX, 'maxOutageMs');
  if (maxAttempts !== Number.POSITIVE_INFINITY) checkBetween(maxAttempts, 1, 1_000_000, 'maxAttempts');
  checkBoolean(allowUnsafeStore, 'allowUnsafeStore');
  if (options.forcePathStyle !== undefined) checkBoolean(options.forcePathStyle, 'forcePathStyle');
  return { ...options, requestTimeoutMs, maxOutageMs, maxAttempts, clock, random, allowUnsafeStore };
}

function checkClient(client: unknown, options: StoreOptions): void {
  if (typeof client !== 'object' || client === null || !('send' in client) || typeof client.send !== 'function') {
    throw new BlockError('INVALID_ARGUMENT', 'client must be an S3Client of @aws-sdk/client-s3');
  }
  for (const name of CLIENT_PARTS) {
    if (options[name] !== undefined) {
      throw new BlockError('INVALID_ARGUMENT', `give either a client or ${name}: the client has its own`);
    }
  }
}

function checkBoolean(value: unknown, what: string): void {
  if (typeof value !== 'boolean') {
    throw new BlockError('INVALID_ARGUMENT', `${what} must be true or false, not ${String(value)}`);
  }
}

function checkBetween(value: unknown, min: number, max: number, what: string): asserts value is number {
  checkInteger(value, what);
  if (value < min || value > max) {
    throw new BlockError('INVALID_ARGUMENT', `${what} must be from ${min} to ${max}, not ${value}`);
  }
}
