import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import type { Context } from '../context.js';
import { defineCommand, jsonOption } from '../define.js';
import { withDevice } from '../device.js';
import { sizeBytesOf } from '../range.js';
import { plainTable } from '../table.js';

export function defineInfo(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'info <uri>',
    summary: 'Tells what a device is. Opens it for reading only.',
    example: 'blockyard info s3://bucket/disks/web-1 --json',
  })
    .addOption(jsonOption())
    .action((uri: string, { json }: { readonly json?: boolean }) =>
      withDevice(context, uri, { readOnly: true }, async ({ info }) => {
        const { name, sectorSize, sizeSectors, preferredIoBytes, native } = info;
        const sizeBytes = sizeBytesOf(info);
        if (json) return context.printJson({ name, sizeBytes, sectorSize, sizeSectors, preferredIoBytes, native });
        const operations = Object.entries(native).filter(([, isNative]) => isNative);
        const rows = [
          ['device', name],
          ['size', `${formatSize(sizeBytes)} (${sizeBytes} bytes)`],
          ['sectors', `${sizeSectors} of ${sectorSize} bytes`],
          ['preferred I/O', formatSize(preferredIoBytes)],
          ['native', operations.map(([operation]) => operation).join(', ') || 'nothing optional'],
        ];
        await context.print(plainTable(rows));
      }),
    );
}
