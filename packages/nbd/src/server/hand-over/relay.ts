import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Handle, handleOf } from '../../wire/wire.js';

/** Two connected sockets: one to read and write here, one to send to another process. */
export interface SocketPair {
  readonly near: Socket;
  readonly far: Handle;
  /** Closes that, here. */
  closeFar(): void;
  /** Closes both. */
  close(): void;
}

/** Node has no socketpair(2): it is made by a server of one connection, in a folder that no other user can enter. */
export async function makeSocketPair(): Promise<SocketPair> {
  const folder = await mkdtemp(join(tmpdir(), 'nbd-'));
  const path = join(folder, randomBytes(4).toString('hex'));
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  try {
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    await listening(server, path);
    const near = await connected(path);
    const other = await accepted;
    const far = handleOf(other);
    if (far === undefined) throw new Error('a connected socket has a handle');
    const closeFar = () => void other.destroy();
    const close = () => {
      near.destroy();
      closeFar();
    };
    return { near, far, closeFar, close };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Passes on what comes, both ways, until one of them ends. Calls `over` then. */
export function relay(client: Duplex, near: Socket, over: () => void): void {
  let open = 2;
  for (const [from, to] of [
    [client, near],
    [near, client],
  ] as const) {
    from.on('error', () => {});
    from.once('close', () => {
      to.destroy();
      open--;
      if (open === 0) over();
    });
    from.pipe(to);
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

function connected(path: string): Promise<Socket> {
  const socket = new Socket({ allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(path, () => resolve(socket));
  });
}
