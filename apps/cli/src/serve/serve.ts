import type { NbdServer } from '@blockyard/nbd';
import type { UriDevice } from '@blockyard/uri';
import { logOptionsOf } from '../arguments/log.js';
import { durabilityLine } from '../devices/tier-log.js';
import type { Context } from '../terminal/context.js';
import { openLog } from '../terminal/log.js';
import { actionRoutes } from './actions.js';
import { beginControl, beginMonitor, beginWeb, readToken, succeedMonitor } from './asking.js';
import { begin, takeOver } from './begin.js';
import { Ending } from './ending.js';
import type { Token } from './http/token.js';
import type { WebServer } from './http/web.js';
import { metricsRoute } from './monitor/metrics-route.js';
import type { Monitor } from './monitor/monitor.js';
import { snapshotsOf } from './monitor/snapshots.js';
import { connectServed, withoutBoot } from './open-device.js';
import type { ServeOptions } from './options.js';
import { deviceNameOf } from './rehearsal.js';
import { reloadOnHangUp } from './reload.js';
import { ServiceManager } from './service-manager.js';
import { statusLine, statusText } from './status/text.js';
import { StatusWatch } from './status/watch.js';
import { giveUp, leftOn, stop } from './stopping.js';
import { takeInheritance } from './successor.js';
import { readTls } from './tls.js';
import { type Served, Upgrades } from './upgrades.js';

/** Asks for the status on standard error. */
const STATUS_SIGNAL = 'SIGUSR1';

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

export async function serve(context: Context, uri: string, options: ServeOptions, version: string): Promise<void> {
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
  options: ServeOptions,
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
  const metrics = metricsRoute(() => snapshotsOf(server, options.name, device()));
  const routes = [watch.route, metrics, ...actions, upgrades.route];
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

/** What an upgrade has to know of it. */
function served(context: Context, uri: string, options: ServeOptions, server: NbdServer, ending: Ending): Served {
  const { nbd } = options;
  // A port that was chosen by the system, and the host as the operator said it.
  const address = 'port' in server.address && 'host' in nbd ? { host: nbd.host, port: server.address.port } : nbd;
  const reopen = async () => ending.follow(await connectServed(context, uri, withoutBoot(options)));
  return { server, address, device: deviceNameOf(uri), reopen };
}

async function announce(
  context: Context,
  server: NbdServer,
  device: UriDevice,
  { name, json }: ServeOptions,
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
