import { connect as connectSocket, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { BlockError, type Clock, isBlockError } from '@blockyard/block';
import type { NbdAddress } from '../uri/uri.js';
import { Inbound } from '../wire/inbound.js';
import { onreadInto, Wire } from '../wire/wire.js';
import { ClientHandshake, type Session } from './handshake.js';
import { MessageReader } from './message-reader.js';
import type { ClientTls } from './options.js';

/** Where to, and how. */
export interface Target {
  readonly address: NbdAddress;
  readonly exportName: string;
  /** `undefined`: plaintext. */
  readonly tls: ClientTls | undefined;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
}

/** A connection with its handshake behind it. */
export interface Dialled {
  readonly wire: Wire;
  readonly inbound: Inbound;
  readonly session: Session;
}

/** Connects and shakes hands. Rejects with a `BlockError`, and leaves nothing behind then. */
export function dial(target: Target, signal: AbortSignal): Promise<Dialled> {
  return new Dialling(target).run(signal);
}

class Dialling {
  readonly #target: Target;
  readonly #inbound: Inbound;
  readonly #reader: MessageReader;
  readonly #socket: Socket;
  #wire: Wire;
  /** Why we gave up ourselves. */
  #givenUp: BlockError | undefined;

  constructor(target: Target) {
    this.#target = target;
    const idle = { parse: () => false, filled: () => {} };
    this.#inbound = new Inbound(idle);
    this.#reader = new MessageReader(this.#inbound);
    this.#inbound.use(this.#reader);
    const { address } = target;
    const where = 'path' in address ? { path: address.path } : { host: address.host, port: address.port };
    this.#socket = connectSocket({ ...where, noDelay: true, keepAlive: true, onread: onreadInto(this.#inbound) });
    this.#wire = new Wire(this.#socket, this.#inbound, { direct: true, tls: false });
    this.#start();
  }

  async run(signal: AbortSignal): Promise<Dialled> {
    const { clock, connectTimeoutMs } = this.#target;
    const late = new BlockError('TIMEOUT', `no connection within ${connectTimeoutMs} ms`);
    const timer = clock.set(() => this.#giveUp(late), connectTimeoutMs);
    const onAbort = () => this.#giveUp(new BlockError('ABORTED', 'given up'));
    signal.addEventListener('abort', onAbort);
    try {
      if (signal.aborted) onAbort();
      const session = await this.#shakeHands();
      this.#wire.detach();
      return { wire: this.#wire, inbound: this.#inbound, session };
    } catch (error) {
      this.#wire.destroy();
      this.#socket.destroy();
      throw error;
    } finally {
      clock.clear(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #shakeHands(): Promise<Session> {
    const handshake = new ClientHandshake({
      read: (lengthBytes) => this.#reader.read(lengthBytes),
      write: (message) => this.#wire.write([message], () => {}),
    });
    await handshake.greet();
    if (this.#target.tls !== undefined) {
      await handshake.startTls();
      await this.#secure(this.#target.tls);
    }
    return handshake.open(this.#target.exportName);
  }

  #start(): void {
    this.#reader.attach(this.#wire);
    this.#wire.start({
      ended: () => this.#abandon(new BlockError('UNAVAILABLE', 'the server hung up')),
      closed: (error) => this.#abandon(connectError(error)),
    });
  }

  #giveUp(error: BlockError): void {
    this.#givenUp ??= error;
    this.#abandon(error);
  }

  #abandon(error: Error): void {
    this.#reader.fail(error);
    this.#wire.destroy();
  }

  async #secure(tls: ClientTls): Promise<void> {
    const plain = this.#wire;
    const stream = connectTls({ socket: this.#socket, ...tlsOptions(tls, this.#target.address) });
    await new Promise<void>((resolve, reject) => {
      stream.once('secureConnect', resolve);
      stream.once('error', (cause) => reject(this.#givenUp ?? tlsError(cause)));
      stream.once('close', () => reject(this.#givenUp ?? new BlockError('UNAVAILABLE', 'TLS: the server hung up')));
    });
    plain.detach();
    this.#inbound.drop();
    this.#wire = new Wire(stream, this.#inbound, { direct: false, tls: true });
    this.#start();
  }
}

function tlsOptions({ ca, cert, key, psk, hostname }: ClientTls, address: NbdAddress): ConnectionOptions {
  const options: ConnectionOptions = { minVersion: 'TLSv1.2' };
  if (psk !== undefined) {
    const { identity, key: secret } = psk;
    // There is no certificate to hold a name against: who knows the key, is the one.
    return {
      ...options,
      ciphers: 'PSK',
      pskCallback: () => ({ identity, psk: secret }),
      checkServerIdentity: () => undefined,
    };
  }
  if (ca !== undefined) options.ca = buffer(ca);
  if (cert !== undefined) options.cert = buffer(cert);
  if (key !== undefined) options.key = buffer(key);
  const host = hostname ?? ('host' in address ? address.host : 'localhost');
  return { ...options, host, ...(/[:]|^[\d.]+$/.test(host) ? {} : { servername: host }) };
}

function buffer(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem);
}

/** A connection that broke says nothing about who may come in; whatever else TLS finds fault with does. */
function tlsError(cause: NodeJS.ErrnoException): BlockError {
  // EPROTO is how Node tells of a fault that TLS found in the middle of a system call.
  const isBroken = cause.code === 'ECONNRESET' || (cause.syscall !== undefined && cause.code !== 'EPROTO');
  return new BlockError(isBroken ? 'UNAVAILABLE' : 'ACCESS_DENIED', `TLS: ${cause.message}`, { cause });
}

/** What a socket's error means to a caller that wants to connect. */
function connectError(error: NodeJS.ErrnoException | undefined): BlockError {
  if (isBlockError(error)) return error;
  if (error === undefined) return new BlockError('UNAVAILABLE', 'the connection was closed');
  const code = error.code === 'EACCES' ? 'ACCESS_DENIED' : 'UNAVAILABLE';
  return new BlockError(code, error.message, { cause: error });
}
