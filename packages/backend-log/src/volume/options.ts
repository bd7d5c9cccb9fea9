import {
  BlockError,
  checkBoolean,
  checkInteger,
  checkIntegerBetween,
  checkOneOf,
  checkOptionNames,
  checkSectorSize,
  checkTimeMs,
  type KnownOptions,
  type SizeOptions,
  sizeSectorsOf,
} from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import { checkPrefix, systemVolumeClock, type VolumeClock } from '@blockyard/volume-root';
import { checkSnapshotName } from '../format/keys.js';
import { checkSegmentSize, SEGMENT_SIZE_BYTES_DEFAULT } from '../format/segment-size.js';
import { LoadedState } from './loaded-state.js';

/** Where a log volume is. */
export interface LogPlace {
  /** The store that it lies in. */
  readonly store: ObjectStore;
  /** What its keys begin with: `disks/web-1`. */
  readonly prefix: string;
  /** Of an encrypted volume: its passphrase, or its raw key of 32 bytes. */
  readonly passphrase?: string;
  readonly key?: Uint8Array;
}

/** The shape of a new volume, and where it is to be; for {@link createLogVolume}. */
export interface CreateLogOptions extends LogPlace, SizeOptions {
  /** Bytes in a sector: a power of two from 512 to 65,536. Default: 4,096. */
  readonly sectorSize?: number;
  /** Bytes of a full segment, about: at least 16 sectors, at most 64 MiB. Default: 8 MiB. */
  readonly segmentSizeBytes?: number;
  /** Go on with a store that does not honour conditional writes. Default: false. */
  readonly allowUnsafeStore?: boolean;
}

/** Which volume to open, how, and within which bounds; for {@link connectLog}. */
export interface ConnectLogOptions extends LogPlace {
  /** Default: false. */
  readonly readOnly?: boolean;
  /** Open this snapshot, read-only. */
  readonly snapshot?: string;
  /** Open the volume as it was then, in milliseconds since 1970, as far as that is kept. Read-only. */
  readonly atMs?: number;
  /** Read-only: look for changes of the writer so often, in milliseconds. Default: 0, not at all. */
  readonly followMs?: number;
  /** Whether the volume is taken from a writer that has it open and is alive. If not, that is `LOCKED`. Default: true. */
  readonly takeOver?: boolean;
  /**
   * The caller puts the volume's tier above it, and sees to it by `tierMark` that it is the right one. Without this a volume
   * that has a tier is not opened for writing: that is `TIER_MISSING`.
   */
  readonly tier?: 'expected';
  /**
   * Open for writing also without the tier that the volume has: what was flushed to the tier and is not in the store is lost,
   * for good. Default: false.
   */
  readonly acceptLoss?: boolean;
  /**
   * The state that `loadLog` has read, or that a device has left: what has come since is all that is read then, if the volume
   * is of the same history still. Default: everything is read.
   */
  readonly loaded?: LoadedState;
  /** Memory for the map, beyond which regions that were not changed are dropped. Default: 64 MiB. */
  readonly maxMapBytes?: number;
  /**
   * Segments that are on their way to the store, each with `segmentSizeBytes` of memory. Beyond that writers wait. Default: 8.
   */
  readonly maxInFlightSegments?: number;
  /** Longest that a change stays in memory without a flush. Default: 5,000. */
  readonly maxDirtyAgeMs?: number;
  /** Requests of one read in flight at once. Default: 64. */
  readonly maxConcurrency?: number;
  /** From when an object is no longer needed to when it is deleted, for the sake of others who read. Default: 60,000. */
  readonly minDeleteDelayMs?: number;
  /** A volume that was not changed for so long is idle, and cleaned further. Default: 30,000. */
  readonly minIdleMs?: number;
  /** Go on with a store that does not honour conditional writes. Default: false. */
  readonly allowUnsafeStore?: boolean;
  /** Default: the system's. */
  readonly clock?: VolumeClock;
  /** Told of failures of what goes on behind: checkpoints, cleaning, deleting. They are tried again. */
  readonly onError?: (error: unknown) => void;
}

export type CreateLogSettings = LogPlace & {
  readonly sectorSize: number;
  readonly sizeSectors: number;
  readonly segmentSizeBytes: number;
  readonly allowUnsafeStore: boolean;
};

export type ConnectLogSettings = LogPlace & {
  readonly readOnly: boolean;
  readonly snapshot: string | undefined;
  readonly atMs: number | undefined;
  readonly followMs: number;
  readonly takeOver: boolean;
  readonly tier: 'expected' | undefined;
  readonly acceptLoss: boolean;
  readonly loaded: LoadedState | undefined;
  readonly maxMapBytes: number;
  readonly maxInFlightSegments: number;
  readonly maxDirtyAgeMs: number;
  readonly maxConcurrency: number;
  readonly minDeleteDelayMs: number;
  readonly minIdleMs: number;
  readonly allowUnsafeStore: boolean;
  readonly clock: VolumeClock;
  readonly onError: (error: unknown) => void;
};

const SECTOR_SIZE_DEFAULT = 4096;
const KEY_BYTES = 32;
const MAP_BYTES_MIN = 1 << 20;
const SEGMENTS_IN_FLIGHT_MAX = 64;
const CONCURRENCY_MAX = 256;

