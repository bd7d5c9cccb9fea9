import { invalid } from '../syntax/invalid.js';
import { parseOutage } from '../syntax/outage.js';
import { TIER_PARAMETERS } from '../tier/settings.js';
import type { Scheme } from './scheme.js';
import { sectorSizeOf } from './sectors.js';

const OWN_PARAMETERS = ['sector', 'connections', 'outage', ...TIER_PARAMETERS];

/** One of the four schemes of NBD, which the client tells apart itself. */
export function nbd(example: string): Scheme {
  return {
    example,
    parameters: [...OWN_PARAMETERS, 'socket', 'tls-psk-file', 'tls-certificates', 'tls-hostname'],
    durability: { write: 'server', flush: 'server' },
    notCreated: 'an NBD server decides itself what it serves',

    async open(uri, { readOnly }) {
      if (/^\/\/[^/@]*:[^/@]*@/.test(uri.rest)) throw invalid('an NBD URI has no password: use ?tls-psk-file=');
      const sectorSize = sectorSizeOf(uri);
      const connections = uri.count('connections');
      const outage = uri.parameter('outage');
      const { connectNbd } = await import('@blockyard/nbd');
      return connectNbd(uri.without(OWN_PARAMETERS), {
        readOnly,
        ...(sectorSize === undefined ? {} : { sectorSize }),
        ...(connections === undefined ? {} : { connections }),
        ...(outage === undefined ? {} : { maxOutageMs: parseOutage(outage, '?outage=') }),
      });
    },
  };
}
