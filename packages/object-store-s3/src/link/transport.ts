import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '@blockyard/block';
import type { Abort } from './abort.js';
import { connectTimeoutMs, noConnection } from './connecting.js';
import type { Watch } from './watch.js';

/** Bytes of a body that are handed to the system at once: what is seen of its progress comes in steps of so much. */
export const STEP_BYTES = 65_536;

/** A request as the SDK hands it over, signed. */
export interface TransportRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** How one attempt is sent, beside what the SDK knows of. `watch` is told of its progress. */
export interface SendOptions {
  readonly abortSignal?: AbortSignal;
  /** The same, for what does without a signal. */
  readonly abort?: Abort;
  readonly watch?: Watch;
}

type HandlerOptions = NonNullable<Parameters<S3Client['send']>[1]> & Pick<SendOptions, 'watch'>;

export interface TransportResponse {
  readonly statusCode: number;
  readonly reason: string;
  readonly headers: Record<string, string>;
  readonly body: Readable;
}

export interface TransportSettings {
  readonly clock: Clock;
  readonly maxSockets: number;
  readonly requestTimeoutMs: number;
}

/**
 * Carries the SDK's requests over HTTP/1.1. Unlike the SDK's own way, it tells how far a request is: each part of the body that
 * the system has taken, and the bytes that have come. It has no timers but that for connecting: the watch ends what takes too
 * long.
 */
export class Transport {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #agent: Agent;
  readonly #tlsAgent: TlsAgent;
  readonly #clock: Clock;
  readonly #connectTimeoutMs: number;

  constructor({ clock, maxSockets, requestTimeoutMs }: TransportSettings) {
    this.#clock = clock;
    this.#connectTimeoutMs = connectTimeoutMs(requestTimeoutMs);
    this.#agent = new Agent({ keepAlive: true, maxSockets });
    this.#tlsAgent = new TlsAgent({ keepAlive: true, maxSockets });
  }

  handle(request: TransportRequest, options: HandlerOptions = {}): Promise<{ response: TransportResponse }> {
    const { watch } = options;
    const abortSignal = options.abortSignal instanceof AbortSignal ? options.abortSignal : undefined;
    return new Promise((resolve, reject) => {
      if (abortSignal?.aborted) return reject(aborted());
      const outgoing = this.#start(request);
      let isAnswered = false;
      const abort = () => outgoing.destroy(aborted());
      abortSignal?.addEventListener('abort', abort);
      outgoing.once('close', () => abortSignal?.removeEventListener('abort', abort));
      outgoing.on('error', reject);
      outgoing.once('response', (incoming) => {
        isAnswered = true;
        watch?.received();
        // An answer to half a body: the rest is of no use, and no other request can follow on this connection.
        if (!outgoing.writableEnded) incoming.once('close', () => outgoing.destroy());
        resolve({ response: responseOf(incoming) });
      });
      this.#followSocket(outgoing, watch);
      sendBody(outgoing, request.body, watch, () => isAnswered);
    });
  }

  /** Ends all connections. */
  destroy(): void {
    this.#agent.destroy();
    this.#tlsAgent.destroy();
  }

  // Called by the SDK, which would have settings to pass on.
  updateHttpClientConfig(): void {}
  httpHandlerConfigs(): Record<string, never> {
    return {};
  }

  #start({ protocol, hostname, port, method, path, query, headers }: TransportRequest): ClientRequest {
    const options = {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      method,
      path: query === undefined ? path : path + queryString(query),
      headers,
    };
    return protocol === 'https:'
      ? requestHttps({ ...options, agent: this.#tlsAgent })
      : requestHttp({ ...options, agent: this.#agent });
  }

  #followSocket(outgoing: ClientRequest, watch: Watch | undefined): void {
    outgoing.once('socket', (socket) => {
      watch?.follow(() => socket.bytesRead);
      if (!socket.connecting) return;
      const limitMs = this.#connectTimeoutMs;
      const timer = this.#clock.set(() => outgoing.destroy(noConnection(limitMs)), limitMs);
      const stop = () => this.#clock.clear(timer);
      socket.once('connect', stop);
      outgoing.once('close', stop);
    });
  }
}

/** Hands over the next part of the body when the system has taken the last one. */
function sendBody(outgoing: ClientRequest, body: unknown, watch: Watch | undefined, isAnswered: () => boolean): void {
  if (body === undefined || body === null || body === '') return void outgoing.end();
  const bytes = bytesOf(body);
  const sendFrom = (start: number) => {
    const end = start + STEP_BYTES;
    if (end >= bytes.byteLength) return void outgoing.end(bytes.subarray(start), () => watch?.sent(true));
    outgoing.write(bytes.subarray(start, end), (error) => {
      // An answer, or the end of the connection, was faster.
      if (error || outgoing.destroyed || isAnswered()) return;
      watch?.sent(false);
      sendFrom(end);
    });
  };
  sendFrom(0);
}

function bytesOf(body: unknown): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError('a body is bytes or text');
}

function responseOf(incoming: IncomingMessage): TransportResponse {
  const { statusCode = 0, statusMessage: reason = '' } = incoming;
  return { statusCode, reason, headers: headersOf(incoming.headers), body: incoming };
}

/** Each with one value; those that came more than once are joined. */
export function headersOf(incoming: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in incoming) {
    const value = incoming[name];
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return headers;
}

/** In the spelling that was signed. */
function queryString(query: Readonly<Record<string, string | readonly string[] | null>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    const values = value === null || typeof value === 'string' ? [value] : value;
    for (const each of values) parts.push(each === null ? escapeUri(name) : `${escapeUri(name)}=${escapeUri(each)}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** As in RFC 3986, which is stricter than `encodeURIComponent`. */
export function escapeUri(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

export function aborted(): Error {
  return Object.assign(new Error('the request was aborted'), { name: 'AbortError' });
}
