import { randomBytes } from 'node:crypto';
import { lstatSync, unlinkSync } from 'node:fs';
import { chmod, lstat, rename } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { createApiServer, type Route } from '@blockyard/http-api';
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

/** Where a running server is asked, and told what to do, over HTTP. For its own user alone. */
export class ControlSocket {
  readonly #server: Server;
  readonly #path: string;
  readonly #inode: number;

  private constructor(server: Server, path: string, inode: number) {
    this.#server = server;
    this.#path = path;
    this.#inode = inode;
  }

  /** Takes the name at `path`, also from a server that has handed over. */
  static async begin(path: string, routes: readonly Route[]): Promise<ControlSocket> {
    const server = createApiServer({ routes, translate, keepAlive: false, maxBodyBytes: BODY_BYTES_MAX });
    // Bound to another name first: Node removes that, and not the successor's, when the socket is closed.
    const beside = `${path}.${randomBytes(2).toString('hex')}`;
    await listenPrivately(server, beside);
    try {
      await chmod(beside, 0o600);
      const { ino } = await lstat(beside);
      await rename(beside, path);
      server.unref();
      return new ControlSocket(server, path, ino);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  /** Takes no further request. The name goes, unless another server has it. */
  end(): void {
    this.#server.close();
    try {
      if (lstatSync(this.#path).ino === this.#inode) unlinkSync(this.#path);
    } catch {
      // It is gone already.
    }
  }
}

function listenPrivately(server: Server, path: string): Promise<void> {
  const listening = new Promise<void>((done, reject) => {
    server.once('error', reject);
    server.once('listening', done);
  });
  // Worker threads may not change what belongs to the process.
  const before = isMainThread ? process.umask(0o177) : undefined;
  try {
    server.listen(path);
  } finally {
    if (before !== undefined) process.umask(before);
  }
  return listening;
}
