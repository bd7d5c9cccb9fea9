import { isBlockError } from '@blockyard/block';
import type { Route } from '@blockyard/http-api';
import type { Context } from '../terminal/context.js';
import { Failure, messageOf, UsageError } from '../terminal/failure.js';
import { ControlSocket, controlPathOf } from './control.js';
import { Token } from './http/token.js';
import { type WebOptions, WebServer } from './http/web.js';
import { isLoopback, LISTEN_HINTS, type ListenAddress } from './listen.js';
import { Monitor } from './monitor/monitor.js';
import type { ServeOptions } from './options.js';
import { UPGRADE_SIGNAL } from './upgrades.js';

/** Where it was asked for. Rejects with a `Failure` if it cannot listen. */
export async function beginMonitor(
  context: Context,
  { metrics: address, name }: ServeOptions,
): Promise<Monitor | undefined> {
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

export async function succeedMonitor(
  context: Context,
  { metrics: address, name }: ServeOptions,
): Promise<Monitor | undefined> {
  if (address === undefined) return undefined;
  return Monitor.succeed(address, { exportName: name, log: (line) => context.log(line) });
}

/** Throws a `UsageError` also where strangers could ask and there is no token. */
export async function readToken({ http, httpTokenFile }: ServeOptions): Promise<Token | undefined> {
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
export async function beginWeb(
  context: Context,
  { http }: ServeOptions,
  options: WebOptions,
): Promise<WebServer | undefined> {
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
export async function beginControl(
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
