import type { NbdServer } from '@blockyard/nbd';
import { logOptionsOf } from '../arguments/log.js';
import type { Context } from '../terminal/context.js';
import { type Log, openLog } from '../terminal/log.js';
import { type Actions, actionRoutes } from './actions.js';
import { announce } from './announce.js';
import { beginControl, beginMonitor, beginWeb, succeedMonitor } from './asking.js';
import { begin, takeOver } from './begin.js';
import type { Plan } from './config/options.js';
import { readToken } from './config/read-token.js';
import { readTls } from './config/tls.js';
import { Ending } from './ending.js';
import { Explainer } from './explain.js';
import { InheritedHttpSockets } from './http/inherited.js';
import type { Token } from './http/token.js';
import type { WebServer } from './http/web.js';
import { metricsRoute } from './monitor/metrics-route.js';
import type { Monitor } from './monitor/monitor.js';
import { snapshotsOf } from './monitor/snapshots.js';
import { beginPage, type ShownPage } from './page.js';
import { pageControls } from './page-controls.js';
import { reloadOnHangUp } from './reload.js';
import { ServiceManager } from './service-manager.js';
import { statusLine, statusText } from './status/text.js';
import { VolumesWatch } from './status/volumes-watch.js';
import { finish, letGo, stop } from './stopping.js';
import { type Inheritance, takeInheritance } from './successor.js';
import { servedOf, Upgrades } from './upgrades.js';
import type { Volume } from './volumes/volume.js';
import { Volumes } from './volumes/volumes.js';

/** Asks for the status on standard error. */
const STATUS_SIGNAL = 'SIGUSR1';

/** A server that has begun, and who watches it, where they are wanted. */
interface Run {
  readonly server: NbdServer;
  readonly volumes: Volumes;
  readonly ending: Ending;
  /** What it took over, where it took another server's place. */
  readonly inheritance: Inheritance | undefined;
  readonly sockets: InheritedHttpSockets | undefined;
  readonly version: string;
  readonly token: Token | undefined;
  readonly log: Log;
  readonly monitor: Monitor | undefined;
  readonly service: ServiceManager | undefined;
}

/** Serves what a plan says until a signal ends it, or another process has all of it, or the place of the server. */
export async function serve(context: Context, plan: Plan, version: string): Promise<void> {
  const options = plan.server;
  const tls = await readTls(options);
  const token = await readToken(options);
  const log = await openLog(context.stderr, logOptionsOf(options));
  context.logTo(log);
  // Until here what fails is told to the process that hands over by who calls this.
  const inheritance = takeInheritance();
  const sockets = inheritance && new InheritedHttpSockets(inheritance.http, options);
  const service = ServiceManager.of({
    env: process.env,
    isSuccessor: inheritance !== undefined,
    log: (line) => context.log(line),
  });
  // Before anything is opened, so that it is told how that goes; a successor waits until it is one.
  let monitor = inheritance === undefined ? await beginMonitor(context, options) : undefined;
  try {
    if (inheritance === undefined) service?.opening();
    const ending = new Ending(context.interruption);
    let server: NbdServer | undefined;
    const volumes = new Volumes(context, plan.volumes, plan.reread !== undefined, {
      onLost: (volume, reason) => {
        const isAll = volumes.all().every(({ state }) => state === 'lost');
        if (isAll) ending.end({ why: 'lost', reason });
        else if (server !== undefined) void letGo(server, volume, reason);
      },
    });
    server = await (inheritance === undefined
      ? begin(context, plan, volumes, tls)
      : takeOver(context, plan, volumes, { tls, inheritance, sockets }));
    if (server === undefined) return;
    if (sockets !== undefined) {
      service?.opening();
      monitor = await succeedMonitor(context, options, sockets);
    }
    const run = { server, volumes, ending, inheritance, sockets, version, token, log, monitor, service };
    await serveUntilEnd(context, plan, run);
  } finally {
    monitor?.end();
    await service?.end();
  }
}

async function serveUntilEnd(context: Context, plan: Plan, run: Run): Promise<void> {
  const { server, volumes, ending, inheritance, sockets, version, token, monitor, service } = run;
  const facts = servedOf(server, volumes, inheritance?.address ?? plan.server.nbd);
  const upgrades = new Upgrades(context, facts, ending);
  upgrades.begin();
  const all = () => volumes.all();
  monitor?.serving(
    server,
    () => volumes.served(),
    () =>
      all().map((each) => ({
        name: each.name,
        device: each.isServed ? each.device : undefined,
        isLost: each.state === 'lost',
      })),
  );
  const watch = new VolumesWatch({ version, server, volumes: all, upgrade: () => upgrades.status() });
  watch.begin();
  const tellStatus = () => {
    const status = watch.status();
    context.log(statusText(status), { event: 'status', status });
  };
  process.on(STATUS_SIGNAL, tellStatus);
  const leaveHangUps = reloadOnHangUp(context, { ...run, plan });
  const actions: Actions = {
    volumes: () => volumes.served(),
    draining: (some, work) => watch.draining(some, work),
    stop: () => ending.end({ why: 'interrupted' }),
  };
  const metrics = metricsRoute(() => snapshotsOf(server, volumes.served()));
  const explainer = new Explainer({ volumes: actions.volumes });
  const routes = [watch.route, metrics, explainer.route, ...actionRoutes(actions), upgrades.route];
  const control = await beginControl(context, facts.address, routes, inheritance?.control);
  let web: WebServer | undefined;
  let page: ShownPage | undefined;
  upgrades.askedOver(control, () => [monitor, web, page]);
  const tell = (volume: Volume) => announce(context, server, volume, plan.server.json === true, { web, page });
  try {
    web = await beginWeb(context, plan.server, { routes, token }, sockets);
    const shown = {
      server,
      volumes: actions.volumes,
      watch,
      controls: pageControls(actions.draining),
      token,
      sockets,
    };
    page = await beginPage(context, plan.server.page, shown);
    if (inheritance === undefined) for (const volume of volumes.served()) await tell(volume);
  } catch (error) {
    volumes.end();
    await stop(context, server);
    for (const each of [control, web, page]) each?.end();
    throw error;
  }
  volumes.serveOn(server, (volume) => {
    watch.begin();
    void tell(volume);
  });
  service?.ready(() => statusLine(watch.status()));
  const end = await ending.over;
  leaveHangUps();
  explainer.end();
  upgrades.end();
  volumes.end();
  watch.stopping();
  if (end.why === 'upgraded') {
    // The names are the successor's, and so is the service.
    for (const each of [web, page, monitor]) each?.end();
    await service?.end();
  } else {
    monitor?.stopping();
    service?.stopping();
  }
  try {
    await finish(context, server, volumes, end);
  } finally {
    // To the last they tell how far the end is.
    for (const each of [control, web, page]) each?.end();
    watch.end();
    process.off(STATUS_SIGNAL, tellStatus);
  }
}
