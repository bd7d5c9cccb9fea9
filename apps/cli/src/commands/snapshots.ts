import { formatSize, type SnapshotInfo, snapshotsOfUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import type { Context } from '../terminal/context.js';
import { unlessInterrupted } from '../terminal/interruption.js';
import { plainTable } from '../terminal/table.js';

export function defineSnapshots(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'snapshots <uri>',
    summary: 'Lists the snapshots of a log volume, the oldest first.',
    example: 'blockyard snapshots s3://bucket/disks/web-1 --json',
  })
    .addOption(jsonOption())
    .action(async (uri: string, { json }: { readonly json?: boolean }) => {
      const snapshots = await unlessInterrupted(context.interruption, snapshotsOfUri(uri));
      if (json) return context.printJson(snapshots);
      if (snapshots.length > 0)
        await context.print(plainTable(snapshots.map(rowOf), { head: ['name', 'kept', 'size', ''] }));
    });
}

function rowOf({ name, created, sizeBytes, isDeleting }: SnapshotInfo): string[] {
  return [name, created, formatSize(sizeBytes), isDeleting ? 'is being deleted' : ''];
}
