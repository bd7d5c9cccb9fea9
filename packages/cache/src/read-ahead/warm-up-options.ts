import { checkIntegerBetween, checkNumberBetween, checkOptionNames, type KnownOptions } from '@blockyard/block';

/** Bounds of a warm-up. */
export interface WarmUpOptions {
  /** Reads of the base in flight at once. Default: 4. */
  readonly maxReadConcurrency?: number;
  /**
   * Share of the time that each of these reads takes of the base while others use it, above 0 to 1: after a read as long a rest
   * follows as makes it that. While no one else uses the base there is no rest. Default: 0.5.
   */
  readonly maxBaseShare?: number;
  /** Bytes that may be read between two ranges, to make one read of both, for each byte of them; 0 to 1. Default: 0.2. */
  readonly maxOverreadShare?: number;
}

const KNOWN: KnownOptions<WarmUpOptions> = { maxReadConcurrency: true, maxBaseShare: true, maxOverreadShare: true };
/** Below, rests would have no end. */
const BASE_SHARE_MIN = 0.001;

/** The options with their defaults. Throws `INVALID_ARGUMENT` for one that is unknown or makes no sense. */
export function checkWarmUpOptions(options: WarmUpOptions): Required<WarmUpOptions> {
  checkOptionNames(options, KNOWN);
  const { maxReadConcurrency = 4, maxBaseShare = 0.5, maxOverreadShare = 0.2 } = options;
  checkIntegerBetween(maxReadConcurrency, 'maxReadConcurrency', 1);
  checkNumberBetween(maxBaseShare, 'maxBaseShare', BASE_SHARE_MIN, 1);
  checkNumberBetween(maxOverreadShare, 'maxOverreadShare', 0, 1);
  return { maxReadConcurrency, maxBaseShare, maxOverreadShare };
}
