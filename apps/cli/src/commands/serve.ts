import { OUTAGE_WAIT_MS, parseOutage } from '@blockyard/uri';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { cacheOption, defineCommand, jsonOption, takeOverOption } from '../arguments/define.js';
import { addLogOptions } from '../arguments/log.js';
import { addTierOptions } from '../arguments/tier.js';
import { addWarmStartOptions } from '../arguments/warm-start.js';
import { LISTEN_DEFAULT, parseHttpListen, parseListen } from '../serve/listen.js';
import type { ServeOptions } from '../serve/options.js';
import { serve } from '../serve/serve.js';
import { ownProgram } from '../serve/successor.js';
import type { Context } from '../terminal/context.js';
import { messageOf, UsageError } from '../terminal/failure.js';
import { upgrade } from './upgrade.js';

export function defineServe(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'serve <uri>',
    summary:
      'Serves a device over NBD until SIGTERM or SIGINT, then flushes it. Prints the NBD URI; events go to stderr.',
    example: 'blockyard serve s3://bucket/disks/web-1 --cache 256M --nbd unix:/run/web-1.sock',
  })
    .addOption(
      new Option('--nbd <address>', 'where to listen: unix:PATH or HOST:PORT; port 0 is any free one')
        .argParser(parseListen)
        .default(parseListen(LISTEN_DEFAULT), LISTEN_DEFAULT),
    )
    .addOption(cacheOption());
  addWarmStartOptions(addTierOptions(command))
    .addOption(
      new Option(
        '--outage <time>',
        'how long to wait for an S3 store that is away, where the URI does not say: 30s, 10m',
      )
        .argParser(parseOutageOption)
        .default(OUTAGE_WAIT_MS, 'wait'),
    )
    .option('--read-only', 'refuse every change')
    .option('--name <name>', 'name of the export', '')
    .addOption(
      new Option(
        '--metrics <address>',
        'serve /metrics, /healthz and /readyz over HTTP: HOST:PORT, or a port of 127.0.0.1',
      ).argParser(parseHttpListen),
    )
    .option('--tls-cert <file>', 'certificate chain of the server, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--tls-ca <file>', 'take only clients with a certificate of this authority, PEM')
    .option('--tls-psk-file <file>', 'pre-shared keys, lines of "identity:key in hexadecimal"')
    .addOption(new Option('--tls <mode>', 'whether plain connections are refused').choices(['required', 'optional']))
    .addOption(
      new Option(
        '--http <address>',
        'answer GET /v1/status and the like at HOST:PORT; beyond this machine only with --http-token-file',
      ).argParser(parseHttpListen),
    )
    .option('--http-token-file <file>', 'take changes over HTTP from those who have the token in this file')
    .addOption(takeOverOption());
  addLogOptions(command)
    .option('--upgrade', 'take the place of the server that listens there; its clients keep their connections')
    .option('--dry-run', 'with --upgrade: only see whether that would work')
    .addOption(jsonOption())
    .action((uri: string, options: ServeOptions) => serveOrUpgrade(context, uri, options, program.version() ?? ''));
}

async function serveOrUpgrade(context: Context, uri: string, options: ServeOptions, version: string): Promise<void> {
  if (options.upgrade === true) return upgrade(context, options.nbd, options, ownProgram(['--upgrade', '--dry-run']));
  if (options.dryRun === true) throw new UsageError('--dry-run goes with --upgrade');
  return serve(context, uri, options, version);
}

function parseOutageOption(text: string): number {
  try {
    return parseOutage(text, '--outage');
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
}
