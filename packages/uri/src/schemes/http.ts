import type { DeviceUri } from '../syntax/device-uri.js';
import { invalid } from '../syntax/invalid.js';
import type { Scheme } from './scheme.js';
import { sectorSizeOf } from './sectors.js';
import { readSmallFile } from './small-file.js';

/** Longer than any that a server takes. */
const AUTHORIZATION_BYTES_MAX = 16_384;

/** One of the two schemes of the web. */
export function http(example: string): Scheme {
  return {
    example,
    parameters: ['sector', 'query', 'authorization-file', 'concurrency', 'attempts', 'timeout'],
    durability: { write: 'server', flush: 'server' },
    notCreated: 'a web server is only read',

    async open(uri) {
      const options = {
        sectorSize: sectorSizeOf(uri),
        maxConcurrency: uri.count('concurrency'),
        maxAttempts: uri.count('attempts'),
        maxSilenceMs: uri.duration('timeout'),
      };
      const file = uri.parameter('authorization-file');
      const headers = file === undefined ? {} : { authorization: await readAuthorization(file) };
      const { connectHttp } = await import('@blockyard/backend-http');
      const given = Object.entries(options).filter(([, value]) => value !== undefined);
      return connectHttp({ url: urlOf(uri), headers, ...Object.fromEntries(given) });
    },
  };
}

/** What the server is asked for: the URI without the parameters of devices, and with the query that it has for the server. */
function urlOf(uri: DeviceUri): string {
  if (!/^\/\/[^/]+\/./.test(uri.rest))
    throw invalid(`an ${uri.scheme}: URI names a file: ${uri.scheme}://host/disk.img`);
  if (/^\/\/[^/]*@/.test(uri.rest)) throw invalid('credentials do not belong into a URI: use ?authorization-file=');
  const query = uri.parameter('query');
  return `${uri.scheme}:${uri.rest}${query === undefined ? '' : `?${query}`}`;
}

/** The one line of a file. Throws `INVALID_ARGUMENT`, which tells nothing of what is in it. */
async function readAuthorization(path: string): Promise<string> {
  const bytes = await readSmallFile('authorization-file', path, AUTHORIZATION_BYTES_MAX);
  const line = new TextDecoder('latin1').decode(bytes).replace(/\r?\n$/, '');
  if (/^[\x20-\x7e]+$/.test(line)) return line;
  throw invalid('authorization-file must hold one line: what the header Authorization is to be');
}
