import { isBlockError } from '@blockyard/block';
import { adoptNbd, type Listen, type NbdServer, serveNbd, type TlsOptions } from '@blockyard/nbd';
import { isLoopback, LISTEN_HINTS } from '../arguments/listen.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf } from '../terminal/failure.js';
import { Interruption } from '../terminal/interruption.js';
import type { Plan } from './config/options.js';
import { EventLog } from './event-log.js';
import { checkHttpAddresses } from './http/check-addresses.js';
import type { InheritedHttpSockets } from './http/inherited.js';
import { rehearse } from './rehearsal.js';
import { takeSocket } from './socket-activation.js';
import { type Inheritance, takeInheritance } from './successor.js';
import type { Volumes } from './volumes/volumes.js';
import { warmUp } from './warm-up.js';

type Tls = TlsOptions | undefined;

/** Undefined if the end was asked for before there was anything to serve. */
export async function begin(
  context: Context,
  { server: options }: Plan,
  volumes: Volumes,
  tls: Tls,
): Promise<NbdServer | undefined> {
  const listen = takeSocket(options.nbd, process.env);
  try {
    await volumes.begin();
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    context.log('stopped before there was anything to serve');
    return undefined;
  }
  const server = await listenOn(context, listen, volumes, tls);
  if (tls === undefined && !isLoopback(options.nbd)) {
    context.log('warning: without TLS, anyone who reaches this address can use the device');
  }
  return server;
}

/** What a process takes the place of another with. */
interface Succession {
  readonly tls: Tls;
  readonly inheritance: Inheritance;
  readonly sockets: InheritedHttpSockets | undefined;
}

/** Tells the process that hands over, if there is one, why this one cannot take its place. */
export async function refuseToSucceed(reason: unknown): Promise<void> {
  const inheritance = takeInheritance();
  if (inheritance === undefined) return;
  const prepare = () => Promise.reject(reason);
  await adoptNbd({ predecessor: process, fd: inheritance.fd, prepare, open: async () => ({}) }).catch(() => {});
}

/** Goes on with the clients of the process that started this one. Undefined if it was only tried out. */
export async function takeOver(
  context: Context,
  plan: Plan,
  volumes: Volumes,
  { tls, inheritance, sockets }: Succession,
): Promise<NbdServer | undefined> {
  const { fd, devices, ids } = inheritance;
  const server = await adoptNbd({
    predecessor: process,
    fd,
    prepare: async () => {
      await rehearse(plan.volumes, devices, ids);
      await warmUp(plan.volumes);
      await volumes.load(Object.keys(devices));
      await checkHttpAddresses(plan.server, sockets);
    },
    catchUp: () => volumes.load(Object.keys(devices)),
    open: () => volumes.succeed(Object.keys(devices), ids),
    onEvent: new EventLog((line, fields) => context.log(line, fields)).add,
    ...(tls === undefined ? {} : { tls }),
  });
  volumes.unload();
  context.log(server === undefined ? 'it can be upgraded' : `process ${process.pid} serves`);
  return server;
}

async function listenOn(context: Context, listen: Listen, volumes: Volumes, tls: Tls): Promise<NbdServer> {
  const log = new EventLog((line, fields) => context.log(line, fields));
  const served = volumes.served();
  try {
    const exports = Object.fromEntries(served.map((volume) => [volume.name, volume.device]));
    const common = { exports, listen, ownsDevices: true, onEvent: log.add };
    return await serveNbd(tls === undefined ? common : { ...common, tls });
  } catch (error) {
    volumes.end();
    for (const { device } of served) await device.disconnect({ force: true });
    const hint = isBlockError(error) ? LISTEN_HINTS[error.code] : undefined;
    throw hint === undefined ? error : new Failure(messageOf(error), hint, error);
  }
}
