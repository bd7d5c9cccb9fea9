import { escapeUri, type TransportRequest } from '../link/transport.js';
import type { Origin } from './connections.js';

/** Where the objects of a bucket are. */
export interface Place {
  readonly origin: Origin;
  readonly region: string;
  /** The header of that name. */
  readonly host: string;
  readonly userAgent: string | undefined;
  /** What a path has before the key. */
  readonly beforeKey: string;
}

/** The scope of a signature of the plain kind, which has the region in it. Sessions and many regions at once are signed otherwise. */
const PLAIN_SCOPE = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([\w-]+)\/s3\/aws4_request,/;

/** A key that has nothing to escape, as those of volumes are. */
const PLAIN_KEY = /^[\w.~/-]*$/;

/** What a signed request of the SDK for `key` tells of the place. Undefined if requests cannot be made after its pattern. */
export function placeOf(request: TransportRequest, key: string): Place | undefined {
  const { protocol, hostname, port, path, headers } = request;
  const escaped = escapeKey(key);
  const [, region] = PLAIN_SCOPE.exec(headers.authorization ?? '') ?? [];
  const { host, 'user-agent': userAgent } = headers;
  if (region === undefined || host === undefined || !path.endsWith(`/${escaped}`)) return undefined;
  return {
    origin: { protocol, hostname, ...(port === undefined ? {} : { port }) },
    region,
    host,
    userAgent,
    beforeKey: path.slice(0, path.length - escaped.length),
  };
}

/** As in RFC 3986, slashes left as they are. */
export function escapeKey(key: string): string {
  if (PLAIN_KEY.test(key)) return key;
  return key.split('/').map(escapeUri).join('/');
}
