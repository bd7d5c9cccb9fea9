import { connectUri, type TierReport, type TierSnapshot, tierOfUri } from '@blockyard/uri';
import type { Command } from 'commander';
import { defineCommand, jsonOption, takeOverOption } from '../arguments/define.js';
import { addServerOptions, isForServer, type ServerArguments } from '../arguments/server.js';
import { tierOption, tierOptionsOf } from '../arguments/tier.js';
import { openDevice, using } from '../devices/device.js';
import { tierFailure, undrainedText } from '../devices/tier-log.js';
import { askNamed } from '../serve/ask-named.js';
import type { Context } from '../terminal/context.js';
import { Failure } from '../terminal/failure.js';
import { unlessInterrupted } from '../terminal/interruption.js';

interface Options extends ServerArguments {
  readonly tier?: string;
  readonly takeOver?: boolean;
  readonly json?: boolean;
}

export function defineDrain(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'drain [uri]',
    summary:
      'Brings what the tier of a log volume alone has to the store, so that the volume needs the tier no longer. With --server: all that a running server has accepted.',
    example: 'blockyard drain s3://bucket/disks/web-1 --tier /var/cache/web-1',
  })
    .addOption(tierOption())
    .addOption(takeOverOption());
  addServerOptions(command)
    .addOption(jsonOption())
    .action((uri: string | undefined, options: Options) => {
      const { tier, takeOver } = options;
      if (isForServer(options, uri, { '--tier': tier, '--take-over': takeOver })) return drainServer(context, options);
      return drain(context, uri ?? '', options);
    });
}

async function drainServer(context: Context, options: Options): Promise<void> {
  await askNamed(context, options, '/v1/drain');
  if (options.json) await context.printJson({ drained: true });
  else await context.print('drained: the store has all that the server has accepted');
}

async function drain(context: Context, uri: string, { takeOver = false, json, ...options }: Options): Promise<void> {
  const { tier } = tierOptionsOf(options);
  const look = (): Promise<TierReport> => unlessInterrupted(context.interruption, tierOfUri(uri, tier));
  const { attached, directory } = await look();
  let drained: TierSnapshot['writeLog'] = null;
  if (attached !== null) {
    const connecting = connectUri(uri, {
      takeOver,
      ...(directory === null ? {} : { tier: { directory } }),
      onTierError: (error) => context.log(tierFailure(error)),
    });
    await using(context, await openDevice(context, connecting), async (device) => {
      drained = device.tier?.().writeLog ?? null;
      await device.drain?.();
    });
    if ((await look()).attached !== null) {
      throw new Failure('the store has everything, but the volume still names the tier', 'drain it once more');
    }
  }
  const { undrainedBytes = 0, undrainedRecords = 0, oldestUndrainedMs = null } = drained ?? {};
  if (json) return context.printJson({ drainedBytes: undrainedBytes, drainedChanges: undrainedRecords });
  const what = undrainedText({ bytes: undrainedBytes, changes: undrainedRecords, oldestMs: oldestUndrainedMs });
  await context.print(attached === null ? 'nothing to drain: the store has everything' : `drained: ${what}`);
}
