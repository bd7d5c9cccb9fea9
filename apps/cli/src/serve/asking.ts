import { isBlockError } from '@blockyard/block';
import type { Route } from '@blockyard/http-api';
import { isLoopback, LISTEN_HINTS, type ListenAddress } from '../arguments/listen.js';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf } from '../terminal/failure.js';
import type { ServerOptions } from './config/options.js';
import { ControlSocket, controlPathOf, type InheritedControl } from './control.js';
import type { InheritedHttpSockets } from './http/inherited.js';
import { type WebOptions, WebServer } from './http/web.js';
import { Monitor } from './monitor/monitor.js';
import { UPGRADE_SIGNAL } from './upgrades.js';

/** Where it was asked for. Rejects with a `Failure` if it cannot listen. */
export async function beginMonitor(
  context: Context,
  { metrics: address }: ServerOptions,
): Promise<Monitor | undefined> {
  if (address === undefined) return undefined;
  if (!isLoopback(address)) {
    context.log('warning: anyone who reaches the address of --metrics can read how much is stored, and how it is used');
  }
  try {
    return await Monitor.begin(address, { log: (line) => context.log(line) });
  } catch (error) {
    const hint = isBlockError(error) ? LISTEN_HINTS[error.code] : undefined;
    throw hint === undefined ? error : new Failure(`--metrics: ${messageOf(error)}`, hint, error);
  }
}

export async function succeedMonitor(
  context: Context,
  { metrics: address }: ServerOptions,
  sockets: InheritedHttpSockets,
): Promise<Monitor | undefined> {
  if (address === undefined) return undefined;
  return Monitor.succeed(address, { log: (line) => context.log(line), fd: sockets.fd('metrics', address) });
}

/** Rejects if it cannot listen; one that has clients of another process serves all the same. */
export async function beginWeb(
  context: Context,
  { http }: ServerOptions,
  options: Omit<WebOptions, 'isInherited' | 'fd'>,
  sockets: InheritedHttpSockets | undefined,
): Promise<WebServer | undefined> {
  if (http === undefined) return undefined;
  const isInherited = sockets !== undefined;
  try {
    const web = await WebServer.begin(http, { ...options, isInherited, fd: sockets?.fd('http', http) });
    context.log(`answers at ${web.url}`);
    return web;
  } catch (error) {
    if (!isInherited) throw error;
    context.log(messageOf(error));
    return undefined;
  }
}

/** A server that cannot be asked serves all the same. */
export async function beginControl(
  context: Context,
  address: ListenAddress,
  routes: readonly Route[],
  inherited?: InheritedControl,
): Promise<ControlSocket | undefined> {
  try {
    const path = controlPathOf(address);
    return await (inherited === undefined
      ? ControlSocket.begin(path, routes)
      : ControlSocket.succeed(path, routes, inherited));
  } catch (error) {
    const reason = JSON.stringify(messageOf(error));
    context.log(`no control socket, upgrades are by ${UPGRADE_SIGNAL} alone: ${reason}`);
    return undefined;
  }
}
