import { formatSize, type Layout } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption, layoutOption, sizeOption } from '../arguments/define.js';
import { createDevice } from '../devices/create-device.js';
import type { Context } from '../terminal/context.js';

interface Options {
  readonly size: number;
  readonly sector?: number;
  readonly layout?: Layout;
  readonly chunk?: number;
  readonly encrypt?: boolean;
  readonly passphraseFile?: string;
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
    .addOption(sizeOption('--sector <size>', 'bytes in a sector, 512 to 64K (default: 512, s3: and dir: 4096)'))
    .addOption(layoutOption())
    .addOption(sizeOption('--chunk <size>', 'bytes in one object, for layout chunks (default: 1M)'))
    .option('--encrypt', 'encrypt it, for layout log: it is opened with ?passphrase-file= from then on')
    .option('--passphrase-file <file>', 'what to encrypt it with: a line of text')
    .option('--reserve', 'take all the space at once, for file: on Linux')
    .addOption(jsonOption())
    .action(async (uri: string, options: Options) => {
      const { size, sector, layout, chunk, encrypt, passphraseFile, reserve = false, json } = options;
      await createDevice(context, uri, {
        sizeBytes: size,
        reserve,
        ...(sector === undefined ? {} : { sectorSize: sector }),
        ...(layout === undefined ? {} : { layout }),
        ...(chunk === undefined ? {} : { chunkBytes: chunk }),
        ...(encrypt === undefined ? {} : { encrypt }),
        ...(passphraseFile === undefined ? {} : { passphraseFile }),
      });
      if (json) await context.printJson({ created: true, sizeBytes: size });
      else await context.print(`created, ${formatSize(size)}`);
    });
}
