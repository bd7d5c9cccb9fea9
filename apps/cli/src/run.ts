import { CommanderError } from 'commander';
import { followStores } from './devices/store-events.js';
import { makeProgram } from './program.js';
import { Context, type Surroundings } from './terminal/context.js';
import { endingOf, jsonEndingOf } from './terminal/failure.js';

/** The command. Gives the exit code: 0 done, 1 failed or "no", 2 wrong usage, 3 taken over, 4 tier missing, 7 no server, 130, 143 and 129 interrupted. Never rejects. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const context = new Context(surroundings);
  const isJson = args.includes('--json');
  const unfollow = followStores((line) => context.log(line));
  try {
    await makeProgram(context, isJson).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // It has printed what is wrong, or what `--help` asks for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const ending = isJson ? jsonEndingOf(error) : endingOf(error, args.includes('--verbose'));
    surroundings.stderr.write(ending.text);
    return ending.exitCode;
  } finally {
    unfollow();
  }
}
