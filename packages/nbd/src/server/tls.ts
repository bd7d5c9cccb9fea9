import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, DEFAULT_CIPHERS, type TlsOptions as NodeTlsOptions, type TLSSocket } from 'node:tls';
import { BlockError } from '@blockyard/block';

const PSK_CIPHERS = 'PSK';
/** Node's own list, but without its word that there shall be no pre-shared keys. */
const CERTIFICATE_CIPHERS = DEFAULT_CIPHERS.split(':')
  .filter((cipher) => cipher !== '!PSK')
  .join(':');

/**
 * With both, those of them that hash with SHA-256: what a pre-shared key is bound to in TLS 1.3. OpenSSL settles on a cipher first, and
 * where it has a certificate passes over a key that does not go with it. (Clients by GnuTLS, as libnbd and qemu are, then fail for want
 * of a certificate.)
 */
const BOTH_CIPHERS = `${CERTIFICATE_CIPHERS.split(':')
  .filter((cipher) => !cipher.startsWith('TLS_') || cipher.endsWith('_SHA256'))
  .join(':')}:${PSK_CIPHERS}`;

/** PEM, as text or bytes. */
export type Pem = string | Uint8Array;

/** How a server proves who it is, and whom it lets in. */
export interface TlsOptions {
  /** `required`: nothing is served in plaintext. `optional`: each client chooses. Default: `required`. */
  readonly mode?: 'required' | 'optional';
  /** The server's certificate chain and its key. */
  readonly cert?: Pem;
  readonly key?: Pem;
  /** With it, clients must show a certificate of this authority. */
  readonly ca?: Pem;
  /** Pre-shared keys by identity, instead of certificates or beside them. */
  readonly psk?: Readonly<Record<string, Uint8Array>> | ((identity: string) => Uint8Array | undefined);
}

/** Turns plain connections into encrypted ones. */
export class TlsUpgrade {
  readonly mode: 'required' | 'optional';
  #options: NodeTlsOptions;

  /** Throws `INVALID_ARGUMENT`. */
  constructor(options: TlsOptions) {
    this.mode = options.mode ?? 'required';
    if (this.mode !== 'required' && this.mode !== 'optional') {
      throw new BlockError('INVALID_ARGUMENT', `tls.mode must be "required" or "optional", not ${String(this.mode)}`);
    }
    this.#options = checkedOptions(options);
  }

  /** Later connections get these. Throws `INVALID_ARGUMENT`; then nothing has changed. */
  replace(options: TlsOptions): void {
    if ((options.mode ?? 'required') !== this.mode) {
      throw new BlockError('INVALID_ARGUMENT', 'tls.mode cannot be changed while the server is running');
    }
    this.#options = checkedOptions(options);
  }

  /**
   * Hands the connection to TLS. Calls `secured` with the stream to go on with. If the handshake fails, the connection is
   * destroyed.
   */
  upgrade(socket: Socket, secured: (stream: TLSSocket) => void): void {
    // A server of its own for each connection, never listening: so it is clear whose stream it is that comes back.
    const server = createServer(this.#options, secured);
    server.on('tlsClientError', (error) => socket.destroy(error));
    server.emit('connection', socket);
  }
}

/** What is wrong with a key or a certificate is found now, not by the first client. */
function checkedOptions(options: TlsOptions): NodeTlsOptions {
  const checked = nodeOptions(options);
  try {
    createServer(checked);
    if (options.ca !== undefined) new X509Certificate(options.ca);
  } catch (cause) {
    throw new BlockError('INVALID_ARGUMENT', 'the TLS key, certificate or authority cannot be used', { cause });
  }
  return checked;
}

function nodeOptions({ cert, key, ca, psk }: TlsOptions): NodeTlsOptions {
  if ((cert === undefined) !== (key === undefined))
    throw new BlockError('INVALID_ARGUMENT', 'tls needs both cert and key');
  if (cert === undefined && psk === undefined)
    throw new BlockError('INVALID_ARGUMENT', 'tls needs cert and key, or psk');
  const options: NodeTlsOptions = { minVersion: 'TLSv1.2' };
  if (cert !== undefined && key !== undefined) Object.assign(options, { cert: buffer(cert), key: buffer(key) });
  if (ca !== undefined) Object.assign(options, { ca: buffer(ca), requestCert: true, rejectUnauthorized: true });
  if (psk !== undefined) {
    const lookUp = typeof psk === 'function' ? psk : lookUpIn(psk);
    options.pskCallback = (_socket, identity) => lookUp(identity) ?? null;
    options.ciphers = cert === undefined ? PSK_CIPHERS : BOTH_CIPHERS;
  }
  return options;
}

function lookUpIn(keys: Readonly<Record<string, Uint8Array>>): (identity: string) => Uint8Array | undefined {
  return (identity) => (Object.hasOwn(keys, identity) ? keys[identity] : undefined);
}

function buffer(pem: Pem): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem);
}
