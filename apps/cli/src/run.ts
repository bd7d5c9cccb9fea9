import { setSchemeFinder } from '@blockyard/uri';
import { CommanderError } from 'commander';
import { findInstalledScheme } from './devices/backends.js';
import { followStores } from './devices/store-events.js';
import { makeProgram } from './program.js';
import { Context, type Surroundings } from './terminal/context.js';
import { endingOf, factsOf, jsonEndingOf } from './terminal/failure.js';

/** The command. Gives the exit code: 0 done, 1 failed or "no", 2 wrong usage, 3 taken over, 4 tier missing, 7 no server, 130, 143 and 129 interrupted. Never rejects. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const context = new Context(surroundings);
  const isJson = args.includes('--json');
  setSchemeFinder(findInstalledScheme);
  const unfollow = followStores((line, fields) => context.log(line, fields));
  try {
    await makeProgram(context, isJson).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // It has printed what is wrong, or what `--help` asks for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isVerbose = args.includes('--verbose');
    const ending = isJson ? jsonEndingOf(error) : endingOf(error, isVerbose);
    context.fail(ending.text, { ...factsOf(error), ...(isVerbose ? { stack: endingOf(error, true).text } : {}) });
    return ending.exitCode;
  } finally {
    unfollow();
  }
}
