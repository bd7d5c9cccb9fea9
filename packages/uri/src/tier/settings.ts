import { resolve } from 'node:path';
import {
  type BlockError,
  checkIntegerBetween,
  checkOneOf,
  checkOptionNames,
  type KnownOptions,
} from '@blockyard/block';
import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';

/** Parameters of every URI whose device can have a tier. */
export const TIER_PARAMETERS = ['tier', 'tier-size', 'durability', 'accept-loss'] as const;

/** `base`: a flush resolves when the store has all of it. `local`: when the tier's folder has. */
export type TierDurability = 'base' | 'local';

export const TIER_DURABILITIES = ['base', 'local'] as const satisfies readonly TierDurability[];

/** A tier: a folder on a local disk, for what is kept of a device's store there. */
export interface TierOptions {
  /** The folder, of one process at a time. It is made where it is not there. */
  readonly directory: string;
  /** Bytes that its files take at most, 16 MiB or more. Default: as they are; 10 GiB for a new one. */
  readonly maxSizeBytes?: number;
  /** What a flush promises. `local` is for log volumes alone. Default: `base`. */
  readonly durability?: TierDurability;
}

/** The options with what was left out, checked. */
export interface TierSettings {
  /** Absolute. */
  readonly directory: string;
  /** Undefined: as it is. */
  readonly maxSizeBytes: number | undefined;
  readonly durability: TierDurability;
  /** Told when the tier begins to fail. */
  readonly onError: (error: BlockError) => void;
}

export const MIN_TIER_BYTES = 16 * 2 ** 20;

const KNOWN: KnownOptions<TierOptions> = { directory: true, maxSizeBytes: true, durability: true };

/**
 * What the URI and the options say, which must not disagree; undefined: no tier. `null` for the options: none, whatever the URI
 * says. Throws `INVALID_ARGUMENT`.
 */
export function tierSettingsOf(
  uri: DeviceUri,
  options: TierOptions | null | undefined,
  onError: (error: BlockError) => void,
): TierSettings | undefined {
  if (options === null) return undefined;
  if (options !== undefined) checkOptionNames(options, KNOWN, 'tier');
  const { directory: wanted, maxSizeBytes: wantedBytes, durability: wantedDurability } = options ?? {};
  if (options !== undefined && (typeof wanted !== 'string' || wanted === '')) {
    throw invalid('directory of a tier must be the path of a folder');
  }
  if (wantedDurability !== undefined) checkOneOf(wantedDurability, 'durability of a tier', TIER_DURABILITIES);
  const inUri = uri.parameter('tier');
  if (inUri === '') throw invalid('?tier= must be the path of a folder');
  const directories = [inUri, wanted].flatMap((path) => (path === undefined ? [] : [resolve(path)]));
  const [directory] = directories;
  const maxSizeBytes = agreed('tier-size', uri.size('tier-size'), wantedBytes, 'size');
  const durability = agreed('durability', uri.choice('durability', TIER_DURABILITIES), wantedDurability, 'one');
  if (directory === undefined) {
    const alone = maxSizeBytes !== undefined ? 'a size' : durability !== undefined ? 'a durability' : undefined;
    if (alone !== undefined) throw invalid(`${alone} of a tier without a tier: name its folder, or leave it out`);
    return undefined;
  }
  if (new Set(directories).size > 1) throw invalid('?tier= of the URI is not the folder that was asked for');
  if (maxSizeBytes !== undefined) checkIntegerBetween(maxSizeBytes, 'size of a tier', MIN_TIER_BYTES);
  return { directory, maxSizeBytes, durability: durability ?? 'base', onError };
}

function agreed<T extends number | string>(
  name: string,
  inUri: T | undefined,
  wanted: T | undefined,
  what: string,
): T | undefined {
  if (inUri === undefined || wanted === undefined || inUri === wanted) return wanted ?? inUri;
  throw invalid(`?${name}= of the URI is not the ${what} that was asked for`);
}
