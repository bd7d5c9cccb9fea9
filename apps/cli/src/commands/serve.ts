import { type BlockDevice, type BlockError, type BlockErrorCode, isBlockError } from '@blockyard/block';
import { type NbdServer, serveNbd } from '@blockyard/nbd';
import { connectUri, OUTAGE_WAIT_MS, parseOutage } from '@blockyard/uri';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { cacheOption, defineCommand, jsonOption, takeOverOption } from '../arguments/define.js';
import { addTierOptions, type TierArguments, tierOptionsOf } from '../arguments/tier.js';
import { connectOptions, openDevice } from '../devices/device.js';
import { tierFailure, tierLines } from '../devices/tier-log.js';
import { EventLog } from '../serve/event-log.js';
import { isLoopback, type ListenAddress, parseListen } from '../serve/listen.js';
import { readTls, type TlsFiles } from '../serve/tls.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, TakenOver } from '../terminal/failure.js';
import { Interruption } from '../terminal/interruption.js';

const LISTEN_DEFAULT = '127.0.0.1:10809';

/** What most often helps where it cannot listen. */
const LISTEN_HINTS: Readonly<Partial<Record<BlockErrorCode, string>>> = {
  ALREADY_EXISTS: 'choose another address, or end or remove what is there',
  ACCESS_DENIED: 'an address must be one of this machine, or a path in a folder that is there, and yours to use',
  IO: 'an address must be one of this machine, or a path in a folder that is there, and yours to use',
};

interface Options extends TlsFiles, TierArguments {
  readonly takeOver?: boolean;
  readonly nbd: ListenAddress;
  readonly cache?: number;
  readonly readOnly?: boolean;
  readonly outage: number;
  readonly name: string;
  readonly json?: boolean;
}

export function defineServe(program: Command, context: Context): void {
  const command = defineCommand(program, {
    usage: 'serve <uri>',
    summary:
      'Serves a device over NBD until SIGTERM, SIGINT or SIGHUP, then flushes it. Prints the NBD URI; events go to stderr.',
    example: 'blockyard serve s3://bucket/disks/web-1 --cache 256M --nbd unix:/run/web-1.sock',
  })
    .addOption(
      new Option('--nbd <address>', 'where to listen: unix:PATH or HOST:PORT; port 0 is any free one')
        .argParser(parseListen)
        .default(parseListen(LISTEN_DEFAULT), LISTEN_DEFAULT),
    )
    .addOption(cacheOption());
  addTierOptions(command)
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
    .option('--tls-cert <file>', 'certificate chain of the server, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--tls-ca <file>', 'take only clients with a certificate of this authority, PEM')
    .option('--tls-psk-file <file>', 'pre-shared keys, lines of "identity:key in hexadecimal"')
    .addOption(new Option('--tls <mode>', 'whether plain connections are refused').choices(['required', 'optional']))
    .addOption(takeOverOption())
    .addOption(jsonOption())
    .action((uri: string, options: Options) => serve(context, uri, options));
}

function parseOutageOption(text: string): number {
  try {
    return parseOutage(text, '--outage');
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
}

async function serve(context: Context, uri: string, options: Options): Promise<void> {
  const tls = await readTls(options);
  const device = await open(context, uri, options);
  if (device === undefined) return;
  const server = await listen(context, device, options, tls);
  try {
    await announce(context, server, device, options);
  } catch (error) {
    await stop(context, server);
    throw error;
  }
  await untilOver(context, device);
  if (device.lost?.aborted === true) await giveUp(context, server, device.lost.reason);
  await stop(context, server);
}

/** Until a signal asks for an end, or another process has the device. */
async function untilOver({ interruption }: Context, { lost }: BlockDevice): Promise<void> {
  if (interruption.aborted || lost?.aborted === true) return;
  await new Promise<void>((resolve) => {
    interruption.addEventListener('abort', () => resolve());
    lost?.addEventListener('abort', () => resolve());
  });
}

/** Another process has the device: says so, and what is lost by it. */
async function giveUp(context: Context, server: NbdServer, reason: unknown): Promise<never> {
  context.log(`the device is lost: ${messageOf(reason)}; ending`);
  const hint = 'it cannot be served again while that process is alive, unless with --take-over';
  try {
    await server.stop();
  } catch (error) {
    await server.stop({ force: true });
    throw new TakenOver(`data is lost: ${messageOf(error)}`, hint, error);
  }
  throw new TakenOver(`${messageOf(reason)}; nothing that was accepted is lost`, hint, reason);
}

/** Undefined if the end was asked for before there was anything to serve. */
async function open(context: Context, uri: string, options: Options): Promise<BlockDevice | undefined> {
  const tier = { ...tierOptionsOf(options), onTierError: (error: BlockError) => context.log(tierFailure(error)) };
  const connecting = connectUri(uri, { ...connectOptions(options), ...tier, maxOutageMs: options.outage });
  try {
    const device = await openDevice(context, connecting);
    if (device.tier !== undefined) for (const line of tierLines(device.tier())) context.log(line);
    return device;
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    context.log('stopped before there was anything to serve');
    return undefined;
  }
}

async function listen(
  context: Context,
  device: BlockDevice,
  { nbd, name }: Options,
  tls: Awaited<ReturnType<typeof readTls>>,
): Promise<NbdServer> {
  const log = new EventLog((line) => context.log(line));
  try {
    const onEvent = log.add;
    const common = { exports: { [name]: device }, listen: nbd, ownsDevices: true, onEvent };
    const server = await serveNbd(tls === undefined ? common : { ...common, tls });
    if (tls === undefined && !isLoopback(nbd)) {
      context.log('warning: without TLS, anyone who reaches this address can use the device');
    }
    return server;
  } catch (error) {
    await device.disconnect({ force: true });
    const hint = isBlockError(error) ? LISTEN_HINTS[error.code] : undefined;
    throw hint === undefined ? error : new Failure(messageOf(error), hint, error);
  }
}

async function announce(context: Context, server: NbdServer, device: BlockDevice, { name, json }: Options) {
  const uri = server.uris[name];
  if (uri === undefined) throw new Error('a server has a URI for each export');
  const { sectorSize, sizeSectors, readOnly } = device.info;
  const facts = { uri, export: name, sizeBytes: sectorSize * sizeSectors, sectorSize, readOnly };
  await context.print(json ? JSON.stringify(facts) : uri);
}

/** No new requests, finish, flush, disconnect. A second signal tells that the operator will not wait. */
async function stop(context: Context, server: NbdServer): Promise<void> {
  const force = () => void server.stop({ force: true });
  context.force.addEventListener('abort', force);
  if (context.force.aborted) force();
  try {
    await server.stop();
  } catch (error) {
    await server.stop({ force: true });
    throw new Failure(`data is lost: ${messageOf(error)}`, 'it was accepted but not flushed', error);
  }
  if (context.force.aborted) {
    throw new Failure('stopped by force: what was accepted since the last flush may be lost', 'one signal is enough');
  }
  context.log('stopped, everything is flushed');
}
