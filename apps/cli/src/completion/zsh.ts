import type { CommandFacts, OptionFacts } from '../describe/describe.js';

/** The same for zsh: a file to be found by its `$fpath`, or to be sourced. */
export function zshCompletion(program: string, commands: readonly CommandFacts[]): string {
  return `#compdef ${program}
# Completion of ${program} for zsh.
_${program}() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(caseOf).join('\n')}
  esac
}
if [[ $funcstack[1] == _${program} ]]; then
  _${program} "$@"
else
  compdef _${program} ${program}
fi
`;
}

function caseOf({ name, options, argumentChoices }: CommandFacts): string {
  const first = argumentChoices.length === 0 ? [] : [`':argument:(${argumentChoices.join(' ')})'`];
  const specs = [...options.map(specOf), ...first, `'*: :_files'`];
  return `    ${name})\n      _arguments \\\n        ${specs.join(' \\\n        ')}\n      ;;`;
}

function specOf({ long, description, value }: OptionFacts): string {
  const text = description.replace(/[[\]\\:]/g, '\\$&');
  if (value === undefined) return quote(`${long}[${text}]`);
  const action = { file: '_files', folder: '_files -/', choice: `(${value.choices.join(' ')})`, text: ' ' }[value.kind];
  const separator = value.isOptional ? '=-' : '=';
  return quote(`${long}${separator}[${text}]:${value.isOptional ? ':' : ''}${value.name}:${action}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
