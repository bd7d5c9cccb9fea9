import type { NbdServer } from '@blockyard/nbd';
import type { Context } from '../terminal/context.js';
import { messageOf } from '../terminal/failure.js';
import { onHangUp } from '../terminal/hang-up.js';
import type { Token } from './http/token.js';
import { readTls, type TlsFiles } from './tls.js';

/**
 * Reads again at each hang-up what may have changed: the files of TLS, and the token. Where errors go to a terminal, a hang-up means
 * that this was closed, and ends the server. Gives what ends that.
 */
export function reloadOnHangUp(
  context: Context,
  server: Pick<NbdServer, 'replaceTls'>,
  files: TlsFiles,
  token: Token | undefined,
): () => void {
  if ('isTTY' in context.stderr && context.stderr.isTTY === true) return () => {};
  const reload = async () => {
    const tls = await readTls(files);
    await token?.reload();
    if (tls !== undefined) server.replaceTls(tls);
  };
  onHangUp(() => {
    reload().then(
      () => context.log('reloaded'),
      (error: unknown) => context.log(`not reloaded, all is as it was: ${JSON.stringify(messageOf(error))}`),
    );
  });
  return () => onHangUp(undefined);
}
