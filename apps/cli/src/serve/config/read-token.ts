import { isLoopback } from '../../arguments/listen.js';
import { UsageError } from '../../terminal/failure.js';
import { Token } from '../http/token.js';
import type { ServerOptions } from './options.js';

/** Throws a `UsageError` also where strangers could ask and there is no token. */
export async function readToken({ http, httpTokenFile }: ServerOptions): Promise<Token | undefined> {
  if (httpTokenFile !== undefined) {
    if (http === undefined) throw new UsageError('--http-token-file goes with --http');
    return Token.read(httpTokenFile);
  }
  if (http === undefined || isLoopback(http)) return undefined;
  throw new UsageError(
    '--http beyond this machine needs --http-token-file',
    'without one, 127.0.0.1:PORT can be given',
  );
}
