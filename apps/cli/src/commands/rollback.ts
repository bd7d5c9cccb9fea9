import { rollBackUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineVolumeChange } from '../arguments/volume-change.js';
import type { Context } from '../terminal/context.js';

export function defineRollback(program: Command, context: Context): void {
  defineVolumeChange(program, context, {
    usage: 'rollback <uri>',
    summary:
      'Makes a log volume what it was at a snapshot. What it was before is gone, unless there is a snapshot of it.',
    example: 'blockyard rollback s3://bucket/disks/web-1@before-upgrade',
    change: rollBackUri,
    done: 'rolled back',
    doneName: 'rolledBack',
  });
}