const KNOWN_PLACE: KnownOptions<LogPlace> = { store: true, prefix: true, passphrase: true, key: true };
const KNOWN_CREATE: KnownOptions<CreateLogOptions> = {
  ...KNOWN_PLACE,
  sizeSectors: true,
  sizeBytes: true,
  sectorSize: true,
  segmentSizeBytes: true,
  allowUnsafeStore: true,
};
const KNOWN_CONNECT: KnownOptions<ConnectLogOptions> = {
  ...KNOWN_PLACE,
  readOnly: true,
  snapshot: true,
  atMs: true,
  followMs: true,
  takeOver: true,
  tier: true,
  acceptLoss: true,
  loaded: true,
  maxMapBytes: true,
  maxInFlightSegments: true,
  maxDirtyAgeMs: true,
  maxConcurrency: true,
  minDeleteDelayMs: true,
  minIdleMs: true,
  allowUnsafeStore: true,
  clock: true,
  onError: true,
};

/** The options with their defaults. Throws `INVALID_ARGUMENT`, or `UNALIGNED` for sizes that are not whole sectors. */
export function checkCreateOptions(options: CreateLogOptions): CreateLogSettings {
  checkOptionNames(options, KNOWN_CREATE);
  const place = checkPlaceOptions(options);
  const { sectorSize = SECTOR_SIZE_DEFAULT, segmentSizeBytes, allowUnsafeStore = false } = options;
  checkSectorSize(sectorSize);
  checkBoolean(allowUnsafeStore, 'allowUnsafeStore');
  const segmentBytes = segmentSizeBytes ?? SEGMENT_SIZE_BYTES_DEFAULT;
  checkSegmentSize(segmentBytes, sectorSize);
  const sizeSectors = sizeSectorsOf(options, sectorSize);
  return { ...place, sectorSize, sizeSectors, segmentSizeBytes: segmentBytes, allowUnsafeStore };
}

export function checkConnectOptions(options: ConnectLogOptions): ConnectLogSettings {
  checkOptionNames(options, KNOWN_CONNECT);
  const place = checkPlaceOptions(options);
  const { snapshot, atMs, followMs = 0, takeOver = true, allowUnsafeStore = false } = options;
  const { tier, acceptLoss = false, loaded } = options;
  const { maxMapBytes = 64 << 20, maxInFlightSegments = 8, maxDirtyAgeMs = 5000, maxConcurrency = 64 } = options;
  const { minDeleteDelayMs = 60_000, minIdleMs = 30_000, clock = systemVolumeClock, onError = () => {} } = options;
  const { readOnly = snapshot !== undefined || atMs !== undefined } = options;
  checkBoolean(readOnly, 'readOnly');
  checkBoolean(takeOver, 'takeOver');
  checkBoolean(acceptLoss, 'acceptLoss');
  if (tier !== undefined) checkOneOf(tier, 'tier', ['expected']);
  checkBoolean(allowUnsafeStore, 'allowUnsafeStore');
  if (loaded !== undefined && !(loaded instanceof LoadedState)) throw invalid('loaded must come from loadLog');
  if (snapshot !== undefined) checkSnapshotName(snapshot);
  if (atMs !== undefined) checkInteger(atMs, 'atMs');
  if ((snapshot !== undefined || atMs !== undefined) && !readOnly) throw invalid('the past can only be read');
  if (snapshot !== undefined && atMs !== undefined) throw invalid('give either snapshot or atMs');
  checkTimeMs(followMs, 'followMs');
  if (followMs > 0 && (!readOnly || snapshot !== undefined || atMs !== undefined)) {
    throw invalid('followMs goes with readOnly, and without snapshot and atMs');
  }
  checkIntegerBetween(maxMapBytes, 'maxMapBytes', MAP_BYTES_MIN, Number.MAX_SAFE_INTEGER);
  checkIntegerBetween(maxInFlightSegments, 'maxInFlightSegments', 1, SEGMENTS_IN_FLIGHT_MAX);
  checkIntegerBetween(maxConcurrency, 'maxConcurrency', 1, CONCURRENCY_MAX);
  checkTimeMs(maxDirtyAgeMs, 'maxDirtyAgeMs');
  checkTimeMs(minDeleteDelayMs, 'minDeleteDelayMs');
  checkTimeMs(minIdleMs, 'minIdleMs');
  return {
    ...place,
    readOnly,
    snapshot,
    atMs,
    followMs,
    takeOver,
    tier,
    acceptLoss,
    loaded,
    maxMapBytes,
    maxInFlightSegments,
    maxDirtyAgeMs,
    maxConcurrency,
    minDeleteDelayMs,
    minIdleMs,
    allowUnsafeStore,
    clock,
    onError,
  };
}

/** What the layout adds to the prefix at most: a pin of a snapshot. */
export const KEY_BYTES_ADDED_MAX = 160;

/** The place alone, checked. */
export function checkPlaceOptions({ store, prefix, passphrase, key }: LogPlace): LogPlace {
  if (typeof store?.get !== 'function' || typeof store.put !== 'function') throw invalid('store is no object store');
  checkPrefix(prefix, KEY_BYTES_ADDED_MAX);
  if (passphrase !== undefined && (typeof passphrase !== 'string' || passphrase === '')) {
    throw invalid('passphrase must be a string that is not empty');
  }
  if (key !== undefined && !(key instanceof Uint8Array && key.byteLength === KEY_BYTES)) {
    throw invalid(`key must be ${KEY_BYTES} bytes`);
  }
  if (passphrase !== undefined && key !== undefined) throw invalid('give either passphrase or key');
  return {
    store,
    prefix,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(key === undefined ? {} : { key }),
  };
}

function invalid(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message);
}
