import { isBlockError } from '@blockyard/block';
import { type HttpAddress, listenHttp } from '@blockyard/http-api';
import { Failure, messageOf } from '../../terminal/failure.js';
import { HTTP_NAMES, type HttpName, type InheritedHttpSockets } from './inherited.js';

type Addresses = Readonly<Partial<Record<HttpName, HttpAddress | undefined>>>;

/**
 * Finds out whether a server that is to take the place of another can listen for HTTP where it is to, while that one serves. It does
 * not listen afterwards. An address that the other is about to leave counts as free. Rejects with a `Failure`.
 */
export async function checkHttpAddresses(addresses: Addresses, sockets?: InheritedHttpSockets): Promise<void> {
  const servers: Awaited<ReturnType<typeof listenHttp>>[] = [];
  try {
    for (const name of HTTP_NAMES) {
      const address = addresses[name];
      if (address === undefined || sockets?.fd(name, address) !== undefined) continue;
      servers.push(...(await tried(name, address, sockets)));
    }
  } finally {
    for (const server of servers) server.close();
  }
}

async function tried(name: HttpName, address: HttpAddress, sockets: InheritedHttpSockets | undefined) {
  const { signal } = new AbortController();
  try {
    return [await listenHttp(address, { routes: [], keepAlive: false, maxBodyBytes: 0 }, { signal })];
  } catch (error) {
    if (isBlockError(error, 'ALREADY_EXISTS') && sockets?.mayBeLeft(address) === true) return [];
    throw new Failure(`--${name}: ${messageOf(error)}`, 'an address must be one of this machine, and free', error);
  }
}
