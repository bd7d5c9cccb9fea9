import { Argument, type Command } from 'commander';
import { defineCommand } from '../arguments/define.js';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { zshCompletion } from '../completion/zsh.js';
import { describe } from '../describe/describe.js';
import type { Context } from '../terminal/context.js';

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export function defineCompletion(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'completion',
    summary: 'Prints a script that has a shell complete commands, options and values.',
    example: 'source <(blockyard completion bash)',
  })
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(Object.keys(SHELLS)))
    .action((shell: keyof typeof SHELLS) => context.write(SHELLS[shell](program.name(), describe(program))));
}
