import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Credentials } from '../link/credentials.js';
import { aborted, type SendOptions, type TransportRequest } from '../link/transport.js';
import { steps } from './body.js';
import { Connections, type ConnectionsOptions } from './connections.js';
import { type AnswerHead, type AnswerTaker, Exchange, type Exchanged } from './exchange.js';
import { escapeKey, type Place, placeOf } from './place.js';
import { EMPTY_SHA256, Signer, sha256, sha256Aside, UNSIGNED_PAYLOAD } from './signer.js';

/** A request for one object. */
export interface DirectRequest {
  readonly method: 'GET' | 'PUT';
  readonly key: string;
  /** Apart from those that every request has. They are signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Called when it is signed, and goes to a connection. */
  readonly onSend?: () => void;
}

export interface DirectOptions extends ConnectionsOptions {
  /** Whether the hash of a body is signed also over TLS, which protects the body by itself. */
  readonly signBodies: boolean;
  /** Told of answers that were taken: no middleware of the client sees them. */
  readonly onAnswer: (key: string, headers: AnswerHead['headers']) => void;
}

/**
 * What became of a request. `isTaken`: the taker has had the answer. If not, the SDK is to send the same command, prepared: it
 * is given the answer that has come, if one has, or asks and is learnt from.
 */
export interface Outcome {
  readonly isTaken: boolean;
  readonly prepare: (command: Command) => void;
}

interface Command {
  readonly middlewareStack: unknown;
}

const TAKEN: Outcome = { isTaken: true, prepare: () => {} };

interface HashedRequest extends DirectRequest {
  /** As of `Signable`. */
  readonly payloadHash: string;
}

/** From there on a body is hashed beside the event loop, so that others are served meanwhile. */
const LARGE_BODY_BYTES = 256 << 10;

/** All that requests to one place share. */
interface Way {
  readonly place: Place;
  readonly signer: Signer;
  readonly connections: Connections;
}

/**
 * GETs and PUTs without the SDK's way from a command to a request, over its connections, and from the answer back. That way
 * takes most of the processor time of a request.
 *
 * The SDK makes the first request. What it found out on the way, the bucket's address and its region, holds for all others; the
 * client's own credentials and clock are used. Any answer that the taker leaves, as it does with all but a plain success, goes
 * through the SDK as if it had asked: errors are told by it alone, and no request is made twice.
 */
export class Direct {
  readonly #client: S3Client;
  readonly #options: DirectOptions;
  #way: Way | undefined;
  #isClosed = false;

  constructor(client: S3Client, options: DirectOptions) {
    this.#client = client;
    this.#options = options;
  }

  async send(request: DirectRequest, taker: AnswerTaker, options: SendOptions): Promise<Outcome> {
    const { key } = request;
    const way = this.#way;
    if (way === undefined) return { isTaken: false, prepare: (command) => this.#learnFrom(command, key) };
    const credentials = await this.#client.config.credentials();
    const payloadHash = await this.#payloadHash(way.place, request.body);
    if (options.abort?.isAborted) throw aborted();
    const response = await this.#exchange(way, Object.assign({ payloadHash }, request), credentials, taker, options);
    if (response.body !== undefined) {
      return { isTaken: false, prepare: (command) => atTransport(command, async () => ({ response })) };
    }
    this.#options.onAnswer(key, response.headers);
    return TAKEN;
  }

  /** Ends all connections. */
  close(): void {
    this.#isClosed = true;
    this.#way?.connections.destroy();
  }

  #exchange(
    way: Way,
    request: HashedRequest,
    credentials: S3Credentials,
    taker: AnswerTaker,
    options: SendOptions,
  ): Promise<Exchanged> {
    const { method, key, body } = request;
    const path = way.place.beforeKey + escapeKey(key);
    const headers = this.#sign(way, request, path, credentials);
    request.onSend?.();
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(taker, options, { resolve, reject }, way.connections.reads);
      const sent = body === undefined ? null : steps(body, options.watch);
      way.connections.dispatch({ method, path, headers, body: sent }, exchange);
    });
  }

  /** All headers of a request. */
  #sign(
    { place, signer }: Way,
    request: HashedRequest,
    path: string,
    credentials: S3Credentials,
  ): Record<string, string> {
    const { method, body, payloadHash } = request;
    const { systemClockOffset } = this.#client.config;
    const headers = { host: place.host, ...request.headers };
    const signed = signer.sign({ method, path, headers, payloadHash }, credentials, Date.now() + systemClockOffset);
    if (place.userAgent !== undefined) signed['user-agent'] = place.userAgent;
    if (body !== undefined) signed['content-length'] = String(body.byteLength);
    // Not signed, since some stores change it before they check.
    signed['accept-encoding'] = 'identity';
    return signed;
  }

  #payloadHash({ origin }: Place, body: Uint8Array | undefined): string | Promise<string> {
    if (body === undefined) return EMPTY_SHA256;
    if (origin.protocol === 'https:' && !this.#options.signBodies) return UNSIGNED_PAYLOAD;
    // What is shared with other threads is not taken there.
    const isLarge = body.byteLength >= LARGE_BODY_BYTES && body.buffer instanceof ArrayBuffer;
    return isLarge ? sha256Aside(body) : sha256(body);
  }

  #learnFrom(command: Command, key: string): void {
    atTransport(command, (request, next) => {
      const place = this.#way === undefined && !this.#isClosed ? placeOf(request, key) : undefined;
      if (place !== undefined) {
        const connections = new Connections(place.origin, this.#options);
        this.#way = { place, signer: new Signer(place.region), connections };
      }
      return next();
    });
  }
}

/** The part of a command's middleware stack that is needed here. */
interface Stack {
  add(middleware: (next: Handler) => Handler, options: { name: string; step: 'deserialize'; priority: 'low' }): void;
}
type Handler = (args: { request: unknown }) => Promise<{ response: unknown }>;

/** Puts itself between the SDK and its transport. */
function atTransport(
  command: Command,
  handle: (request: TransportRequest, next: () => Promise<{ response: unknown }>) => Promise<{ response: unknown }>,
): void {
  (command.middlewareStack as Stack).add(
    (next) => (args) => handle(args.request as TransportRequest, () => next(args)),
    { name: 'direct', step: 'deserialize', priority: 'low' },
  );
}
