import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { RequestError } from './answer.js';

/**
 * Refuses requests that were sent to another name than a server's own. A page of any site can have its name lead to this address
 * (DNS rebinding), and would then be let in by the browser; it cannot have the browser send another name. What is asked for by
 * an address is asked of no name.
 */
export function checkHost(ownHost: string): (request: Pick<IncomingMessage, 'headers'>) => void {
  const own = ownHost.toLowerCase();
  return ({ headers: { host = '' } }) => {
    const [, address, name] = /^(?:\[([0-9a-f:.]+)\]|([^:]+))(?::\d+)?$/i.exec(host) ?? [];
    const asked = (address ?? name ?? '').toLowerCase();
    if (isIP(asked) !== 0 || asked === 'localhost' || asked === own) return;
    throw new RequestError(
      'FORBIDDEN',
      `this is not ${JSON.stringify(host)}`,
      'ask by the address, or by the name it listens on',
    );
  };
}
