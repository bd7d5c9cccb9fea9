import { parseUri } from '@blockyard/nbd';
import { LISTEN_DEFAULT, parseListen } from '../arguments/listen.js';
import { messageOf, UsageError } from '../terminal/failure.js';
import { controlPathOf } from './control.js';
import type { ApiAddress } from './http/client.js';

const HOST_DEFAULT = '127.0.0.1';
const EXAMPLES = 'a server is named by a port, HOST:PORT, a socket, its NBD URI, or http://HOST:PORT';

/**
 * Where a server is asked that someone names: by what it serves on (`10809`, `127.0.0.1:10809`, `/run/a.sock`, `unix:/run/a.sock`,
 * `nbd://...`), by its control socket, or by `http://HOST:PORT` for what `--http` said. Throws a `UsageError`.
 */
export function serverAddress(text = LISTEN_DEFAULT): ApiAddress {
  if (/^\d+$/.test(text)) return serverAddress(`${HOST_DEFAULT}:${text}`);
  try {
    if (/^http:/i.test(text)) return webAddress(new URL(text));
    if (/^nbds?(\+unix)?:/i.test(text)) return { socketPath: controlPathOf(parseUri(text).address) };
    if (text.endsWith('.control')) return { socketPath: text };
    const isPath = !text.startsWith('unix:') && (text.includes('/') || !text.includes(':'));
    const listen = isPath ? { path: text } : parseListen(text);
    return { socketPath: controlPathOf(listen) };
  } catch (error) {
    throw new UsageError(`${JSON.stringify(text)} names no server: ${messageOf(error)}`, EXAMPLES);
  }
}

function webAddress({ hostname, port, pathname, username, search }: URL): ApiAddress {
  if (username !== '' || search !== '' || pathname !== '/') throw new Error('only http://HOST:PORT is meant');
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 80 : Number(port) };
}
