import type { IncomingMessage } from 'node:http';
import { RequestError } from './answer.js';
import { checkHost } from './host-check.js';
import type { TokenCheck } from './token.js';

/** Who may ask, and who may change something; for {@link guard}. */
export interface GuardOptions {
  /** Where the server listens, as the operator said it. */
  readonly host: string;
  /** Left out: nothing is changed. */
  readonly token?: TokenCheck | undefined;
  /** What one does who wants to change something where there is no token. */
  readonly hint?: string;
}

/**
 * A check that refuses what a web page of someone else could have a browser send: a name for this machine that is not its own (DNS
 * rebinding), another page's origin. Changes need the token; without one there are none. The check throws a `RequestError`.
 */
export function guard({ host, token, hint }: GuardOptions): (request: IncomingMessage) => void {
  const checkName = checkHost(host);
  return (request) => {
    const { method, headers } = request;
    checkName(request);
    checkOrigin(headers.origin, headers.host);
    checkSite(headers['sec-fetch-site']);
    if (method !== 'GET' && method !== 'HEAD') checkToken(headers.authorization, token, hint);
  };
}

function checkToken(authorization: string | undefined, token: TokenCheck | undefined, hint: string | undefined): void {
  if (token === undefined) {
    throw new RequestError('FORBIDDEN', 'changes are not taken here', hint);
  }
  if (token.isIn(authorization)) return;
  throw new RequestError('UNAUTHORIZED', 'changes need the token', 'Authorization: Bearer TOKEN', {
    'www-authenticate': 'Bearer',
  });
}

function checkOrigin(origin: string | undefined, host: string | undefined): void {
  if (origin !== undefined && origin !== `http://${host}`) throw otherPage();
}

/** Where a browser says what asks: this origin's own page, or a person. */
function checkSite(site: string | string[] | undefined): void {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw otherPage();
}

function otherPage(): RequestError {
  return new RequestError('FORBIDDEN', 'pages of other origins are not answered');
}
