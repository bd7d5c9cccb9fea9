import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption, sizeOption, takeOverOption } from '../arguments/define.js';
import { sizeBytesOf } from '../arguments/range.js';
import { withDevice } from '../devices/device.js';
import type { Context } from '../terminal/context.js';
import { UsageError } from '../terminal/failure.js';

interface Options {
  readonly takeOver?: boolean;
  readonly size: number;
  readonly shrink?: boolean;
  readonly json?: boolean;
}

export function defineResize(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'resize <uri>',
    summary: 'Grows a device with zeroes, or, with --shrink, cuts off its end and what is there.',
    example: 'blockyard resize file:/srv/disk.img --size 20G',
  })
    .addOption(sizeOption('--size <size>', 'the new size').makeOptionMandatory())
    .option('--shrink', 'allow a smaller size: data past it is lost')
    .addOption(takeOverOption())
    .addOption(jsonOption())
    .action((uri: string, { size, shrink, takeOver, json }: Options) =>
      withDevice(context, uri, { takeOver }, async (device) => {
        const { sectorSize } = device.info;
        const oldSizeBytes = sizeBytesOf(device.info);
        if (size % sectorSize !== 0) throw new UsageError(`--size must be whole sectors of ${sectorSize} bytes`);
        if (size < oldSizeBytes && !shrink) {
          const lost = formatSize(oldSizeBytes - size);
          throw new UsageError(`--size ${size} would cut off the last ${lost}`, 'if that is meant, add --shrink');
        }
        await device.resize(size / sectorSize);
        await device.flush();
        if (json) await context.printJson({ oldSizeBytes, sizeBytes: size });
        else await context.print(`resized from ${formatSize(oldSizeBytes)} to ${formatSize(size)}`);
      }),
    );
}
