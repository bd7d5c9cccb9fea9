import { type BlockErrorCode, isBlockError } from '@blockyard/block';
import { adoptNbd, type NbdServer, serveNbd } from '@blockyard/nbd';
import { connectUri, OUTAGE_WAIT_MS, parseOutage, type UriDevice, type WarmStartEvent } from '@blockyard/uri';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { cacheOption, defineCommand, jsonOption, takeOverOption } from '../arguments/define.js';
import { addLogOptions, type LogArguments, logOptionsOf } from '../arguments/log.js';
import { addTierOptions, type TierArguments, tierOptionsOf } from '../arguments/tier.js';
import { addWarmStartOptions, type WarmStartArguments, warmStartOptionsOf } from '../arguments/warm-start.js';
import { connectOptions, openDevice, tierEvents } from '../devices/device.js';
import { durabilityLine, leftLine, tierLines } from '../devices/tier-log.js';
import { warmStartLine } from '../devices/warm-start-log.js';
import { actionRoutes } from '../serve/actions.js';
import { ControlSocket, controlPathOf } from '../serve/control.js';
import { Ending } from '../serve/ending.js';
import { EventLog } from '../serve/event-log.js';
import type { HttpAddress } from '../serve/http/listen.js';
import type { Route } from '../serve/http/routes.js';
import { Token } from '../serve/http/token.js';
import { type WebOptions, WebServer } from '../serve/http/web.js';
import { isLoopback, LISTEN_DEFAULT, type ListenAddress, parseHttpListen, parseListen } from '../serve/listen.js';
import { Monitor } from '../serve/monitor/monitor.js';
import { deviceNameOf, rehearse } from '../serve/rehearsal.js';
import { reloadOnHangUp } from '../serve/reload.js';
import { ServiceManager } from '../serve/service-manager.js';
import { statusLine, statusText } from '../serve/status/text.js';
import { StatusWatch } from '../serve/status/watch.js';
import { type Inheritance, ownProgram, takeInheritance } from '../serve/successor.js';
import { readTls, type TlsFiles } from '../serve/tls.js';
import { type Served, UPGRADE_SIGNAL, Upgrades } from '../serve/upgrades.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, TakenOver, UsageError } from '../terminal/failure.js';
import { Interruption } from '../terminal/interruption.js';
import { openLog } from '../terminal/log.js';
import { upgrade } from './upgrade.js';

/** What most often helps where it cannot listen. */
const LISTEN_HINTS: Readonly<Partial<Record<BlockErrorCode, string>>> = {
  ALREADY_EXISTS: 'choose another address, or end or remove what is there',
  ACCESS_DENIED: 'an address must be one of this machine, or a path in a folder that is there, and yours to use',
  IO: 'an address must be one of this machine, or a path in a folder that is there, and yours to use',
};

/** Asks for the status on standard error. */
const STATUS_SIGNAL = 'SIGUSR1';

interface Options extends TlsFiles, TierArguments, LogArguments, WarmStartArguments {
  readonly takeOver?: boolean;
  readonly acceptLoss?: boolean;
  readonly nbd: ListenAddress;
  readonly cache?: number;
  readonly readOnly?: boolean;
  readonly outage: number;
  readonly name: string;
  readonly metrics?: HttpAddress;
  readonly json?: boolean;
  readonly http?: HttpAddress;
  readonly httpTokenFile?: string;
  readonly upgrade?: boolean;
  readonly dryRun?: boolean;
}

type Tls = Awaited<ReturnType<typeof readTls>>;

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
    .action((uri: string, options: Options) => serve(context, uri, options, program.version() ?? ''));
}

