import { OUTAGE_WAIT_MS, parseOutage } from '@blockyard/uri';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../terminal/failure.js';
import { cacheOption, takeOverOption } from './define.js';
import { LISTEN_DEFAULT, parseHttpListen, parseListen } from './listen.js';
import { addLogOptions } from './log.js';
import { addTierOptions } from './tier.js';
import { addWarmStartOptions } from './warm-start.js';

/** What can be said of each volume: also the names that its table in a configuration file may have. */
export function addVolumeOptions(command: Command): Command {
  return addWarmStartOptions(addTierOptions(command.addOption(cacheOption())))
    .addOption(
      new Option(
        '--outage <time>',
        'how long to wait for an S3 store that is away, where the URI does not say: 30s, 10m',
      )
        .argParser(parseOutageOption)
        .default(OUTAGE_WAIT_MS, 'wait'),
    )
    .option('--read-only', 'refuse every change')
    .addOption(takeOverOption());
}

/** What can be said of a server: also the names that the top of a configuration file may have. */
export function addServerOptions(command: Command): Command {
  command
    .addOption(
      new Option('--nbd <address>', 'where to listen: unix:PATH or HOST:PORT; port 0 is any free one')
        .argParser(parseListen)
        .default(parseListen(LISTEN_DEFAULT), LISTEN_DEFAULT),
    )
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
    .addOption(
      new Option(
        '--page <address>',
        'show the device, live, to browsers: HOST:PORT; beyond this machine only with --http-token-file',
      ).argParser(parseHttpListen),
    )
    .option(
      '--http-token-file <file>',
      'take changes over HTTP and on the page from those who have the token in this file',
    );
  return addLogOptions(command);
}

function parseOutageOption(text: string): number {
  try {
    return parseOutage(text, '--outage');
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
}
