import type { UriWarmStartOptions } from '@blockyard/uri';
import { type Command, Option } from 'commander';
import { UsageError } from '../terminal/failure.js';

/** What a command line says of what is remembered of a cache. */
export interface WarmStartArguments {
  /** A file; true: in the tier's folder; false: nowhere. */
  readonly warmStart?: string | boolean;
  readonly bootProfile?: string;
}

export function addWarmStartOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--warm-start [file]',
        "remember what the cache holds in this file, or in the tier's folder, and read it at the next start (default: with a tier)",
      ),
    )
    .addOption(new Option('--no-warm-start', 'remember nothing'))
    .addOption(
      new Option(
        '--boot-profile <file>',
        'record what the first start reads in this file, and read it ahead at later ones',
      ),
    );
}

/** What `connectUri` is to be told. Nothing, where there is no cache to remember. */
export function warmStartOptionsOf(
  { warmStart, bootProfile }: WarmStartArguments,
  hasCache: boolean,
): UriWarmStartOptions | undefined {
  if (!hasCache) {
    const name = bootProfile !== undefined ? '--boot-profile' : '--warm-start';
    if (bootProfile === undefined && (warmStart === undefined || warmStart === false)) return undefined;
    throw new UsageError(`${name} goes with --cache`, 'what is remembered is what the cache held');
  }
  return {
    ...(warmStart === undefined ? {} : { hotRanges: warmStart }),
    ...(bootProfile === undefined ? {} : { bootProfile }),
  };
}
