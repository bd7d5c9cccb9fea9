import type { Context } from '../terminal/context.js';
import { UsageError } from '../terminal/failure.js';
import { type ApiAddress, askServer } from './http/client.js';
import { readToken } from './http/token.js';
import { serverAddress } from './server-address.js';

/** Has the server act, and gives its answer. Rejects with `NoServer`, or with an `ApiFailure` that tells why it refused. */
export async function askNamed<T>(
  context: Context,
  { server, httpTokenFile }: { readonly server?: string; readonly httpTokenFile?: string },
  path: string,
  body: unknown = {},
): Promise<T> {
  const address = serverAddress(server);
  return askServer<T>(await withToken(address, httpTokenFile), 'POST', path, body, context.interruption);
}

async function withToken(address: ApiAddress, file: string | undefined): Promise<ApiAddress> {
  if (file === undefined) return address;
  if (!('host' in address)) throw new UsageError('--http-token-file goes with --server http://HOST:PORT');
  return { ...address, token: await readToken(file) };
}
