import { isLoopback } from '../../arguments/listen.js';
import { UsageError } from '../../terminal/failure.js';
import { Token } from '../http/token.js';
import type { ServerOptions } from './options.js';

/** Throws a `UsageError` also where strangers could ask and there is no token. */
export async function readToken({ http, page, httpTokenFile }: ServerOptions): Promise<Token | undefined> {
  if (httpTokenFile !== undefined) {
    if (http === undefined && page === undefined) throw new UsageError('--http-token-file goes with --http or --page');
    return Token.read(httpTokenFile);
  }
  for (const [name, address] of Object.entries({ http, page })) {
    if (address === undefined || isLoopback(address)) continue;
    throw new UsageError(
      `--${name} beyond this machine needs --http-token-file`,
      'without one, 127.0.0.1:PORT can be given',
    );
  }
  return undefined;
}
