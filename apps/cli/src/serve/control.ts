import { randomBytes } from 'node:crypto';
import { closeSync, lstatSync, unlinkSync } from 'node:fs';
import { chmod, lstat, rename } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { createApiServer, fdOf, type Route } from '@blockyard/http-api';
import type { ListenAddress } from '../arguments/listen.js';
import { translate } from './http/translate.js';

/** A command line, and what is around it. */
const BODY_BYTES_MAX = 1024 * 1024;

/** The control socket of a server: beside a Unix socket, or, for a port, in the folder of this user's sockets. */
export function controlPathOf(address: ListenAddress): string {
  if ('path' in address) return `${resolve(address.path)}.control`;
  const host = address.host.replace(/[^\w.:-]/g, '_');
  return join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `blockyard-${host}-${address.port}.control`);
}

/** A control socket that another process has, for one that takes over from it. */
export interface InheritedControl {
  readonly fd: number;
  /** What its name leads to. */
  readonly inode: number;
}

/** Where a running server is asked, and told what to do, over HTTP. For its own user alone. */
export class ControlSocket {
  readonly #server: Server;
  readonly #path: string;
  readonly #inode: number;
  #isLeft = false;

  private constructor(server: Server, path: string, inode: number) {
    this.#server = server;
    this.#path = path;
    this.#inode = inode;
    server.unref();
  }

  /** Takes the name at `path`, also from a server that has ended without a word. */
  static async begin(path: string, routes: readonly Route[]): Promise<ControlSocket> {
    const server = makeServer(routes);
    // Bound to another name first: Node removes that, and not the successor's, when the socket is closed.
    const beside = `${path}.${randomBytes(2).toString('hex')}`;
    await listening(server, () => listenPrivately(server, beside));
    try {
      await chmod(beside, 0o600);
      const { ino } = await lstat(beside);
      await rename(beside, path);
      return new ControlSocket(server, path, ino);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  /** Goes on with the socket of a server that has handed over, so that no one who asks meanwhile finds none. */
  static async succeed(
    path: string,
    routes: readonly Route[],
    { fd, inode }: InheritedControl,
  ): Promise<ControlSocket> {
    const found = await lstat(path).catch(() => undefined);
    if (found?.ino !== inode) {
      // No one reaches it by that name.
      closeSync(fd);
      return ControlSocket.begin(path, routes);
    }
    const server = makeServer(routes);
    await listening(server, () => server.listen({ fd }));
    return new ControlSocket(server, path, inode);
  }

  /** For a process that takes over; undefined where it cannot live on without this one. */
  get inheritance(): InheritedControl | undefined {
    const fd = fdOf(this.#server);
    return fd === undefined ? undefined : { fd, inode: this.#inode };
  }

  /** Takes no further request: the process that has taken over does. Name and socket are its own. */
  leave(): void {
    this.#isLeft = true;
    this.#server.close();
  }

  /** Takes no further request. The name goes, unless another server has it. */
  end(): void {
    if (this.#isLeft) return;
    try {
      // While the socket is open, no other has its inode.
      if (lstatSync(this.#path).ino === this.#inode) unlinkSync(this.#path);
    } catch {
      // It is gone already.
    }
    this.leave();
  }
}

function makeServer(routes: readonly Route[]): Server {
  return createApiServer({ routes, translate, keepAlive: false, maxBodyBytes: BODY_BYTES_MAX });
}

function listening(server: Server, begin: () => void): Promise<void> {
  return new Promise((done, reject) => {
    server.once('error', reject);
    server.once('listening', done);
    begin();
  });
}

function listenPrivately(server: Server, path: string): void {
  // Worker threads may not change what belongs to the process.
  const before = isMainThread ? process.umask(0o177) : undefined;
  try {
    server.listen(path);
  } finally {
    if (before !== undefined) process.umask(before);
  }
}
