import type { BlockDevice, Extent } from '@blockyard/block';
import { formatSize } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import { addRangeOptions, type RangeOptions, sectorRange } from '../arguments/range.js';
import { withDevice } from '../devices/device.js';
import { mergedExtents } from '../devices/merged-extents.js';
import type { Context } from '../terminal/context.js';
import { plainTable } from '../terminal/table.js';

/** Rows of a table that are laid out at once: a map may have millions. */
const PAGE_ROWS = 256;
const HEAD = ['offset', 'length', 'size', 'type'];
const WIDTHS = [16, 18, 12, 6];
const ALIGN = ['right', 'right', 'right', 'left'] as const;

export function defineMap(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'map <uri>',
    summary: 'Lists the extents of a device: which bytes are data, which are known to be zeroes.',
    example: 'blockyard map file:/srv/disk.img --json',
  });
  addRangeOptions(command)
    .addOption(jsonOption())
    .action((uri: string, options: RangeOptions & { readonly json?: boolean }) =>
      withDevice(context, uri, { readOnly: true }, async (device) => {
        const extents = mergedExtents(device, sectorRange(options, device.info), context.interruption);
        await (options.json ? printList(context, device, extents) : printTable(context, device, extents));
      }),
    );
}

async function printTable(context: Context, device: BlockDevice, extents: AsyncIterable<Extent>): Promise<void> {
  let rows: (string | number)[][] = [];
  let head: readonly string[] | undefined = HEAD;
  const flush = async () => {
    if (rows.length === 0 && head === undefined) return;
    await context.print(plainTable(rows, { align: ALIGN, widths: WIDTHS, ...(head === undefined ? {} : { head }) }));
    rows = [];
    head = undefined;
  };
  for await (const extent of extents) {
    const { offsetBytes, lengthBytes, type } = inBytes(device, extent);
    rows.push([offsetBytes, lengthBytes, formatSize(lengthBytes), type]);
    if (context.isOver) return;
    if (rows.length === PAGE_ROWS) await flush();
  }
  await flush();
}

/** A JSON array, an extent a line, written as it is found. */
async function printList(context: Context, device: BlockDevice, extents: AsyncIterable<Extent>): Promise<void> {
  let before = '[';
  for await (const extent of extents) {
    if (context.isOver) return;
    await context.write(`${before}\n  ${JSON.stringify(inBytes(device, extent))}`);
    before = ',';
  }
  await context.print(before === '[' ? '[]' : '\n]');
}

function inBytes({ info }: BlockDevice, { start, count, type }: Extent) {
  return { offsetBytes: start * info.sectorSize, lengthBytes: count * info.sectorSize, type };
}
