import { isBlockError } from '@blockyard/block';
import { adoptNbd, type NbdServer, serveNbd, type TlsOptions } from '@blockyard/nbd';
import type { UriDevice } from '@blockyard/uri';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf } from '../terminal/failure.js';
import type { Ending } from './ending.js';
import { EventLog } from './event-log.js';
import { isLoopback, LISTEN_HINTS } from './listen.js';
import { connectServed, openServed, withoutBoot } from './open-device.js';
import type { ServeOptions } from './options.js';
import { rehearse } from './rehearsal.js';
import type { Inheritance } from './successor.js';

type Tls = TlsOptions | undefined;

/** Undefined if the end was asked for before there was anything to serve. */
export async function begin(
  context: Context,
  uri: string,
  options: ServeOptions,
  tls: Tls,
  ending: Ending,
): Promise<NbdServer | undefined> {
  const device = await openServed(context, uri, options);
  if (device === undefined) return undefined;
  ending.follow(device);
  return listen(context, device, options, tls);
}

/** Goes on with the clients of the process that started this one. Undefined if it was only tried out. */
export async function takeOver(
  context: Context,
  uri: string,
  options: ServeOptions,
  tls: Tls,
  ending: Ending,
  { fd, device: clientsHave }: Inheritance,
): Promise<NbdServer | undefined> {
  const server = await adoptNbd({
    predecessor: process,
    fd,
    prepare: () => rehearse(uri, clientsHave),
    open: async () => ({ [options.name]: ending.follow(await connectServed(context, uri, withoutBoot(options))) }),
    onEvent: new EventLog((line, fields) => context.log(line, fields)).add,
    ...(tls === undefined ? {} : { tls }),
  });
  context.log(server === undefined ? 'it can be upgraded' : `process ${process.pid} serves`);
  return server;
}

async function listen(context: Context, device: UriDevice, { nbd, name }: ServeOptions, tls: Tls): Promise<NbdServer> {
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
