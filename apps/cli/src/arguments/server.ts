import { type Command, Option } from 'commander';
import { UsageError } from '../terminal/failure.js';

/** What a command line says of a running server that is to act. */
export interface ServerArguments {
  readonly server?: string;
  readonly httpTokenFile?: string;
}

export function addServerOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--server <server>',
        'have the running server do it that serves the device: a port, HOST:PORT, a socket, or http://HOST:PORT; no URI then',
      ),
    )
    .addOption(new Option('--http-token-file <file>', 'the token that a server at http://HOST:PORT wants'));
}

/** Whether a server is to act. Throws a `UsageError` if there is both a server and a URI, or neither, or an option for the other. */
export function isForServer(
  { server, httpTokenFile }: ServerArguments,
  uri: string | undefined,
  ofUri: Readonly<Record<string, unknown>> = {},
): boolean {
  if (server === undefined) {
    if (httpTokenFile !== undefined) throw new UsageError('--http-token-file goes with --server');
    if (uri === undefined) throw new UsageError('either a URI or --server is needed');
    return false;
  }
  if (uri !== undefined) throw new UsageError('--server takes no URI', 'a server knows what it serves');
  const extra = Object.entries(ofUri).find(([, value]) => value !== undefined && value !== false);
  if (extra !== undefined) throw new UsageError(`${extra[0]} goes with a URI, not with --server`);
  return true;
}
