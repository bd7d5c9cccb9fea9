/** What a new tier takes where no one says how much. */
const DEFAULT_TIER_BYTES = 10 * 2 ** 30;
/** The write log has this share of a tier, within bounds: more than a store takes in a while is of no use to it. */
const LOG_SHARE = 8;
const MIN_LOG_BYTES = 4 * 2 ** 20;
const MAX_LOG_BYTES = 4 * 2 ** 30;
/** Sectors of the files of a tier. */
export const TIER_SECTOR_BYTES = 4096;

/** How the bytes of a tier are shared out: whole sectors. */
export interface TierShares {
  readonly writeLogBytes: number;
  readonly objectCacheBytes: number;
}

export function sharesOf(maxSizeBytes = DEFAULT_TIER_BYTES): TierShares {
  const share = Math.min(MAX_LOG_BYTES, Math.max(MIN_LOG_BYTES, maxSizeBytes / LOG_SHARE));
  const writeLogBytes = wholeSectors(share);
  return { writeLogBytes, objectCacheBytes: wholeSectors(maxSizeBytes - writeLogBytes) };
}

function wholeSectors(bytes: number): number {
  return Math.floor(bytes / TIER_SECTOR_BYTES) * TIER_SECTOR_BYTES;
}
