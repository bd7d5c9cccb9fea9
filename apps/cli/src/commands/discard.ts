import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption, takeOverOption } from '../arguments/define.js';
import { addRangeOptions, type RangeOptions, sectorRange } from '../arguments/range.js';
import { withDevice } from '../devices/device.js';
import type { Context } from '../terminal/context.js';
import { UsageError } from '../terminal/failure.js';

interface Options extends RangeOptions {
  readonly takeOver?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function defineDiscard(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'discard <uri>',
    summary: 'Makes a range read as zeroes and gives its space back.',
    example: 'blockyard discard file:/srv/disk.img --offset 1G --length 512M',
  });
  addRangeOptions(command)
    .option('--all', 'the whole device')
    .addOption(takeOverOption())
    .addOption(jsonOption())
    .action(async (uri: string, options: Options) => {
      const { offset, length, all, json } = options;
      const hasRange = offset !== undefined || length !== undefined;
      if (hasRange === (all === true)) {
        throw new UsageError('give either --offset and --length, or --all', 'what is discarded is lost');
      }
      await withDevice(context, uri, { takeOver: options.takeOver }, async (device) => {
        const { start, count } = sectorRange(options, device.info);
        await device.discard(start, count);
        await device.flush();
        const discardedBytes = count * device.info.sectorSize;
        if (json) await context.printJson({ discardedBytes });
        else await context.print(`discarded ${formatSize(discardedBytes)}`);
      });
    });
}
