import { deleteUri } from '@blockyard/uri';
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

export function defineDelete(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'delete <uri>',
    summary: 'Deletes a volume in a store with all its data; or, for URI@NAME, that snapshot alone.',
    example: 'blockyard delete s3://bucket/disks/web-1@before-upgrade',
  })
    .addOption(takeOverOption())
    .addOption(acceptLossOption())
    .addOption(jsonOption())
    .action(async (uri: string, { takeOver = false, acceptLoss, json }: Options) => {
      await unlessInterrupted(
        context.interruption,
        deleteUri(uri, { takeOver, ...(acceptLoss ? { acceptLoss } : {}) }),
      );
      if (json) await context.printJson({ deleted: true });
      else await context.print('deleted');
    });
}
