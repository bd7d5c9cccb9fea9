import type { deleteUri } from '@blockyard/uri';
import type { Command } from 'commander';
import type { Context } from '../terminal/context.js';
import { unlessInterrupted } from '../terminal/interruption.js';
import { type Definition, defineCommand, jsonOption, takeOverOption } from './define.js';
import { acceptLossOption } from './tier.js';

interface Options {
  readonly takeOver?: boolean;
  readonly acceptLoss?: boolean;
  readonly json?: boolean;
}

export interface VolumeChange extends Definition {
  readonly change: typeof deleteUri;
  /** What is printed when it is done, and its name in JSON. */
  readonly done: string;
  readonly doneName: string;
}

/** A command that changes a volume as a whole, which no other process may have open meanwhile. */
export function defineVolumeChange(program: Command, context: Context, definition: VolumeChange): void {
  const { change, done, doneName } = definition;
  defineCommand(program, definition)
    .addOption(takeOverOption())
    .addOption(acceptLossOption())
    .addOption(jsonOption())
    .action(async (uri: string, { takeOver = false, acceptLoss, json }: Options) => {
      await unlessInterrupted(context.interruption, change(uri, { takeOver, ...(acceptLoss ? { acceptLoss } : {}) }));
      if (json) await context.printJson({ [doneName]: true });
      else await context.print(done);
    });
}
