import type { TierOptions } from '@blockyard/uri';
import { type Command, Option } from 'commander';
import { UsageError } from '../terminal/failure.js';
import { sizeOption } from './define.js';

/** What a command line says of a tier. */
export interface TierArguments {
  readonly tier?: string;
  readonly tierSize?: number;
}

export function addTierOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--tier <dir>', 'keep what is read and written of a log volume in this folder of a local disk'),
    )
    .addOption(
      sizeOption('--tier-size <size>', 'bytes that the tier takes at most (default: as it is; 10G for a new one)'),
    );
}

/** What `connectUri` is to be told. Nothing, where all of it is in the URI. */
export function tierOptionsOf({ tier, tierSize }: TierArguments): { readonly tier?: TierOptions } {
  if (tier === undefined) {
    if (tierSize === undefined) return {};
    throw new UsageError('--tier-size goes with --tier', 'in a URI both are parameters: ?tier=DIR&tier-size=100G');
  }
  if (tier === '') throw new UsageError('--tier must be the path of a folder');
  return { tier: { directory: tier, ...(tierSize === undefined ? {} : { maxSizeBytes: tierSize }) } };
}
