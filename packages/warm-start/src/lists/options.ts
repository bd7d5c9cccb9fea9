import {
  BlockError,
  type Clock,
  checkClock,
  checkFunction,
  checkIntegerBetween,
  checkOptionNames,
  checkTimeMs,
  type KnownOptions,
  systemClock,
} from '@blockyard/block';
import type { WarmUpOptions } from '@blockyard/cache';
import { RANGES_MAX } from '../format/range-list.js';
import type { WarmStartEvent } from './events.js';

/** A list of what the cache held, hottest first: written now and then and at the end, brought in at the next start. */
export interface HotRangesOptions {
  /** The file; its folder must be there. */
  readonly path: string;
  /** Time between two writes of the list, in milliseconds; none is written while nothing is asked for. Default: 60,000. */
  readonly saveIntervalMs?: number;
  /** Ranges in it at most, 12 bytes each. Default: 65,536; at most 262,144. */
  readonly maxRanges?: number;
  /** It is read so long after the start, in milliseconds, and brought in then. Default: 0. */
  readonly startDelayMs?: number;
  /** How it is brought in. Default: as `warmUp` of the cache has it, for half of the time of the base. */
  readonly warmUp?: WarmUpOptions;
}

/** A list of what the first start reads, in that order: recorded if there is none, brought in at every later start. */
export interface BootProfileOptions {
  /** The file; its folder must be there. */
  readonly path: string;
  /** How long is recorded, from the first read on, in milliseconds. Default: 120,000. */
  readonly maxRecordMs?: number;
  /** Bytes that are recorded at most. Default: 1 GiB. */
  readonly maxRecordBytes?: number;
  /** Ranges in it at most, 12 bytes each. Default: 65,536; at most 262,144. */
  readonly maxRanges?: number;
  /** How it is brought in. Default: 16 reads in flight, all of the time. */
  readonly warmUp?: WarmUpOptions;
}

/** What to remember of a cache, and where; for {@link warmStart}. */
export interface WarmStartOptions {
  /** Tells the volume from any other, for good: its id, or else its name. */
  readonly volume: string;
  /** Default: nothing is remembered. */
  readonly hotRanges?: HotRangesOptions;
  /** Default: nothing is recorded. */
  readonly bootProfile?: BootProfileOptions;
  /** Told of what happens to the lists. Default: no one is told. */
  readonly onEvent?: (event: WarmStartEvent) => void;
  /** Default: the system's. Timers that have an `unref` do not keep the process alive. */
  readonly clock?: Clock;
}

/** The options with their defaults. */
export interface CheckedOptions {
  readonly volume: string;
  readonly hotRanges: Required<HotRangesOptions> | undefined;
  readonly bootProfile: Required<BootProfileOptions> | undefined;
  readonly onEvent: (event: WarmStartEvent) => void;
  readonly clock: Clock;
}

const KNOWN: KnownOptions<WarmStartOptions> = {
  volume: true,
  hotRanges: true,
  bootProfile: true,
  onEvent: true,
  clock: true,
};
const KNOWN_HOT: KnownOptions<HotRangesOptions> = {
  path: true,
  saveIntervalMs: true,
  maxRanges: true,
  startDelayMs: true,
  warmUp: true,
};
const KNOWN_PROFILE: KnownOptions<BootProfileOptions> = {
  path: true,
  maxRecordMs: true,
  maxRecordBytes: true,
  maxRanges: true,
  warmUp: true,
};

const DEFAULT_RANGES = 2 ** 16;
const DEFAULT_RECORD_BYTES = 2 ** 30;
/** A client waits for what comes: all of the base is its own. */
const PROFILE_WARM_UP: WarmUpOptions = { maxReadConcurrency: 16, maxBaseShare: 1 };

/** Throws `INVALID_ARGUMENT` for what is unknown or makes no sense; what `warmUp` has in it is checked where it is used. */
export function checkOptions(options: WarmStartOptions): CheckedOptions {
  checkOptionNames(options, KNOWN);
  const { volume, hotRanges, bootProfile, onEvent = () => {}, clock = systemClock } = options;
  checkText(volume, 'volume');
  checkFunction(onEvent, 'onEvent');
  checkClock(clock);
  const checked = {
    volume,
    hotRanges: hotRanges && checkHotRanges(hotRanges),
    bootProfile: bootProfile && checkBootProfile(bootProfile),
    onEvent,
    clock,
  };
  if (checked.hotRanges !== undefined && checked.hotRanges.path === checked.bootProfile?.path) {
    throw new BlockError('INVALID_ARGUMENT', 'hotRanges and bootProfile must be in two files');
  }
  return checked;
}

function checkHotRanges(options: HotRangesOptions): Required<HotRangesOptions> {
  checkOptionNames(options, KNOWN_HOT, 'hotRanges');
  const { path, saveIntervalMs = 60_000, maxRanges = DEFAULT_RANGES, startDelayMs = 0, warmUp = {} } = options;
  checkText(path, 'path of hotRanges');
  checkTimeMs(saveIntervalMs, 'saveIntervalMs', 1);
  checkTimeMs(startDelayMs, 'startDelayMs');
  checkIntegerBetween(maxRanges, 'maxRanges', 1, RANGES_MAX);
  return { path, saveIntervalMs, maxRanges, startDelayMs, warmUp };
}

function checkBootProfile(options: BootProfileOptions): Required<BootProfileOptions> {
  checkOptionNames(options, KNOWN_PROFILE, 'bootProfile');
  const { path, maxRecordMs = 120_000, maxRecordBytes = DEFAULT_RECORD_BYTES, maxRanges = DEFAULT_RANGES } = options;
  checkText(path, 'path of bootProfile');
  checkTimeMs(maxRecordMs, 'maxRecordMs', 1);
  checkIntegerBetween(maxRecordBytes, 'maxRecordBytes', 1);
  checkIntegerBetween(maxRanges, 'maxRanges', 1, RANGES_MAX);
  const { warmUp } = options;
  return { path, maxRecordMs, maxRecordBytes, maxRanges, warmUp: { ...PROFILE_WARM_UP, ...warmUp } };
}

function checkText(value: unknown, what: string): void {
  if (typeof value === 'string' && value !== '') return;
  throw new BlockError('INVALID_ARGUMENT', `${what} must be a text that is not empty`);
}
