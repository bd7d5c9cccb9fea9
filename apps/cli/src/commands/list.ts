import { isBlockError, type ListedDevice } from '@blockyard/block';
import { formatSize, type ListedVolume, listUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import type { Context } from '../terminal/context.js';
import { oneLine } from '../terminal/failure.js';
import { unlessInterrupted } from '../terminal/interruption.js';
import { plainTable } from '../terminal/table.js';

const HEAD = ['volume', 'layout', 'size', 'stored', 'snapshots', 'open for writing'];

export function defineList(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'list <uri>',
    summary: 'Lists the volumes under a prefix of a store, of both layouts, with what they take and who has them.',
    example: 'blockyard list s3://bucket/disks',
  })
    .addOption(jsonOption())
    .action(async (uri: string, { json }: { readonly json?: boolean }) => {
      const volumes = await unlessInterrupted(context.interruption, listUri(uri));
      if (json) return context.printJson(volumes.map(factsOf));
      if (volumes.length > 0) await context.print(plainTable(volumes.map(rowOf), { head: HEAD }));
    });
}

function factsOf(listed: ListedVolume | ListedDevice) {
  if ('uri' in listed) return listed;
  const { prefix, name, layout, storedBytes, found } = listed;
  const common = { prefix, name, layout, storedBytes };
  return isBlockError(found)
    ? { ...common, error: { code: found.code, message: found.message } }
    : { ...common, ...found };
}

function rowOf(listed: ListedVolume | ListedDevice): string[] {
  if ('uri' in listed) {
    const [size, stored] = [listed.sizeBytes, listed.storedBytes].map((bytes) =>
      bytes === undefined ? '?' : formatSize(bytes),
    );
    return [oneLine(listed.uri), '-', size ?? '?', stored ?? '?', '-', '?'];
  }
  const { prefix, storedBytes, found } = listed;
  const stored = formatSize(storedBytes);
  if (isBlockError(found))
    return [prefix, listed.layout ?? '?', '?', stored, '?', `${found.code}: ${oneLine(found.message)}`];
  const { layout, sizeBytes, holder } = found;
  const snapshots = layout === 'log' ? String(found.snapshots.length) : '-';
  const held = holder === null ? 'no' : `process ${holder.process} on ${oneLine(holder.host)}, ${holder.state}`;
  return [prefix, layout, formatSize(sizeBytes), stored, snapshots, held];
}
