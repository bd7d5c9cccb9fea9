import { type Command, InvalidArgumentError, type Option } from 'commander';
import { messageOf, UsageError } from '../../terminal/failure.js';

/** The names that a table of a file may have: those of options of the command, without their dashes. */
export type Keys = ReadonlyMap<string, Option>;

/** Those of all options that a command has. One that only takes another back (`--no-...`) has no name of its own. */
export function keysOf(command: Command): Keys {
  const named = command.options.filter(({ negate, long }) => !negate && long !== undefined);
  return new Map(named.map((option) => [option.name(), option]));
}

/** What the options are where no one says. */
export function defaultsOf(keys: Keys): Readonly<Record<string, unknown>> {
  const known = [...keys.values()].filter(({ defaultValue }) => defaultValue !== undefined);
  return Object.fromEntries(known.map((option) => [option.attributeName(), option.defaultValue]));
}

/** The value of an option as the command line would give it. `where` names the place in the file. Throws a `UsageError`. */
export function parseValue(option: Option, value: unknown, where: string): unknown {
  const { required, optional } = option;
  if (typeof value === 'boolean' && !required) return value;
  if (typeof value === 'string' || typeof value === 'number') {
    if (required || optional) return parsed(option, String(value), where);
  }
  throw new UsageError(
    `${where} must be ${required ? 'a text or a number' : optional ? 'a text, true or false' : 'true or false'}`,
  );
}

function parsed({ parseArg }: Option, text: string, where: string): unknown {
  if (parseArg === undefined) return text;
  try {
    return parseArg(text, undefined);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new UsageError(`${where}: ${JSON.stringify(text)} is wrong. ${messageOf(error)}`);
  }
}
