import { resolve } from 'node:path';
import { type BlockError, checkIntegerBetween, checkOptionNames, type KnownOptions } from '@blockyard/block';
import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';

/** Parameters of every URI whose device can have a tier. */
export const TIER_PARAMETERS = ['tier', 'tier-size'] as const;

/** A tier: a folder on a local disk, for what is kept of a device's store there. */
export interface TierOptions {
  /** The folder, of one process at a time. It is made where it is not there. */
  readonly directory: string;
  /** Bytes that its files take at most, 16 MiB or more. Default: as they are; 10 GiB for a new one. */
  readonly maxSizeBytes?: number;
}

/** The options with what was left out, checked. */
export interface TierSettings {
  /** Absolute. */
  readonly directory: string;
  /** Undefined: as it is. */
  readonly maxSizeBytes: number | undefined;
  /** Told when the tier begins to fail. */
  readonly onError: (error: BlockError) => void;
}

export const MIN_TIER_BYTES = 16 * 2 ** 20;

const KNOWN: KnownOptions<TierOptions> = { directory: true, maxSizeBytes: true };

/** What the URI and the options say, which must not disagree; undefined: no tier. Throws `INVALID_ARGUMENT`. */
export function tierSettingsOf(
  uri: DeviceUri,
  options: TierOptions | undefined,
  onError: (error: BlockError) => void,
): TierSettings | undefined {
  if (options !== undefined) checkOptionNames(options, KNOWN, 'tier');
  const { directory: wanted, maxSizeBytes: wantedBytes } = options ?? {};
  if (options !== undefined && (typeof wanted !== 'string' || wanted === '')) {
    throw invalid('directory of a tier must be the path of a folder');
  }
  const inUri = uri.parameter('tier');
  if (inUri === '') throw invalid('?tier= must be the path of a folder');
  const directories = [inUri, wanted].flatMap((path) => (path === undefined ? [] : [resolve(path)]));
  const [directory] = directories;
  const maxSizeBytes = wantedBytes ?? uri.size('tier-size');
  if (directory === undefined) {
    if (maxSizeBytes !== undefined) throw invalid('a size of a tier without a tier: name its folder, or leave it out');
    return undefined;
  }
  if (new Set(directories).size > 1) throw invalid('?tier= of the URI is not the folder that was asked for');
  if (maxSizeBytes !== undefined) {
    if (maxSizeBytes !== (uri.size('tier-size') ?? maxSizeBytes)) {
      throw invalid('?tier-size= of the URI is not the size that was asked for');
    }
    checkIntegerBetween(maxSizeBytes, 'size of a tier', MIN_TIER_BYTES);
  }
  return { directory, maxSizeBytes, onError };
}
