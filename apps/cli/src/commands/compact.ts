import { compactUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineVolumeChange } from '../arguments/volume-change.js';
import type { Context } from '../terminal/context.js';

export function defineCompact(program: Command, context: Context): void {
  defineVolumeChange(program, context, {
    usage: 'compact <uri>',
    summary: 'Cleans a log volume that no one has open, until little more is stored than is in use.',
    example: 'blockyard compact s3://bucket/disks/web-1',
    change: compactUri,
    done: 'compacted',
    doneName: 'compacted',
  });
}
