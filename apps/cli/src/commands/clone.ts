import { cloneUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import type { Context } from '../terminal/context.js';
import { unlessInterrupted } from '../terminal/interruption.js';

export function defineClone(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'clone <from> <to>',
    summary: 'Makes a volume that begins as a snapshot, in the same store, and shares with it what neither changes.',
    example: 'blockyard clone s3://bucket/disks/web-1@before-upgrade s3://bucket/tests/web-1',
  })
    .addOption(jsonOption())
    .action(async (from: string, to: string, { json }: { readonly json?: boolean }) => {
      await unlessInterrupted(context.interruption, cloneUri(from, to));
      if (json) await context.printJson({ cloned: true });
      else await context.print('cloned');
    });
}
