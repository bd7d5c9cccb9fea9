import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption, sizeOption, takeOverOption } from '../arguments/define.js';
import { sizeBytesOf } from '../arguments/range.js';
import { addServerOptions, isForServer, type ServerArguments } from '../arguments/server.js';
import { withDevice } from '../devices/device.js';
import { askNamed } from '../serve/ask-named.js';
import type { Context } from '../terminal/context.js';
import { UsageError } from '../terminal/failure.js';

interface Options extends ServerArguments {
  readonly takeOver?: boolean;
  readonly size: number;
  readonly shrink?: boolean;
  readonly json?: boolean;
}

interface Resized {
  readonly oldSizeBytes: number;
  readonly sizeBytes: number;
}

export function defineResize(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'resize [uri]',
    summary:
      'Grows a device with zeroes, or, with --shrink, cuts off its end and what is there. With --server while it is served.',
    example: 'blockyard resize file:/srv/disk.img --size 20G',
  })
    .addOption(sizeOption('--size <size>', 'the new size').makeOptionMandatory())
    .option('--shrink', 'allow a smaller size: data past it is lost')
    .addOption(takeOverOption());
  addServerOptions(command)
    .addOption(jsonOption())
    .action(async (uri: string | undefined, options: Options) => {
      const { json, takeOver, size: sizeBytes, shrink = false } = options;
      const resized = isForServer(options, uri, { '--take-over': takeOver })
        ? await askNamed<Resized>(context, options, '/v1/resize', { sizeBytes, shrink })
        : await resize(context, uri ?? '', options);
      if (json) return context.printJson(resized);
      await context.print(`resized from ${formatSize(resized.oldSizeBytes)} to ${formatSize(resized.sizeBytes)}`);
    });
}

function resize(context: Context, uri: string, { size, shrink, takeOver }: Options): Promise<Resized> {
  return withDevice(context, uri, { takeOver }, async (device) => {
    const { sectorSize } = device.info;
    const oldSizeBytes = sizeBytesOf(device.info);
    if (size % sectorSize !== 0) throw new UsageError(`--size must be whole sectors of ${sectorSize} bytes`);
    if (size < oldSizeBytes && !shrink) {
      const lost = formatSize(oldSizeBytes - size);
      throw new UsageError(`--size ${size} would cut off the last ${lost}`, 'if that is meant, add --shrink');
    }
    await device.resize(size / sectorSize);
    await device.flush();
    return { oldSizeBytes, sizeBytes: size };
  });
}
