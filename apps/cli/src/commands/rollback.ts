import { rollBackUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption, takeOverOption } from '../arguments/define.js';
import { acceptLossOption } from '../arguments/tier.js';
import type { Context } from '../terminal/context.js';
import { unlessInterrupted } from '../terminal/interruption.js';

interface Options {
  readonly takeOver?: boolean;
  readonly acceptLoss?: boolean;
  readonly json?: boolean;
}

export function defineRollback(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'rollback <uri>',
    summary:
      'Makes a log volume what it was at a snapshot. What it was before is gone, unless there is a snapshot of it.',
    example: 'blockyard rollback s3://bucket/disks/web-1@before-upgrade',
  })
    .addOption(takeOverOption())
    .addOption(acceptLossOption())
    .addOption(jsonOption())
    .action(async (uri: string, { takeOver = false, acceptLoss, json }: Options) => {
      await unlessInterrupted(
        context.interruption,
        rollBackUri(uri, { takeOver, ...(acceptLoss ? { acceptLoss } : {}) }),
      );
      if (json) await context.printJson({ rolledBack: true });
      else await context.print('rolled back');
    });
}
