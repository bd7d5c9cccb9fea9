import { randomBytes } from 'node:crypto';
import { lstatSync, unlinkSync } from 'node:fs';
import { chmod, link, lstat, rename, stat, unlink } from 'node:fs/promises';
import { type AddressInfo, connect, type Server } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { BlockError, errnoOf } from '@blockyard/block';
import { DEFAULT_PORT } from '../wire/protocol.js';
import { handleOf } from '../wire/wire.js';
import type { Inode, Place } from './hand-over/messages.js';
import type { Listen } from './options.js';

/** What the system's socket addresses have room for; what is longer, some systems cut off without a word. */
const PATH_BYTES_MAX = process.platform === 'darwin' ? 103 : 107;

/** Where no hard link can be made, which some file systems have none of. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** A server's socket, and its name where it has one. */
export class Listening {
  readonly address: Place['address'];
  readonly #server: Server;
  /** What a Unix socket's name leads to, where the name is removed here and not by the system's interface. */
  readonly #inode: Inode | undefined;
  /** Whether the socket belongs to another program, and is not removed here. */
  readonly #isGiven: boolean;

  private constructor(server: Server, { address, inode, isGiven = false }: Place) {
    this.#server = server;
    this.address = address;
    this.#inode = inode;
    this.#isGiven = isGiven;
    // Later troubles (no descriptors left to accept with) pass; without a listener they would end the process.
    server.on('error', () => {});
  }

  /** Begins to listen. Rejects with a `BlockError`, and then no one listens. */
  static async begin(server: Server, listen: Listen): Promise<Listening> {
    try {
      if ('fd' in listen) return await Listening.#given(server, listen);
      if ('path' in listen) {
        const { path } = listen;
        return new Listening(server, { address: { path }, inode: await listenAt(server, path) });
      }
      const { host = '127.0.0.1', port = DEFAULT_PORT } = listen;
      await listening(server, () => server.listen({ host, port }));
      const found = server.address() as AddressInfo;
      return new Listening(server, { address: { host: found.address, port: found.port }, inode: undefined });
    } catch (error) {
      if (server.listening) server.close();
      throw error;
    }
  }

  /** Listens on a socket that this process was given. */
  static async inherit(server: Server, fd: number, place: Place): Promise<Listening> {
    await listening(server, () => server.listen({ fd }));
    return new Listening(server, place);
  }

  static async #given(
    server: Server,
    { fd, path }: { readonly fd: number; readonly path?: string },
  ): Promise<Listening> {
    await listening(server, () => server.listen({ fd }));
    const found = server.address();
    if (typeof found === 'object' && found !== null) {
      if (path !== undefined) throw new BlockError('INVALID_ARGUMENT', 'the socket is one of TCP, and has no path');
      return new Listening(server, {
        address: { host: found.address, port: found.port },
        inode: undefined,
        isGiven: true,
      });
    }
    if (path === undefined) throw new BlockError('INVALID_ARGUMENT', 'the path of a Unix socket must be said');
    return new Listening(server, { address: { path }, inode: undefined, isGiven: true });
  }

  /** The socket, for a process to inherit; undefined where it cannot live on without this one. */
  get fd(): number | undefined {
    if ('path' in this.address && this.#inode === undefined && !this.#isGiven) return undefined;
    const fd = handleOf(this.#server)?.fd ?? -1;
    return fd >= 0 ? fd : undefined;
  }

  /** For another process. */
  get place(): Place {
    const { address } = this;
    const whole = 'path' in address ? { path: resolve(address.path) } : address;
    return { address: whole, inode: this.#inode, ...(this.#isGiven ? { isGiven: true } : {}) };
  }

  /** Takes no further connection. The name of the socket goes, unless it is no longer its own. */
  close(): void {
    if ('path' in this.address && this.#inode !== undefined) removeName(this.address.path, this.#inode);
    this.leave();
  }

  /** The same where another process goes on with the socket. */
  leave(): void {
    this.#server.close();
  }
}

/**
 * Node removes the name that it has bound a socket to when the socket is closed, and so when a process ends that has handed it over. So the
 * socket is bound to another name beside it, which no one is told of. What comes back is what the name leads to; undefined where it is
 * Node's affair, since there is no room for the other name.
 */
async function listenAt(server: Server, path: string): Promise<Inode | undefined> {
  checkPath(path);
  await removeDeadSocket(path);
  // Begins with a letter: Node takes a path that is a number for a port.
  const beside = join(dirname(path), `.n${randomBytes(4).toString('hex')}`);
  if (process.platform === 'win32' || Buffer.byteLength(beside) > PATH_BYTES_MAX) {
    await listening(server, () => listenPrivately(server, path));
    await makePrivate(path);
    return undefined;
  }
  await listening(
    server,
    () => listenPrivately(server, beside),
    (message) => message.replaceAll(beside, path),
  );
  await makePrivate(beside);
  await moveName(beside, path);
  const { dev, ino } = await lstat(path);
  return { dev, ino };
}

/** As a new name, where there is none. */
async function moveName(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (cause) {
    const code = errnoOf(cause);
    if (NO_LINKS.includes(code)) return rename(from, to);
    if (code === 'EEXIST')
      throw new BlockError('ALREADY_EXISTS', `${JSON.stringify(to)} was made meanwhile`, { cause });
    throw cause;
  }
  await unlink(from);
}

function removeName(path: string, { dev, ino }: Inode): void {
  try {
    const found = lstatSync(path);
    if (found.dev === dev && found.ino === ino) unlinkSync(path);
  } catch {
    // It is gone already.
  }
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

function listening(server: Server, begin: () => void, tell = (message: string) => message): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException) => {
      server.off('listening', succeeded);
      const code = cause.code === 'EACCES' ? 'ACCESS_DENIED' : cause.code === 'EADDRINUSE' ? 'ALREADY_EXISTS' : 'IO';
      reject(new BlockError(code, `cannot listen: ${tell(cause.message)}`, { cause }));
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
