import type { CommandFacts, OptionFacts } from '../describe/describe.js';

/** A script for bash, which completes commands, options, and the values that are known. What is left is taken for a file. */
export function bashCompletion(program: string, commands: readonly CommandFacts[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  return `# Completion of ${program} for bash.
_${program}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=
  # bash takes the sign in --option=value for a word of its own.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = && COMP_CWORD -gt 2 ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '${names} --help --version' -- "$word")
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map(caseOf).join('\n')}
    *) return ;;
  esac
  [[ $word == -* || -n $words ]] || return
  mapfile -t COMPREPLY < <(compgen -W "\${words:-$options}" -- "$word")
}
complete -o bashdefault -o default -F _${program} ${program}
`;
}

function caseOf({ name, options, argumentChoices }: CommandFacts): string {
  const values = options.map(valueCaseOf).filter((line) => line !== undefined);
  const known =
    argumentChoices.length === 0
      ? []
      : [`        *) ((COMP_CWORD == 2)) && [[ $word != -* ]] && words='${argumentChoices.join(' ')}' ;;`];
  const cases = [...values, ...known];
  const lines = [`    ${name})`, `      local options='${options.map(({ long }) => long).join(' ')}'`];
  if (cases.length > 0) lines.push('      case $before in', ...cases, '      esac');
  return [...lines, '      ;;'].join('\n');
}

function valueCaseOf({ long, value }: OptionFacts): string | undefined {
  if (value === undefined || value.isOptional) return undefined;
  if (value.kind === 'choice') return `        ${long}) words='${value.choices.join(' ')}' ;;`;
  if (value.kind !== 'folder') return `        ${long}) return ;;`;
  return `        ${long}) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;`;
}
