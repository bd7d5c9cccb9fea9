import { snapshotUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import type { Context } from '../terminal/context.js';
import { unlessInterrupted } from '../terminal/interruption.js';

export function defineSnapshot(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'snapshot <uri> <name>',
    summary: 'Keeps what a log volume has now under a name, at once, also while it is served: all that was flushed.',
    example: 'blockyard snapshot s3://bucket/disks/web-1 before-upgrade',
  })
    .addOption(jsonOption())
    .action(async (uri: string, name: string, { json }: { readonly json?: boolean }) => {
      const snapshot = await unlessInterrupted(context.interruption, snapshotUri(uri, name));
      if (json) await context.printJson(snapshot);
      else await context.print(`kept as ${snapshot.name}, ${snapshot.created}`);
    });
}
