import { BlockError } from '@blockyard/block';
import { DEFAULT_PORT } from './wire/protocol.js';

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
  'nbd:': { tls: false, unix: false },
  'nbds:': { tls: true, unix: false },
  'nbd+unix:': { tls: false, unix: true },
  'nbds+unix:': { tls: true, unix: true },
};

const PARAMETERS = ['socket', 'tls-psk-file', 'tls-certificates', 'tls-hostname'];

/**
 * Takes an NBD URI apart, after `doc/uri.md` of the NetworkBlockDevice project: `nbd://host[:port]/export`,
 * `nbd+unix:///export?socket=PATH`, both also as `nbds`. Throws `INVALID_ARGUMENT`.
 */
export function parseUri(text: string): NbdUri {
  const url = parseUrl(text);
  const scheme = SCHEMES[url.protocol];
  if (scheme === undefined) throw invalid(`unknown scheme "${url.protocol}" of an NBD URI`);
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.includes(name)) throw invalid(`unknown parameter "${name}" of an NBD URI`);
  }
  const user = decode(url.username);
  const pskFile = url.searchParams.get('tls-psk-file');
  const certificates = url.searchParams.get('tls-certificates');
  const hostname = url.searchParams.get('tls-hostname');
  return {
    address: scheme.unix ? unixAddress(url) : tcpAddress(url),
    exportName: decode(pathOf(text)),
    tls: scheme.tls,
    ...(user === '' ? {} : { user }),
    ...(pskFile === null ? {} : { pskFile }),
    ...(certificates === null ? {} : { certificates }),
    ...(hostname === null ? {} : { hostname }),
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

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new BlockError('INVALID_ARGUMENT', 'not a URI', { cause });
  }
}

/** What stands behind the host, as it is written: a `URL` would take the dots of `a/../b` for steps in a file system. */
function pathOf(text: string): string {
  return /^[^/]*\/\/[^/?#]*\/([^?#]*)/.exec(text)?.[1] ?? '';
}

function unixAddress(url: URL): NbdAddress {
  const path = url.searchParams.get('socket');
  if (path === null || path === '') throw invalid('an nbd+unix URI needs ?socket=PATH');
  if (url.hostname !== '') throw invalid('an nbd+unix URI has no host: nbd+unix:///export?socket=PATH');
  return { path };
}

function tcpAddress(url: URL): NbdAddress {
  if (url.searchParams.has('socket')) throw invalid('?socket= belongs to nbd+unix');
  const host = decode(url.hostname).replace(/^\[|\]$/g, '');
  return { host: host === '' ? 'localhost' : host, port: url.port === '' ? DEFAULT_PORT : Number(url.port) };
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
