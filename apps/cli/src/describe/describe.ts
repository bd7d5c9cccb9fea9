import type { Command, Option } from 'commander';

/** What a value is, as far as a shell can complete it. */
export type ValueKind = 'file' | 'folder' | 'choice' | 'text';

export interface OptionFacts {
  /** With its dashes: `--cache`. */
  readonly long: string;
  readonly description: string;
  /** Undefined for one that takes none. */
  readonly value: ValueFacts | undefined;
}

export interface ValueFacts {
  /** As help names it: `size`. */
  readonly name: string;
  readonly kind: ValueKind;
  readonly choices: readonly string[];
  /** Whether it may be left out; where it is not, it stands behind an `=`. */
  readonly isOptional: boolean;
  /** What holds where nothing is said, as help tells it. */
  readonly byDefault: string | undefined;
}

export interface CommandFacts {
  readonly name: string;
  readonly summary: string;
  /** `serve [options] [uri]` */
  readonly usage: string;
  readonly options: readonly OptionFacts[];
  /** What the first argument can be, where there is a list of it. */
  readonly argumentChoices: readonly string[];
}

/** Commands and options of a program, from the definition that parses them. */
export function describe(program: Command): readonly CommandFacts[] {
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.description(),
    usage: `${command.name()} ${command.usage()}`,
    options: [...optionsOf(command), { long: '--help', description: 'show help, with an example', value: undefined }],
    argumentChoices: command.registeredArguments[0]?.argChoices ?? [],
  }));
}

function optionsOf(command: Command): OptionFacts[] {
  return command.options.flatMap((option) => {
    const { long, description, hidden } = option;
    return long == null || hidden ? [] : [{ long, description, value: factsOfValue(option) }];
  });
}

function factsOfValue({ flags, required, optional, argChoices, defaultValue, defaultValueDescription }: Option) {
  if (!required && !optional) return undefined;
  const [, name = 'value'] = /[<[]([^>\]]+)[>\]]/.exec(flags) ?? [];
  const isTold = defaultValue !== undefined && defaultValue !== '';
  return {
    name,
    kind: kindOf(name, argChoices),
    choices: argChoices ?? [],
    isOptional: optional,
    byDefault: defaultValueDescription ?? (isTold ? String(defaultValue) : undefined),
  };
}

function kindOf(name: string, choices: readonly string[] | undefined): ValueKind {
  if (choices !== undefined) return 'choice';
  if (name === 'file') return 'file';
  return name === 'dir' ? 'folder' : 'text';
}
