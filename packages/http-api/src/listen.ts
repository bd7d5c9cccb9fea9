import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, isIPv6, type Server as SocketServer } from 'node:net';
import { BlockError, type ErrnoCodes, fromErrno, isBlockError } from '@blockyard/block';
import { type ApiServerOptions, createApiServer } from './api-server.js';

/** Where to listen. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

/** How to come to listen there. */
export interface ListenHttpOptions {
  /** A descriptor of a socket that listens there already, as another process has handed it over. Default: one is made. */
  readonly fd?: number | undefined;
  /** How long an address that is taken is tried again, in milliseconds. Default: 0. */
  readonly waitMs?: number;
  /** Ends that. */
  readonly signal: AbortSignal;
}

/** How often an address is tried that its predecessor has not let go of yet. */
const RETRY_MS = 100;
const ERRNO: ErrnoCodes = { EADDRINUSE: 'ALREADY_EXISTS', EACCES: 'ACCESS_DENIED' };

/**
 * Serves an API over TCP. While the address is taken it is tried again, for `waitMs` or until `signal` fires.
 *
 * Rejects with `ALREADY_EXISTS` if the address is taken, `ACCESS_DENIED`, `IO`; with `ABORTED` when `signal` fires.
 *
 * @example
 * ```ts
 * import { json, listenHttp, urlOf } from '@blockyard/http-api';
 *
 * const address = { host: '127.0.0.1', port: 0 };
 * const routes = [{ method: 'GET' as const, path: '/v1/alive', answer: () => json({ alive: true }) }];
 * const options = { routes, keepAlive: false, maxBodyBytes: 65_536 };
 * const server = await listenHttp(address, options, { signal: new AbortController().signal });
 * console.log((await (await fetch(`${urlOf(server, address)}/v1/alive`)).json()).alive); // true
 * server.close();
 * ```
 */
export async function listenHttp(
  { host, port }: HttpAddress,
  options: ApiServerOptions,
  { fd, waitMs = 0, signal }: ListenHttpOptions,
): Promise<Server> {
  const untilMs = performance.now() + waitMs;
  for (;;) {
    const server = createApiServer(options);
    try {
      if (signal.aborted) throw new BlockError('ABORTED', 'it is no longer wanted');
      await once(fd === undefined ? server.listen(port, host) : server.listen({ fd }), 'listening');
      server.unref();
      return server;
    } catch (error) {
      server.close();
      const failure = isBlockError(error) ? error : fromErrno(error, { codes: ERRNO });
      if (failure.code !== 'ALREADY_EXISTS' || performance.now() >= untilMs) throw failure;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
    }
  }
}

/**
 * The descriptor of a socket that listens, for a process that is to go on with it; undefined where it cannot live on without this one.
 * Node has no public interface for it.
 */
export function fdOf(server: SocketServer): number | undefined {
  const { _handle: handle } = server as unknown as { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}

/** `http://127.0.0.1:9464`, with the port that it got. */
export function urlOf(server: Server, { host }: HttpAddress): string {
  const { port } = server.address() as AddressInfo;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
