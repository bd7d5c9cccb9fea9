import type { CommandFacts, OptionFacts } from '../describe/describe.js';

export interface Manual {
  /** Name of the program. */
  readonly name: string;
  readonly version: string;
  /** What it is, in a line. */
  readonly summary: string;
  readonly commands: readonly CommandFacts[];
  /** What help says of devices, sizes and exit codes, in paragraphs; lines that are indented stay lines. */
  readonly notes: string;
  /** A command line that works, by the name of its command. */
  readonly examples: ReadonlyMap<string, string>;
}

/** A page for man(1), in the macros of man(7). */
export function manualPage({ name, version, summary, commands, notes, examples }: Manual): string {
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    '.SH NAME',
    `${name} \\- ${roff(summary.replace(/\.$/, '').replace(/^./, (letter) => letter.toLowerCase()))}`,
    '.SH SYNOPSIS',
    ...commands.flatMap(({ usage }) => [`.B ${name} ${roff(usage)}`, '.br']),
    '.SH DESCRIPTION',
    ...roff(notes.trim()).split('\n').map(paragraphLine),
    '.SH COMMANDS',
    ...commands.flatMap((command) => sectionOf(name, command, examples.get(command.name))),
    '.SH SEE ALSO',
    '.BR nbd-client (8),',
    '.BR qemu-nbd (8),',
    '.BR systemd.service (5)',
  ];
  return `${lines.join('\n')}\n`;
}

/** A line of what help says: an empty one ends a paragraph, and what is indented stays a line. */
function paragraphLine(line: string, index: number, lines: readonly string[]): string {
  const isIndented = (text = '') => text.startsWith(' ');
  if (line === '') return '.PP';
  return isIndented(line) || isIndented(lines[index - 1]) ? `.br\n${line.trim()}` : line;
}

function sectionOf(name: string, { usage, summary, options }: CommandFacts, example: string | undefined): string[] {
  const shown =
    example === undefined
      ? []
      : [
          '.PP',
          'Example:',
          '.PP',
          '.RS',
          '.nf',
          ...roff(example)
            .split('\n')
            .map((line) => line.trim()),
          '.fi',
          '.RE',
        ];
  return [`.SS "${name} ${roff(usage)}"`, roff(summary), ...options.flatMap(itemOf), ...shown];
}

function itemOf({ long, description, value }: OptionFacts): string[] {
  const argument =
    value === undefined ? '' : value.isOptional ? ` [=\\fI${roff(value.name)}\\fR]` : ` \\fI${roff(value.name)}\\fR`;
  const told = [
    ...(value?.choices.length ? [value.choices.join(', ')] : []),
    ...(value?.byDefault === undefined ? [] : [`default: ${value.byDefault}`]),
  ];
  const more = told.length === 0 ? '' : ` (${told.join('; ')})`;
  return ['.TP', `\\fB${roff(long)}\\fR${argument}`, roff(`${description}${more}.`)];
}

/** Text as roff has it: nothing in it is a command. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&');
}
