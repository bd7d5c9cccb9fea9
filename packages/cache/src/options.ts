import {
  BlockError,
  type Clock,
  checkBoolean,
  checkClock,
  checkInteger,
  checkIntegerBetween,
  checkNumberBetween,
  checkOneOf,
  checkOptionNames,
  checkTimeMs,
  type KnownOptions,
  systemClock,
  TIMER_MS_MAX,
} from '@blockyard/block';
import type { PolicyFactory } from './eviction/policy.js';

/** Bounds and behaviour of a cache; for {@link connectCache}. */
export interface CacheOptions {
  /** Bytes that the cache may hold: data, bookkeeping, copies in flight. Default 100 MiB. */
  readonly maxSizeBytes?: number;
  /**
   * Bytes of a line, the unit that the cache keeps and fetches: a power of two, at least a sector. Default 64 KiB, or less
   * where `maxSizeBytes` would hold only a few.
   */
  readonly lineSize?: number;
  /** `writethrough`: a write resolves when the base has accepted it. Default `writeback`. */
  readonly mode?: 'writeback' | 'writethrough';
  /** Which line leaves. Default `wtinylfu`. A function makes a policy of the caller's own. */
  readonly policy?: 'wtinylfu' | 'clock2qplus' | 'lru' | PolicyFactory;
  /** Read ahead of sequential readers. Default true. */
  readonly readAhead?: boolean;
  /** Milliseconds that a write stays in memory at most. Default 30,000; Infinity for as long as there is space. */
  readonly maxDirtyAgeMs?: number;
  /** Writes of the base in flight at once. They need no memory of their own. Default 256. */
  readonly maxWriteConcurrency?: number;
  /** Delays between attempts to write back to a failing base, doubling from the first to the last. Default 100 and 10,000. */
  readonly minRetryDelayMs?: number;
  readonly maxRetryDelayMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Seed of the policy's hash and random choices. Default: a random one. */
  readonly seed?: number;
}

export type CheckedOptions = Required<Omit<CacheOptions, 'lineSize' | 'seed'>> &
  Pick<CacheOptions, 'lineSize' | 'seed'>;

const DEFAULTS: Required<Omit<CacheOptions, 'lineSize' | 'seed'>> = {
  maxSizeBytes: 100 * 2 ** 20,
  mode: 'writeback',
  policy: 'wtinylfu',
  readAhead: true,
  maxDirtyAgeMs: 30_000,
  maxWriteConcurrency: 256,
  minRetryDelayMs: 100,
  maxRetryDelayMs: 10_000,
  clock: systemClock,
};
const KNOWN: KnownOptions<CacheOptions> = {
  maxSizeBytes: true,
  lineSize: true,
  mode: true,
  policy: true,
  readAhead: true,
  maxDirtyAgeMs: true,
  maxWriteConcurrency: true,
  minRetryDelayMs: true,
  maxRetryDelayMs: true,
  clock: true,
  seed: true,
};
const LINE_SIZE_MAX = 16 * 2 ** 20;

/**
 * The options with their defaults, each of its type and in its bounds. Throws `INVALID_ARGUMENT` for one that is unknown or
 * makes no sense.
 */
export function checkOptions(options: CacheOptions, sectorSize: number): CheckedOptions {
  try {
    return checked(options, sectorSize);
  } catch (error) {
    throw BlockError.from(error, { operation: 'connect' });
  }
}

function checked(options: CacheOptions, sectorSize: number): CheckedOptions {
  checkOptionNames(options, KNOWN);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const all: CheckedOptions = { ...DEFAULTS, ...given };
  checkInteger(all.maxSizeBytes, 'maxSizeBytes');
  checkOneOf(all.mode, 'mode', ['writeback', 'writethrough']);
  if (typeof all.policy !== 'function') checkOneOf(all.policy, 'policy', ['wtinylfu', 'clock2qplus', 'lru']);
  checkBoolean(all.readAhead, 'readAhead');
  checkIntegerBetween(all.maxWriteConcurrency, 'maxWriteConcurrency', 1);
  // Infinity sets no timer.
  if (all.maxDirtyAgeMs !== Number.POSITIVE_INFINITY) {
    checkNumberBetween(all.maxDirtyAgeMs, 'maxDirtyAgeMs', 0, TIMER_MS_MAX);
  }
  const { minRetryDelayMs, maxRetryDelayMs } = all;
  checkTimeMs(minRetryDelayMs, 'minRetryDelayMs', 1);
  checkTimeMs(maxRetryDelayMs, 'maxRetryDelayMs', 1);
  if (minRetryDelayMs > maxRetryDelayMs) {
    throw invalid(`minRetryDelayMs must be at most maxRetryDelayMs, ${maxRetryDelayMs}, not ${minRetryDelayMs}`);
  }
  checkClock(all.clock);
  if (all.seed !== undefined) checkInteger(all.seed, 'seed');
  if (all.lineSize !== undefined) checkLineSize(all.lineSize, sectorSize);
  return all;
}

function checkLineSize(lineSize: number, sectorSize: number): void {
  checkInteger(lineSize, 'lineSize');
  if (!Number.isInteger(Math.log2(lineSize)) || lineSize < sectorSize || lineSize > LINE_SIZE_MAX) {
    throw invalid(
      `lineSize must be a power of two from the sector's ${sectorSize} to ${LINE_SIZE_MAX} bytes, not ${lineSize}`,
    );
  }
}

export function invalid(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message, { operation: 'connect' });
}
