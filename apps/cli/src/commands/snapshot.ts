import { snapshotUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import { addServerOptions, isForServer, type ServerArguments } from '../arguments/server.js';
import { askNamed } from '../serve/ask-named.js';
import type { Context } from '../terminal/context.js';
import { UsageError } from '../terminal/failure.js';
import { unlessInterrupted } from '../terminal/interruption.js';

type Snapshot = Awaited<ReturnType<typeof snapshotUri>>;

interface Options extends ServerArguments {
  readonly json?: boolean;
}

export function defineSnapshot(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'snapshot <uri> [name]',
    summary:
      'Keeps what a log volume has now under a name, at once, also while it is served: all that was flushed. With --server, and the name alone, all that the server has accepted.',
    example: 'blockyard snapshot s3://bucket/disks/web-1 before-upgrade',
  });
  addServerOptions(command)
    .addOption(jsonOption())
    .action(async (first: string, second: string | undefined, options: Options) => {
      const [uri, name] = options.server !== undefined && second === undefined ? [undefined, first] : [first, second];
      const taken = isForServer(options, uri)
        ? await askNamed<Snapshot>(context, options, '/v1/snapshot', { name })
        : await snapshot(context, uri ?? '', name);
      if (options.json) await context.printJson(taken);
      else await context.print(`kept as ${taken.name}, ${taken.created}`);
    });
}

function snapshot(context: Context, uri: string, name: string | undefined): Promise<Snapshot> {
  if (name === undefined) throw new UsageError('a snapshot needs a name behind the URI');
  return unlessInterrupted(context.interruption, snapshotUri(uri, name));
}
