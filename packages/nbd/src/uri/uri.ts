import { BlockError } from '@blockyard/block';
import { DEFAULT_PORT } from '../wire/protocol.js';

/** Where a server listens. */
export type NbdAddress = { readonly path: string } | { readonly host: string; readonly port: number };

/** What an NBD URI says. */
export interface NbdUri {
  readonly address: NbdAddress;
  /** Export name; empty for the default export. */
  readonly exportName: string;
  /** `nbds`: TLS or nothing. */
  readonly tls: boolean;
  /** The identity for a pre-shared key. */
  readonly user?: string;
  /** File with lines `identity:key in hexadecimal`. */
  readonly pskFile?: string;
  /** Folder with `ca-cert.pem`, and `client-cert.pem` and `client-key.pem` where the server asks for them. */
  readonly certificates?: string;
  /** The name that the server's certificate must have, where it is not the host's. */
  readonly hostname?: string;
}

/** The schemes that carry NBD itself; others (`nbd+vsock`, `nbd+ssh`) do not work without a helper. */
const SCHEMES: Readonly<Record<string, { readonly tls: boolean; readonly unix: boolean }>> = {
  nbd: { tls: false, unix: false },
  nbds: { tls: true, unix: false },
  'nbd+unix': { tls: false, unix: true },
  'nbds+unix': { tls: true, unix: true },
};

const PARAMETERS = ['socket', 'tls-psk-file', 'tls-certificates', 'tls-hostname'];

/** The parts of a URI (RFC 3986, appendix B), the one in front of the path taken apart further. */
const PARTS = /^([^:/?#]+):\/\/(?:([^@/?#]*)@)?(\[[^\]]*\]|[^:/?#]*)(?::([0-9]{1,5}))?(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/**
 * Takes an NBD URI apart, after `doc/uri.md` of the NetworkBlockDevice project: `nbd://host[:port]/export`,
 * `nbd+unix:///export?socket=PATH`, both also as `nbds`. Throws `INVALID_ARGUMENT`.
 *
 * By hand, for a `URL` takes the dots of an export `a/../b` for steps in a file system, and no user without a host.
 */
export function parseUri(text: string): NbdUri {
  const [, scheme = '', user = '', host = '', port, path = '', query = ''] = PARTS.exec(text) ?? [];
  const kind = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
  if (kind === undefined) throw invalid('not an NBD URI: nbd://host[:port]/export or nbd+unix:///export?socket=PATH');
  const parameters = parseQuery(query);
  const socket = parameters.get('socket');
  const pskFile = parameters.get('tls-psk-file');
  const certificates = parameters.get('tls-certificates');
  const hostname = parameters.get('tls-hostname');
  return {
    address: kind.unix ? unixAddress(socket, host, port) : tcpAddress(socket, host, port),
    exportName: decode(path),
    tls: kind.tls,
    ...(user === '' ? {} : { user: decode(user) }),
    ...(pskFile === undefined ? {} : { pskFile }),
    ...(certificates === undefined ? {} : { certificates }),
    ...(hostname === undefined ? {} : { hostname }),
  };
}

/** The URI of an export. */
export function formatUri(address: NbdAddress, exportName: string, tls: boolean): string {
  const scheme = tls ? 'nbds' : 'nbd';
  const path = exportName.split('/').map(encodeURIComponent).join('/');
  if ('path' in address) return `${scheme}+unix:///${path}?socket=${encodeURIComponent(address.path)}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const port = address.port === DEFAULT_PORT ? '' : `:${address.port}`;
  return `${scheme}://${host}${port}/${path}`;
}

function parseQuery(query: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [name = '', ...value] = pair.split('=');
    if (!PARAMETERS.includes(name) || found.has(name)) throw invalid(`a wrong parameter of an NBD URI: "${name}"`);
    found.set(name, decode(value.join('=')));
  }
  return found;
}

function unixAddress(socket: string | undefined, host: string, port: string | undefined): NbdAddress {
  if (socket === undefined || socket === '') throw invalid('an nbd+unix URI needs ?socket=PATH');
  if (host !== '' || port !== undefined) throw invalid('an nbd+unix URI has no host: nbd+unix:///export?socket=PATH');
  return { path: socket };
}

function tcpAddress(socket: string | undefined, host: string, port: string | undefined): NbdAddress {
  if (socket !== undefined) throw invalid('?socket= belongs to nbd+unix');
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  if (number < 1 || number > 65_535) throw invalid(`${number} is no TCP port`);
  return { host: host === '' ? 'localhost' : decode(host).replace(/^\[|\]$/g, ''), port: number };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new BlockError('INVALID_ARGUMENT', 'a wrong percent code in an NBD URI', { cause });
  }
}

function invalid(message: string): BlockError {
  return new BlockError('INVALID_ARGUMENT', message);
}
