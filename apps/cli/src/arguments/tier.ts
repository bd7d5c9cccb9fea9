import type { TierDurability, TierOptions } from '@blockyard/uri';
import { type Command, Option } from 'commander';
import { UsageError } from '../terminal/failure.js';
import { sizeOption } from './define.js';

/** What a command line says of a tier. */
export interface TierArguments {
  readonly tier?: string;
  readonly tierSize?: number;
  readonly durability?: TierDurability;
}

export function tierOption(): Option {
  return new Option('--tier <dir>', 'keep what is read and written of a log volume in this folder of a local disk');
}

export function addTierOptions(command: Command): Command {
  return command
    .addOption(tierOption())
    .addOption(
      sizeOption('--tier-size <size>', 'bytes that the tier takes at most (default: as it is; 10G for a new one)'),
    )
    .addOption(
      new Option(
        '--durability <where>',
        'where what was flushed is: base, in the store; local, on the disk of the tier (default: base)',
      ).choices(['base', 'local']),
    )
    .addOption(acceptLossOption());
}

export function acceptLossOption(): Option {
  return new Option('--accept-loss', 'go on without the tier that alone has what was flushed last, which is lost');
}

/** What `connectUri` is to be told. Nothing, where all of it is in the URI. */
export function tierOptionsOf({ tier, tierSize, durability }: TierArguments): { readonly tier?: TierOptions } {
  if (tier === undefined) {
    const alone = tierSize !== undefined ? '--tier-size' : durability !== undefined ? '--durability' : undefined;
    if (alone === undefined) return {};
    const inUri = 'in a URI all of them are parameters: ?tier=DIR&tier-size=100G&durability=local';
    throw new UsageError(`${alone} goes with --tier`, inUri);
  }
  if (tier === '') throw new UsageError('--tier must be the path of a folder');
  return {
    tier: {
      directory: tier,
      ...(tierSize === undefined ? {} : { maxSizeBytes: tierSize }),
      ...(durability === undefined ? {} : { durability }),
    },
  };
}
