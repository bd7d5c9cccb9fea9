import { BlockError, checkOptionNames, type KnownOptions } from '@blockyard/block';
import { type Counts, REQUEST_KINDS, type RequestKind } from './traffic.js';

/** What a store costs, in US dollars. A GB is 2^30 bytes, as AWS counts it. */
export interface Prices {
  /** PUT and LIST. */
  readonly per1000WritesUsd: number;
  /** GET and HEAD. */
  readonly per1000ReadsUsd: number;
  readonly per1000DeletesUsd: number;
  readonly uploadPerGbUsd: number;
  readonly downloadPerGbUsd: number;
  readonly storagePerGbMonthUsd: number;
}

/**
 * The list prices of S3 Standard in us-east-1, as they stood in 2025, for a machine in that region: transfer is free there, and
 * a download to the internet cost 0.09 dollars per GB.
 *
 * Source: https://aws.amazon.com/s3/pricing
 */
export const S3_STANDARD_PRICES: Prices = {
  per1000WritesUsd: 0.005,
  per1000ReadsUsd: 0.0004,
  per1000DeletesUsd: 0,
  uploadPerGbUsd: 0,
  downloadPerGbUsd: 0,
  storagePerGbMonthUsd: 0.023,
};

const KNOWN: KnownOptions<Prices> = {
  per1000WritesUsd: true,
  per1000ReadsUsd: true,
  per1000DeletesUsd: true,
  uploadPerGbUsd: true,
  downloadPerGbUsd: true,
  storagePerGbMonthUsd: true,
};

const GB = 2 ** 30;

/** A whole table: what is given, and for the rest {@link S3_STANDARD_PRICES}. Throws `INVALID_ARGUMENT`. */
export function pricesOf(given: Partial<Prices>): Prices {
  checkOptionNames(given, KNOWN);
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new BlockError('INVALID_ARGUMENT', `${name} must be a number of dollars, not ${JSON.stringify(value)}`);
    }
  }
  return { ...S3_STANDARD_PRICES, ...given };
}

/** What traffic cost, in US dollars. */
export interface Cost {
  readonly requestsUsd: Readonly<Record<RequestKind, number>>;
  readonly transferUsd: number;
  readonly totalUsd: number;
}

const PRICE_OF = {
  put: 'per1000WritesUsd',
  list: 'per1000WritesUsd',
  get: 'per1000ReadsUsd',
  head: 'per1000ReadsUsd',
  delete: 'per1000DeletesUsd',
} as const satisfies Record<RequestKind, keyof Prices>;

/**
 * What so many requests and bytes cost: all traffic of a store, one class of it, or that of a while.
 *
 * @example
 * ```ts
 * import { costOf, MemoryStore, newId } from '@blockyard/object-store';
 *
 * const store = new MemoryStore();
 * for (let n = 0; n < 1000; n++) await store.put(`object-${n}`, Buffer.from('1'), 'any', newId());
 * console.log(costOf(store.traffic).totalUsd); // 0.005
 * ```
 */
export function costOf({ requests, uploadBytes, downloadBytes }: Counts, prices = S3_STANDARD_PRICES): Cost {
  const costs = REQUEST_KINDS.map((kind) => [kind, (requests[kind] * prices[PRICE_OF[kind]]) / 1000] as const);
  const requestsUsd = Object.fromEntries(costs) as Record<RequestKind, number>;
  const transferUsd = (uploadBytes * prices.uploadPerGbUsd + downloadBytes * prices.downloadPerGbUsd) / GB;
  return { requestsUsd, transferUsd, totalUsd: costs.reduce((sum, [, usd]) => sum + usd, transferUsd) };
}

/** What it costs to keep so many bytes for a month, in US dollars. */
export function storageUsdPerMonth(storedBytes: number, prices = S3_STANDARD_PRICES): number {
  return (storedBytes * prices.storagePerGbMonthUsd) / GB;
}
