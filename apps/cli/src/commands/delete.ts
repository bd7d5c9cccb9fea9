import { deleteUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineVolumeChange } from '../arguments/volume-change.js';
import type { Context } from '../terminal/context.js';

export function defineDelete(program: Command, context: Context): void {
  defineVolumeChange(program, context, {
    usage: 'delete <uri>',
    summary: 'Deletes a volume in a store with all its data; or, for URI@NAME, that snapshot alone.',
    example: 'blockyard delete s3://bucket/disks/web-1@before-upgrade',
    change: deleteUri,
    done: 'deleted',
    doneName: 'deleted',
  });
}
