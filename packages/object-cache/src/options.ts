import {
  type BlockDevice,
  BlockError,
  type Clock,
  checkClock,
  checkDevice,
  checkFunction,
  checkIntegerBetween,
  checkOptionNames,
  checkTimeMs,
  type KnownOptions,
  systemClock,
} from '@blockyard/block';
import type { ObjectStore } from '@blockyard/object-store';
import { MAX_PART_BYTES, MIN_PART_BYTES } from './format/layout.js';
import { type ObjectScope, Scopes } from './identity/scopes.js';

/** What to cache, where, and within which bounds; for {@link connectObjectCache}. */
export interface ObjectCacheOptions {
  /** Where the objects are. It is the cache's from now on. */
  readonly store: ObjectStore;
  /** Where ranges of them are kept: any block device. It is the cache's from now on. One of zeroes is formatted. */
  readonly medium: BlockDevice;
  /** Keys whose objects never change under their name. Everything else goes straight to the store. */
  readonly scopes: readonly ObjectScope[];
  /** When the medium is formatted: bytes that are kept as one at most, a power of two from 4 KiB to 128 KiB. Default: 128 KiB. */
  readonly maxPartBytes?: number | undefined;
  /** When the medium is formatted: bytes that are evicted at once, a power of two; less where the medium is small. Default: 16 MiB. */
  readonly maxRegionBytes?: number | undefined;
  /** Bytes that are written to the medium in a day at most. Default: no limit. */
  readonly maxBytesPerDay?: number | undefined;
  /** Bytes that wait to be written at most; what does not fit is not kept. Default: 16 MiB. */
  readonly maxUnwrittenBytes?: number | undefined;
  /** Longest that a request waits for the medium, in milliseconds. Default: 2,000. */
  readonly maxMediumWaitMs?: number | undefined;
  /** How long after the opening the indexes are read, in milliseconds; until then the medium has nothing. Default: 0, at once. */
  readonly loadDelayMs?: number | undefined;
  /** Drives waiting, probes and days. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Called when the medium fails, and is left out. No request fails for it. Default: no one is told. */
  readonly onError?: ((error: BlockError) => void) | undefined;
}

/** The options with what was left out, checked. */
export type Settings = {
  readonly [Name in keyof Omit<ObjectCacheOptions, 'scopes'>]-?: Exclude<ObjectCacheOptions[Name], undefined>;
} & { readonly scopes: Scopes };

const KNOWN: KnownOptions<ObjectCacheOptions> = {
  store: true,
  medium: true,
  scopes: true,
  maxPartBytes: true,
  maxRegionBytes: true,
  maxBytesPerDay: true,
  maxUnwrittenBytes: true,
  maxMediumWaitMs: true,
  loadDelayMs: true,
  clock: true,
  onError: true,
};

const DEFAULT_REGION_BYTES = 16 << 20;
const MAX_REGION_BYTES = 1 << 30;
const DEFAULT_UNWRITTEN_BYTES = 16 << 20;
const DEFAULT_WAIT_MS = 2000;

/** `INVALID_ARGUMENT` for what is wrong or unknown. */
export function checkOptions(options: ObjectCacheOptions): Settings {
  checkOptionNames(options, KNOWN);
  const {
    store,
    medium,
    maxPartBytes = MAX_PART_BYTES,
    maxRegionBytes = DEFAULT_REGION_BYTES,
    maxBytesPerDay = Number.MAX_SAFE_INTEGER,
    maxUnwrittenBytes = DEFAULT_UNWRITTEN_BYTES,
    maxMediumWaitMs = DEFAULT_WAIT_MS,
    loadDelayMs = 0,
    clock = systemClock,
    onError = () => {},
  } = options;
  if (typeof store?.get !== 'function') throw new BlockError('INVALID_ARGUMENT', 'store must be an object store');
  checkDevice(medium, 'medium');
  if (medium.info.readOnly) throw new BlockError('INVALID_ARGUMENT', 'medium must not be read-only');
  checkPowerOfTwo(maxPartBytes, 'maxPartBytes', MIN_PART_BYTES, MAX_PART_BYTES);
  checkPowerOfTwo(maxRegionBytes, 'maxRegionBytes', MIN_PART_BYTES, MAX_REGION_BYTES);
  checkIntegerBetween(maxBytesPerDay, 'maxBytesPerDay', 0);
  checkIntegerBetween(maxUnwrittenBytes, 'maxUnwrittenBytes', 0);
  checkTimeMs(maxMediumWaitMs, 'maxMediumWaitMs', 1);
  checkTimeMs(loadDelayMs, 'loadDelayMs');
  checkClock(clock);
  checkFunction(onError, 'onError');
  const scopes = new Scopes(options.scopes);
  return {
    store,
    medium,
    scopes,
    maxPartBytes,
    maxRegionBytes,
    maxBytesPerDay,
    maxUnwrittenBytes,
    maxMediumWaitMs,
    loadDelayMs,
    clock,
    onError,
  };
}

function checkPowerOfTwo(value: unknown, what: string, min: number, max: number): asserts value is number {
  checkIntegerBetween(value, what, min, max);
  if (!Number.isInteger(Math.log2(value))) {
    throw new BlockError('INVALID_ARGUMENT', `${what} must be a power of two, not ${value}`);
  }
}
