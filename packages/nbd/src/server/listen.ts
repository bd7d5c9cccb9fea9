import { chmod, lstat, stat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { BlockError } from '@blockyard/block';
import { DEFAULT_PORT } from '../wire/protocol.js';
import type { Listen } from './options.js';

/** What the system's socket addresses have room for; what is longer, some systems cut off without a word. */
const PATH_BYTES_MAX = process.platform === 'darwin' ? 103 : 107;

/** Begins to listen. Rejects with a `BlockError`. */
export async function listenOn(server: Server, listen: Listen): Promise<void> {
  if ('path' in listen) {
    checkPath(listen.path);
    await removeDeadSocket(listen.path);
    await listening(server, () => listenPrivately(server, listen.path));
    await makePrivate(listen.path);
    return;
  }
  const { host = '127.0.0.1', port = DEFAULT_PORT } = listen;
  await listening(server, () => server.listen({ host, port }));
}

/** The socket is bound while `listen` runs, so that no one else's files are made with this mask. */
function listenPrivately(server: Server, path: string): void {
  // Worker threads may not change what belongs to the process; there, what follows is all there is.
  if (!isMainThread) {
    server.listen({ path });
    return;
  }
  const before = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
}

async function makePrivate(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { mode } = await stat(path);
  if ((mode & 0o777) !== 0o600) await chmod(path, 0o600);
}

function listening(server: Server, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      server.off('listening', succeeded);
      const code = cause.code === 'EACCES' ? 'ACCESS_DENIED' : cause.code === 'EADDRINUSE' ? 'ALREADY_EXISTS' : 'IO';
      reject(new BlockError(code, `cannot listen: ${cause.message}`, { cause }));
    };
    const succeeded = () => {
      server.off('error', failed);
      resolve();
    };
    server.once('error', failed);
    server.once('listening', succeeded);
    begin();
  });
}

function checkPath(path: string): void {
  if (path === '' || path.includes('\0') || Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new BlockError('INVALID_ARGUMENT', `a socket's path must have 1 to ${PATH_BYTES_MAX} bytes and no NUL`);
  }
}

/** Removes the socket that an earlier process left behind, and nothing else. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw new BlockError('ALREADY_EXISTS', `${JSON.stringify(path)} exists and is no socket`);
  if (await answers(path))
    throw new BlockError('ALREADY_EXISTS', `another server listens on ${JSON.stringify(path)} already`);
  await unlink(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw new BlockError('ACCESS_DENIED', 'cannot remove a dead socket', { cause });
  });
}

/** Only a refused connection is proof that no one is there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
