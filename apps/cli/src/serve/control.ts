import { randomBytes } from 'node:crypto';
import { lstatSync, unlinkSync } from 'node:fs';
import { chmod, lstat, rename } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { isMainThread } from 'node:worker_threads';
import { Failure, messageOf } from '../terminal/failure.js';
import type { ListenAddress } from './listen.js';
import type { Program } from './successor.js';

/** What a running server can be asked for. */
export interface UpgradeRequest {
  /** What is to take over; left out: what the server itself was started with. */
  readonly program?: Program;
  /** Only try it out. */
  readonly dryRun: boolean;
}

export type UpgradeReply =
  | { readonly pid: number; readonly pausedMs: number }
  | { readonly error: string; readonly hint?: string };

/** A command line, and what is around it. */
const REQUEST_BYTES_MAX = 1024 * 1024;
/** A connection that has not sent its request by then is closed. */
const REQUEST_TIMEOUT_MS = 5000;

/** The control socket of a server: beside a Unix socket, or, for a port, in the folder of this user's sockets. */
export function controlPathOf(address: ListenAddress): string {
  if ('path' in address) return `${resolve(address.path)}.control`;
  const host = address.host.replace(/[^\w.:-]/g, '_');
  return join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `blockyard-${host}-${address.port}.control`);
}

/** Where a running server is asked to hand over. For its own user alone. */
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
  static async begin(path: string, answer: (request: UpgradeRequest) => Promise<UpgradeReply>): Promise<ControlSocket> {
    const server = createServer({ allowHalfOpen: true }, (socket) => serveRequest(socket, answer));
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

/** Asks the server with that control socket. Rejects with a `Failure` if there is none, or it does not answer. */
export async function requestUpgrade(path: string, request: UpgradeRequest): Promise<UpgradeReply> {
  const hint = 'is "blockyard serve" running there, as the same user, and with the same --nbd?';
  try {
    if (process.getuid !== undefined && (await lstat(path)).uid !== process.getuid()) {
      throw new Error('the control socket is that of another user');
    }
    const socket = await connected(path);
    socket.end(JSON.stringify(request));
    const reply = JSON.parse(await text(socket)) as UpgradeReply;
    return reply;
  } catch (error) {
    throw new Failure(`no server was reached by ${JSON.stringify(path)}: ${messageOf(error)}`, hint, error);
  }
}

async function serveRequest(socket: Socket, answer: (request: UpgradeRequest) => Promise<UpgradeReply>): Promise<void> {
  socket.on('error', () => {});
  try {
    const reply = await answer(JSON.parse(await readRequest(socket)) as UpgradeRequest);
    socket.end(JSON.stringify(reply));
  } catch (error) {
    socket.end(JSON.stringify({ error: messageOf(error) }));
  }
}

async function readRequest(socket: Socket): Promise<string> {
  socket.setTimeout(REQUEST_TIMEOUT_MS, () => socket.destroy());
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    lengthBytes += chunk.byteLength;
    if (lengthBytes > REQUEST_BYTES_MAX) throw new Error('the request is too long');
    chunks.push(chunk);
  }
  socket.setTimeout(0);
  return Buffer.concat(chunks).toString('utf8');
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

function connected(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  return new Promise((done, reject) => {
    socket.once('connect', () => done(socket));
    socket.once('error', reject);
  });
}