function parseOutageOption(text: string): number {
  try {
    return parseOutage(text, '--outage');
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
}

/** A server that has begun, and who watches it, where they are wanted. */
interface Run {
  readonly server: NbdServer;
  readonly ending: Ending;
  /** Whether it took no other server's place. */
  readonly isFirst: boolean;
  readonly version: string;
  readonly token: Token | undefined;
  readonly monitor: Monitor | undefined;
  readonly service: ServiceManager | undefined;
}

async function serve(context: Context, uri: string, options: Options, version: string): Promise<void> {
  if (options.upgrade === true) return upgrade(context, options.nbd, options, ownProgram(['--upgrade', '--dry-run']));
  if (options.dryRun === true) throw new UsageError('--dry-run goes with --upgrade');
  const inheritance = takeInheritance();
  const tls = await readTls(options);
  const token = await readToken(options);
  context.logTo(await openLog(context.stderr, logOptionsOf(options)));
  const log = (line: string) => context.log(line);
  const service = ServiceManager.of({ env: process.env, isSuccessor: inheritance !== undefined, log });
  // Before anything is opened, so that it is told how that goes; a successor waits until it is one.
  let monitor = inheritance === undefined ? await beginMonitor(context, options) : undefined;
  try {
    if (inheritance === undefined) service?.opening();
    const ending = new Ending(context.interruption);
    const server = await (inheritance === undefined
      ? begin(context, uri, options, tls, ending)
      : takeOver(context, uri, options, tls, ending, inheritance));
    if (server === undefined) return;
    if (inheritance !== undefined) {
      service?.opening();
      monitor = await succeedMonitor(context, options);
    }
    const run = { server, ending, isFirst: inheritance === undefined, version, token, monitor, service };
    await serveUntilEnd(context, uri, { ...options }, run);
  } finally {
    monitor?.end();
    await service?.end();
  }
}

async function serveUntilEnd(
  context: Context,
  uri: string,
  options: Options,
  { server, ending, isFirst, version, token, monitor, service }: Run,
): Promise<void> {
  const facts = served(context, uri, options, server, ending);
  const upgrades = new Upgrades(context, facts, ending);
  upgrades.begin();
  const device = () => ending.device;
  monitor?.serving(server, device);
  const watch = new StatusWatch({ version, exportName: options.name, server, device });
  watch.begin();
  const tellStatus = () => {
    const status = watch.status();
    context.log(statusText(status), { event: 'status', status });
  };
  process.on(STATUS_SIGNAL, tellStatus);
  const leaveHangUps = reloadOnHangUp(context, server, options, token);
  const actions = actionRoutes({
    uri,
    device,
    draining: (work) => watch.draining(work),
    onCacheSize: (cache) => Object.assign(options, { cache }),
    stop: () => ending.end({ why: 'interrupted' }),
  });
  const routes = [watch.route, ...actions, upgrades.route];
  const control = await beginControl(context, facts.address, routes);
  let web: WebServer | undefined;
  try {
    web = await beginWeb(context, options, { routes, token, isInherited: !isFirst });
    if (isFirst) await announce(context, server, ending.device, options, web);
  } catch (error) {
    await stop(context, server);
    web?.end();
    control?.end();
    throw error;
  }
  service?.ready(() => statusLine(watch.status()));
  const end = await ending.over;
  leaveHangUps();
  upgrades.end();
  watch.stopping();
  if (end.why === 'upgraded') {
    // The names are the successor's, and so is the service.
    for (const each of [control, web, monitor]) each?.end();
    await service?.end();
  } else {
    monitor?.stopping();
    service?.stopping();
  }
  try {
    if (end.why === 'lost') await giveUp(context, server, end.reason);
    await stop(context, server);
  } finally {
    // To the last they tell how far the end is.
    for (const each of [control, web]) each?.end();
    watch.end();
    process.off(STATUS_SIGNAL, tellStatus);
  }
  if (end.why === 'stranded') throw end.error;
  if (end.why === 'upgraded') return context.log(`ended: process ${end.pid} serves`);
  const left = leftOn(ending.device);
  if (left !== undefined) context.log(left);
  context.log('stopped, everything is flushed');
}

/** Where the store is away at the end, its tier keeps what was flushed. */
function leftOn({ tier }: UriDevice): string | undefined {
  return tier === undefined ? undefined : leftLine(tier());
}

/** Where it was asked for. Rejects with a `Failure` if it cannot listen. */
async function beginMonitor(context: Context, { metrics: address, name }: Options): Promise<Monitor | undefined> {
  if (address === undefined) return undefined;
  if (!isLoopback(address)) {
    context.log('warning: anyone who reaches the address of --metrics can read how much is stored, and how it is used');
  }
  try {
    return await Monitor.begin(address, { exportName: name, log: (line) => context.log(line) });
  } catch (error) {
    const hint = isBlockError(error) ? LISTEN_HINTS[error.code] : undefined;
    throw hint === undefined ? error : new Failure(`--metrics: ${messageOf(error)}`, hint, error);
  }
}

async function succeedMonitor(context: Context, { metrics: address, name }: Options): Promise<Monitor | undefined> {
  if (address === undefined) return undefined;
  return Monitor.succeed(address, { exportName: name, log: (line) => context.log(line) });
}

/** Throws a `UsageError` also where strangers could ask and there is no token. */
async function readToken({ http, httpTokenFile }: Options): Promise<Token | undefined> {
  if (httpTokenFile !== undefined) {
    if (http === undefined) throw new UsageError('--http-token-file goes with --http');
    return Token.read(httpTokenFile);
  }
  if (http === undefined || isLoopback(http)) return undefined;
  throw new UsageError(
    '--http beyond this machine needs --http-token-file',
    'without one, 127.0.0.1:PORT can be given',
  );
}

/** Rejects if it cannot listen; one that has clients of another process serves all the same. */
async function beginWeb(context: Context, { http }: Options, options: WebOptions): Promise<WebServer | undefined> {
  if (http === undefined) return undefined;
  try {
    const web = await WebServer.begin(http, options);
    context.log(`answers at ${web.url}`);
    return web;
  } catch (error) {
    if (!options.isInherited) throw error;
    context.log(messageOf(error));
    return undefined;
  }
}

/** A server that cannot be asked serves all the same. */
async function beginControl(
  context: Context,
  address: ListenAddress,
  routes: readonly Route[],
): Promise<ControlSocket | undefined> {
  try {
    return await ControlSocket.begin(controlPathOf(address), routes);
  } catch (error) {
    const reason = JSON.stringify(messageOf(error));
    context.log(`no control socket, upgrades are by ${UPGRADE_SIGNAL} alone: ${reason}`);
    return undefined;
  }
}

/** What an upgrade has to know of it. */
function served(context: Context, uri: string, options: Options, server: NbdServer, ending: Ending): Served {
  const { nbd } = options;
  // A port that was chosen by the system, and the host as the operator said it.
  const address = 'port' in server.address && 'host' in nbd ? { host: nbd.host, port: server.address.port } : nbd;
  const reopen = async () => ending.follow(await connect(context, uri, withoutBoot(options)));
  return { server, address, device: deviceNameOf(uri), reopen };
}

/** An upgrade is no start of what is served: nothing is to be recorded or read ahead for it. */
function withoutBoot({ bootProfile: _, ...options }: Options): Options {
  return options;
}

/** Undefined if the end was asked for before there was anything to serve. */
async function begin(
  context: Context,
  uri: string,
  options: Options,
  tls: Tls,
  ending: Ending,
): Promise<NbdServer | undefined> {
  const device = await open(context, uri, options);
  if (device === undefined) return undefined;
  ending.follow(device);
  return listen(context, device, options, tls);
}

/** Goes on with the clients of the process that started this one. Undefined if it was only tried out. */
async function takeOver(
  context: Context,
  uri: string,
  options: Options,
  tls: Tls,
  ending: Ending,
  { fd, device: clientsHave }: Inheritance,
): Promise<NbdServer | undefined> {
  const server = await adoptNbd({
    predecessor: process,
    fd,
    prepare: () => rehearse(uri, clientsHave),
    open: async () => ({ [options.name]: ending.follow(await connect(context, uri, withoutBoot(options))) }),
    onEvent: new EventLog((line, fields) => context.log(line, fields)).add,
    ...(tls === undefined ? {} : { tls }),
  });
  context.log(server === undefined ? 'it can be upgraded' : `process ${process.pid} serves`);
  return server;
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

function connect(context: Context, uri: string, options: Options): Promise<UriDevice> {
  const remembered = warmStartOptionsOf(options, options.cache !== undefined);
  const onEvent = (event: WarmStartEvent) => context.log(warmStartLine(event));
  const warmStart = remembered === undefined ? {} : { warmStart: { ...remembered, onEvent } };
  const tier = { ...tierOptionsOf(options), ...tierEvents(context) };
  return connectUri(uri, { ...connectOptions(options), ...tier, ...warmStart, maxOutageMs: options.outage });
}

/** Undefined if the end was asked for before there was anything to serve. */
async function open(context: Context, uri: string, options: Options): Promise<UriDevice | undefined> {
  try {
    const device = await openDevice(context, connect(context, uri, options));
    if (device.tier !== undefined) for (const line of tierLines(device.tier())) context.log(line);
    return device;
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    context.log('stopped before there was anything to serve');
    return undefined;
  }
}

async function listen(context: Context, device: UriDevice, { nbd, name }: Options, tls: Tls): Promise<NbdServer> {
  const log = new EventLog((line, fields) => context.log(line, fields));
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

async function announce(
  context: Context,
  server: NbdServer,
  device: UriDevice,
  { name, json }: Options,
  web: WebServer | undefined,
) {
  const uri = server.uris[name];
  if (uri === undefined) throw new Error('a server has a URI for each export');
  const { sectorSize, sizeSectors, readOnly } = device.info;
  const { durability } = device;
  const facts = {
    uri,
    export: name,
    sizeBytes: sectorSize * sizeSectors,
    sectorSize,
    readOnly,
    durability,
    ...(web && { http: web.url }),
  };
  context.log(durabilityLine(durability));
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
}
