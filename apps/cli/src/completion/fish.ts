import type { CommandFacts, OptionFacts } from '../describe/describe.js';

/** The same for fish. */
export function fishCompletion(program: string, commands: readonly CommandFacts[]): string {
  const lines = commands.flatMap(({ name, summary, options, argumentChoices }) => [
    `complete -c ${program} -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
    ...options.map((option) => `${seen(program, name)} ${optionOf(option)}`),
    ...(argumentChoices.length === 0 ? [] : [`${seen(program, name)} -f -a ${quote(argumentChoices.join(' '))}`]),
  ]);
  return `# Completion of ${program} for fish.\n${lines.join('\n')}\n`;
}

function seen(program: string, command: string): string {
  return `complete -c ${program} -n '__fish_seen_subcommand_from ${command}'`;
}

function optionOf({ long, description, value }: OptionFacts): string {
  const option = `-l ${long.replace(/^--/, '')} -d ${quote(description)}`;
  if (value === undefined || value.isOptional) return option;
  const values = {
    file: '-r -F',
    folder: `-x -a '(__fish_complete_directories)'`,
    choice: `-x -a ${quote(value.choices.join(' '))}`,
    text: '-x',
  };
  return `${option} ${values[value.kind]}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
