import { type Command, Option } from 'commander';
import { defineCommand, jsonOption } from '../arguments/define.js';
import { LISTEN_DEFAULT, type ListenAddress, parseListen } from '../arguments/listen.js';
import { controlPathOf } from '../serve/control.js';
import { ApiFailure, askServer } from '../serve/http/client.js';
import { UPGRADE_PATH, type Upgraded, type UpgradeRequest } from '../serve/upgrades.js';
import type { Context } from '../terminal/context.js';
import { Failure } from '../terminal/failure.js';

interface Options {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function defineUpgrade(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'upgrade',
    summary: 'Has a running server replaced by a new process of the same command line. Clients keep their connections.',
    example: 'blockyard upgrade --nbd unix:/run/web-1.sock --dry-run',
  })
    .addOption(
      new Option('--nbd <address>', 'where the server listens, as it was told: unix:PATH or HOST:PORT')
        .argParser(parseListen)
        .default(parseListen(LISTEN_DEFAULT), LISTEN_DEFAULT),
    )
    .option('--dry-run', 'only start the new process, and see whether it can open what it needs')
    .addOption(jsonOption())
    .action(({ nbd, ...options }: Options & { readonly nbd: ListenAddress }) => upgrade(context, nbd, options));
}

/** Asks the server at that address, and tells how it went. Without a `program` it starts what it is itself. */
export async function upgrade(
  context: Context,
  nbd: ListenAddress,
  { dryRun = false, json = false }: Options,
  program?: UpgradeRequest['program'],
): Promise<void> {
  const request: UpgradeRequest = { dryRun, ...(program === undefined ? {} : { program }) };
  const address = { socketPath: controlPathOf(nbd) };
  const upgraded = askServer<Upgraded>(address, 'POST', UPGRADE_PATH, request).catch((error: unknown) => {
    throw error instanceof ApiFailure ? new Failure(`not upgraded: ${error.message}`, error.hint, error) : error;
  });
  const { pid, pausedMs } = await upgraded;
  if (json) await context.printJson({ process: pid, pausedMs, dryRun });
  else if (dryRun) await context.print('it can be upgraded');
  else await context.print(`process ${pid} serves; clients waited for ${Math.round(pausedMs)} ms`);
}
