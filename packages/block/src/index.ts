export { byteLengthOf, isZero, sliceBuffers, zeroBuffers } from './buffers.js';
export {
  type CompareOptions,
  type CompareProgress,
  type CompareResult,
  compare,
  type Difference,
} from './bulk/compare.js';
export { type CopyOptions, type CopyProgress, copy } from './bulk/copy.js';
export { type FillOptions, type FillPattern, type FillProgress, fill } from './bulk/fill.js';
export type { AbortSignalLike, ParallelOptions } from './bulk/plan.js';
export { walkExtents } from './bulk/walk-extents.js';
export type { CacheState, CacheStates, Prefetching } from './cache-state.js';
export { checkInteger, checkSectorSize, checkSize } from './check.js';
export {
  checkBoolean,
  checkClock,
  checkDevice,
  checkFunction,
  checkIntegerBetween,
  checkNumberBetween,
  checkOneOf,
  checkOptionNames,
  checkTimeMs,
  type KnownOptions,
  TIMER_MS_MAX,
} from './check-options.js';
export { type Clock, systemClock } from './clock.js';
export {
  type BlockDevice,
  type DeviceInfo,
  type DisconnectOptions,
  type Extent,
  type Fragment,
  type Loan,
  type LostSignal,
  type NativeOperations,
  OPERATIONS,
  type Operation,
  SECTOR_SIZE_MAX,
  SECTOR_SIZE_MIN,
  type SectorRange,
} from './contract.js';
export { createDevice, type DeviceOptions } from './device/device.js';
export type { BlockDriver } from './driver.js';
export { DURABILITY_CLASSES, type Durability, type DurabilityClass } from './durability.js';
export { DURATION_BOUNDS_US, type DurationCounts, durationsOf } from './durations.js';
export { CODE_BY_ERRNO, type ErrnoCodes, errnoOf, fromErrno, unlessErrno } from './errno.js';
export {
  BLOCK_ERROR_CODES,
  BlockError,
  type BlockErrorCode,
  type BlockErrorOptions,
  type ErrorContext,
  isBlockError,
} from './error.js';
export { extentsOfData, mergeExtents } from './extents.js';
export { Histogram } from './histogram.js';
export { type Interval, type IntervalRun, IntervalSet } from './interval-set.js';
export { invariant } from './invariant.js';
export type { MaybePromise } from './maybe-promise.js';
export { type SizeOptions, sizeSectorsOf } from './size.js';
export type { TierAttachment, TierMark } from './tier.js';
export type { ConnectSchemeOptions, CreateSchemeOptions, ListedDevice, SchemeUri, UriScheme } from './uri-scheme.js';
