import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { defineCommand, exportOption, jsonOption } from '../arguments/define.js';
import { type ApiAddress, askServer } from '../serve/http/client.js';
import { serverAddress } from '../serve/server-address.js';
import { statusLine, statusText } from '../serve/status/text.js';
import { type ProcessStatus, STATUS_PATH } from '../serve/status/volumes-watch.js';
import type { Context } from '../terminal/context.js';
import { Failure, TakenOver } from '../terminal/failure.js';

/** How often it is asked, and how often that is told where no one sees a terminal. */
const ASK_EVERY_MS = 500;
const TELL_EVERY_MS = 5000;

interface Options {
  readonly json?: boolean;
  readonly wait?: boolean;
  readonly export?: string;
}

/** What was accepted would be lost with the server: exit code 5. */
class NotSafe extends Failure {
  override readonly exitCode = 5;
}

/** The same, and the store does not answer: exit code 6. */
class StoreAway extends Failure {
  override readonly exitCode = 6;
}

export function defineStatus(program: Command, context: Context): void {
  defineCommand(program, {
    usage: 'status [server]',
    summary:
      'Tells whether a running server could end now and lose nothing, or what is left to do until then, and how its store is. Exit codes: 0 safe to stop, 5 not yet, 6 not while the store is away, 3 a volume was taken over, 1 one could not be opened, 7 no server.',
    example: 'blockyard status /run/web-1.sock --wait',
  })
    .option('--wait', 'until it is safe to stop; tells how far that is')
    .addOption(exportOption())
    .addOption(jsonOption())
    .action((server: string | undefined, options: Options) => status(context, serverAddress(server), options));
}

/** Of one export, or of all. */
export function askStatus(address: ApiAddress, signal: AbortSignal, exportName?: string): Promise<ProcessStatus> {
  const query = exportName === undefined ? '' : `?${new URLSearchParams({ export: exportName })}`;
  return askServer<ProcessStatus>(address, 'GET', `${STATUS_PATH}${query}`, undefined, signal);
}

async function status(context: Context, address: ApiAddress, options: Options): Promise<void> {
  const { json, wait, export: name } = options;
  const { interruption } = context;
  const ask = () => askStatus(address, interruption, name);
  let found = await ask();
  if (wait === true) found = await waited(context, ask, found);
  if (json === true) await context.printJson(found);
  else await context.print(statusText(found));
  const failure = failureOf(found);
  if (failure !== undefined) throw failure;
}

async function waited(
  context: Context,
  ask: () => Promise<ProcessStatus>,
  first: ProcessStatus,
): Promise<ProcessStatus> {
  const { interruption } = context;
  let found = first;
  let toldMs = Number.NEGATIVE_INFINITY;
  while (!found.safeToStop && !isFenced(found)) {
    if (performance.now() - toldMs >= TELL_EVERY_MS) {
      context.log(statusLine(found));
      toldMs = performance.now();
    }
    await sleep(ASK_EVERY_MS, undefined, { signal: interruption }).catch(() => interruption.throwIfAborted());
    found = await ask();
  }
  return found;
}

function failureOf(found: ProcessStatus): Failure | undefined {
  const lost = found.exports.find(({ fencing }) => fencing.isFenced);
  if (lost !== undefined) return new TakenOver(lost.fencing.message ?? 'the volume was taken over');
  const { unserved = [] } = found;
  const taken = unserved.find(({ state }) => state === 'lost');
  if (taken !== undefined) return new TakenOver(unservedText(taken));
  if (found.safeToStop) {
    const failed = unserved.find(({ state }) => state === 'failed');
    return failed === undefined ? undefined : new Failure(unservedText(failed), 'it is tried again from time to time');
  }
  const line = statusLine(found);
  const isAway = found.exports.some(({ store }) => store.state === 'away');
  if (isAway) return new StoreAway(line, 'what was accepted is in memory until the store is back');
  return new NotSafe(line, '--wait waits until it is; a signal to the server makes it write everything and end');
}

function unservedText({ name, message }: ProcessStatus['unserved'][number]): string {
  return `export ${JSON.stringify(name)} is not served: ${message ?? 'the server does not tell why'}`;
}

function isFenced({ exports }: ProcessStatus): boolean {
  return exports.some(({ fencing }) => fencing.isFenced);
}
