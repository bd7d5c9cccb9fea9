import type { Listen } from '@blockyard/nbd';
import type { ListenAddress } from '../arguments/listen.js';
import { UsageError } from '../terminal/failure.js';

/** The first descriptor that systemd passes, see sd_listen_fds(3). */
const FD_FIRST = 3;

/**
 * Where to listen: on the socket that a service manager has passed by the protocol of sd_listen_fds(3), where `nbd` says what clients
 * call it; else there. The variables are removed: they are not for processes that this one starts. Throws a `UsageError` where more
 * than one socket was passed.
 */
export function takeSocket(nbd: ListenAddress, env: NodeJS.ProcessEnv, pid = process.pid): Listen {
  const { LISTEN_PID: forPid, LISTEN_FDS: count = '0' } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  if (Number(forPid) !== pid || count === '0') return nbd;
  if (count !== '1') {
    throw new UsageError(`the service manager has passed ${count} sockets`, 'a .socket unit has one ListenStream=');
  }
  return 'path' in nbd ? { fd: FD_FIRST, path: nbd.path } : { fd: FD_FIRST };
}
