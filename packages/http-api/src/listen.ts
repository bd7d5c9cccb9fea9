import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { BlockError, type ErrnoCodes, fromErrno, isBlockError } from '@blockyard/block';
import { type ApiServerOptions, createApiServer } from './api-server.js';

/** Where to listen. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
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
  { waitMs = 0, signal }: { readonly waitMs?: number; readonly signal: AbortSignal },
): Promise<Server> {
  const untilMs = performance.now() + waitMs;
  for (;;) {
    const server = createApiServer(options);
    try {
      if (signal.aborted) throw new BlockError('ABORTED', 'it is no longer wanted');
      await once(server.listen(port, host), 'listening');
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

/** `http://127.0.0.1:9464`, with the port that it got. */
export function urlOf(server: Server, { host }: HttpAddress): string {
  const { port } = server.address() as AddressInfo;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
