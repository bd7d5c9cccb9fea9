import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption, sizeOption } from '../arguments/define.js';
import { createDevice } from '../devices/create-device.js';
import type { Context } from '../terminal/context.js';

interface Options {
  readonly size: number;
  readonly sector?: number;
  readonly chunk?: number;
  readonly reserve?: boolean;
  readonly json?: boolean;
}

export function defineCreate(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'create <uri>',
    summary: 'Makes a device of zeroes, which takes no space yet unless that is reserved. Never overwrites one.',
    example: 'blockyard create file:/srv/disk.img --size 10G',
  })
    .addOption(sizeOption('--size <size>', 'size of the device').makeOptionMandatory())
    .addOption(sizeOption('--sector <size>', 'bytes in a sector, 512 to 64K (default: 512, s3: 4096)'))
    .addOption(sizeOption('--chunk <size>', 'bytes in one object, for s3: (default: 1M)'))
    .option('--reserve', 'take all the space at once, for file: on Linux')
    .addOption(jsonOption())
    .action(async (uri: string, { size, sector, chunk, reserve = false, json }: Options) => {
      await createDevice(context, uri, {
        sizeBytes: size,
        reserve,
        ...(sector === undefined ? {} : { sectorSize: sector }),
        ...(chunk === undefined ? {} : { chunkBytes: chunk }),
      });
      if (json) await context.printJson({ created: true, sizeBytes: size });
      else await context.print(`created, ${formatSize(size)}`);
    });
}
