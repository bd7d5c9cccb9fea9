import { formatSize, type UriDevice } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import { sizeBytesOf } from '../arguments/range.js';
import { withDevice } from '../devices/device.js';
import type { Context } from '../terminal/context.js';
import { plainTable } from '../terminal/table.js';

export function defineInfo(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'info <uri>',
    summary: 'Tells what a device is, and who has it open, where that is known. Opens it for reading only.',
    example: 'blockyard info s3://bucket/disks/web-1 --json',
  })
    .addOption(jsonOption())
    .action((uri: string, { json }: { readonly json?: boolean }) =>
      withDevice(context, uri, { readOnly: true }, async ({ info, heldBy }) => {
        const { name, sectorSize, sizeSectors, preferredIoBytes, native } = info;
        const sizeBytes = sizeBytesOf(info);
        const facts = { name, sizeBytes, sectorSize, sizeSectors, preferredIoBytes, native };
        if (json) return context.printJson(heldBy === undefined ? facts : { ...facts, heldBy });
        const operations = Object.entries(native).filter(([, isNative]) => isNative);
        const rows = [
          ['device', name],
          ['size', `${formatSize(sizeBytes)} (${sizeBytes} bytes)`],
          ['sectors', `${sizeSectors} of ${sectorSize} bytes`],
          ['preferred I/O', formatSize(preferredIoBytes)],
          ['native', operations.map(([operation]) => operation).join(', ') || 'nothing optional'],
          ['holes', native.extents ? 'known' : 'not known: everything counts as data'],
          ...holderRows(heldBy),
        ];
        await context.print(plainTable(rows));
      }),
    );
}

type Holder = NonNullable<UriDevice['heldBy']>;

const STATES: Readonly<Record<Holder['state'], string>> = {
  alive: 'alive',
  silent: 'silent: it has ended, hangs, or is cut off from the store',
  dead: 'dead: it has ended without giving the volume back',
};

function holderRows(heldBy: Holder | null | undefined): string[][] {
  if (heldBy === undefined) return [];
  if (heldBy === null) return [['open for writing', 'no']];
  const { host, process, since, renewed, silentMs, state } = heldBy;
  return [
    ['open for writing', `by process ${process} on ${host}, since ${since}`],
    ['last renewed', `${renewed}, ${Math.round(silentMs / 1000)} s ago`],
    ['that process', `is ${STATES[state]}`],
  ];
}
