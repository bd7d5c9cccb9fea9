import { parseSize, URI_EXAMPLES } from '@blockyard/uri';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../terminal/failure.js';

export const URI_HELP = `
Devices are named by URIs:
${URI_EXAMPLES.map((example) => `  ${example}`).join('\n')}
URI@NAME and URI@2026-01-31T12:00Z are a log volume's past, s3: and dir:, to read.
tape: is what the package @blockyard/backend-tape or blockyard-backend-tape makes of it, if that is installed here.
Sizes read like 4096, 64K, 10G, 1TiB; K is 1024. A cache goes in front with --cache SIZE.

Exit codes: 0 done, 1 failed or "no", 2 the command line makes no sense, 3 taken over by another process, 4 the tier is missing, 5 and 6 (status) not safe to stop, 7 no server to ask, 130, 143 and 129 interrupted.`;

export interface Definition {
  /** Name and arguments: `copy <from> <to>`. */
  readonly usage: string;
  readonly summary: string;
  /** A command line that works as it stands, but for the names in it. */
  readonly example: string;
}

const examples = new WeakMap<Command, string>();

/** The example that its help shows. */
export function exampleOf(command: Command): string {
  return examples.get(command) ?? '';
}

/** A command with what all of them have. */
export function defineCommand(program: Command, { usage, summary, example }: Definition): Command {
  const command = program.command(usage);
  examples.set(command, example);
  return command
    .description(summary)
    .option('--verbose', 'show the stack and the causes of an error')
    .addOption(backendOption())
    .allowExcessArguments(false)
    .addHelpText('after', `\nExample:\n  ${example}`);
}

/** May be given several times. */
function backendOption(): Option {
  const option = new Option('--backend <package>', 'take the schemes of this package, which is installed here, too');
  return option.argParser((name: string, before: readonly string[] = []) => [...before, name]);
}

export function jsonOption(): Option {
  return new Option('--json', 'print JSON');
}

export function exportOption(): Option {
  return new Option('--export <name>', 'the export that is meant, where there are several');
}

export function cacheOption(): Option {
  return sizeOption('--cache <size>', 'put a write-back cache of this size in front of the device');
}

export function takeOverOption(): Option {
  return new Option('--take-over', 'take a volume in a store from the process that has it open, which must stop then');
}

export function layoutOption(): Option {
  return new Option('--layout <layout>', 'how a volume in a store is laid out (default: s3: chunks, dir: log)').choices(
    ['log', 'chunks'],
  );
}

/** An option whose value is a size. */
export function sizeOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.argParser((text: string) => {
    try {
      return parseSize(text, option.long ?? flags);
    } catch (error) {
      throw new InvalidArgumentError(`${messageOf(error)}.`);
    }
  });
}

/** An option whose value is a number from `min` to `max`; whole unless `fraction` is set. */
export function numberOption(
  flags: string,
  description: string,
  { min, max, fraction = false }: { readonly min: number; readonly max: number; readonly fraction?: boolean },
): Option {
  return new Option(flags, description).argParser((text: string) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max && (fraction || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It must be a ${fraction ? '' : 'whole '}number from ${min} to ${max}.`);
  });
}
