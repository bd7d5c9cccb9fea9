import { compactUri } from '@blockyard/uri';
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

export function defineCompact(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'compact <uri>',
    summary: 'Cleans a log volume that no one has open, until little more is stored than is in use.',
    example: 'blockyard compact s3://bucket/disks/web-1',
  })
    .addOption(takeOverOption())
    .addOption(acceptLossOption())
    .addOption(jsonOption())
    .action(async (uri: string, { takeOver = false, acceptLoss, json }: Options) => {
      await unlessInterrupted(
        context.interruption,
        compactUri(uri, { takeOver, ...(acceptLoss ? { acceptLoss } : {}) }),
      );
      if (json) await context.printJson({ compacted: true });
      else await context.print('compacted');
    });
}
