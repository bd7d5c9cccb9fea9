import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '@blockyard/block';
import { type Dispatcher, Pool } from 'undici';
import { connectTimeoutMs, noConnection } from '../link/connecting.js';
import { Reads } from './reads.js';

/** Scheme, host and port of a store. */
export interface Origin {
  readonly protocol: string;
  /** An IPv6 address in brackets. */
  readonly hostname: string;
  readonly port?: number;
}

export interface ConnectionsOptions {
  readonly clock: Clock;
  readonly maxSockets: number;
  readonly requestTimeoutMs: number;
}

type Connect = Extract<Pool.Options['connect'], (...args: never) => unknown>;

/** Bytes that a socket holds for its reader, and for the system, before it asks for a pause. */
const SOCKET_BUFFER_BYTES = 65_536;

/** A connection that is not used is closed after this time, if the store has not closed it before, or asked for less. */
const KEEP_ALIVE_MS = 600_000;

/**
 * Connections to one store, made as they are needed. There are no timers but that for connecting: the watch of each request
 * ends what takes too long.
 */
export class Connections {
  /** To be told what is taken of the answers. */
  readonly reads = new Reads();
  readonly #pool: Pool;
  /** Sockets on their way to a connection, which the pool does not know yet. */
  readonly #opening = new Set<Socket>();

  constructor(origin: Origin, options: ConnectionsOptions) {
    const { protocol, hostname, port } = origin;
    this.#pool = new Pool(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`, {
      connections: options.maxSockets,
      connect: connector(origin, options, this.#opening, this.reads),
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      allowH2: false,
    });
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(request, handler);
  }

  /** Ends all of them, and what is in flight. */
  destroy(): void {
    void this.#pool.destroy();
    for (const socket of this.#opening) socket.destroy();
  }
}

/** Opens connections to `origin`, within a time that the clock measures. TLS goes on with the session of the last one. */
function connector(
  { protocol, hostname, port }: Origin,
  { clock, requestTimeoutMs }: ConnectionsOptions,
  opening: Set<Socket>,
  reads: Reads,
): Connect {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isTls = protocol === 'https:';
  const tcp = { host, port: port ?? (isTls ? 443 : 80), highWaterMark: SOCKET_BUFFER_BYTES, noDelay: true };
  let session: Buffer | undefined;
  const open = (): Socket => {
    const target = { ...tcp, onread: reads.of(() => socket) };
    const servername = isIP(host) === 0 ? host : '';
    const secure = { servername, ALPNProtocols: ['http/1.1'], ...(session && { session }) };
    const socket: Socket = isTls ? connectTls({ ...target, ...secure }) : connectTcp(target);
    return socket.on('session', (latest) => {
      session = latest;
    });
  };
  return (_, done) => {
    const socket = open();
    const limitMs = connectTimeoutMs(requestTimeoutMs);
    const timer = clock.set(() => socket.destroy(noConnection(limitMs)), limitMs);
    const fail = (error: Error) => done(error, null);
    const settle = () => {
      clock.clear(timer);
      opening.delete(socket);
    };
    opening.add(socket);
    socket.once('close', settle);
    socket.once('error', fail);
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      settle();
      socket.off('error', fail);
      done(null, socket);
    });
  };
}
