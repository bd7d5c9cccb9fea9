import type { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import {
  escapeUri,
  type SendOptions,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from '../link/transport.js';
import { isPlain } from './answers.js';

/** What a GET is answered with, by the SDK or without it. */
export interface GetAnswer {
  readonly Body?: unknown;
  readonly ContentEncoding?: string | undefined;
  readonly ContentLength?: number | undefined;
  readonly ContentRange?: string | undefined;
  readonly ETag?: string | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
}

/** Where objects of a bucket are, and how requests for them are signed: what the SDK found out for the first of them. */
interface Place {
  readonly origin: Pick<TransportRequest, 'protocol' | 'hostname' | 'port'>;
  readonly headers: Readonly<Record<string, string>>;
  /** What a path has before the key. */
  readonly beforeKey: string;
  readonly signer: SignatureV4;
}

/** Told of answers that no middleware of the client sees. */
export type OnAnswer = (key: string, headers: Readonly<Record<string, string>>) => void;

/** The hash of no bytes: a GET has no body. */
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** The scope of a signature of the plain kind, which has the region in it. Sessions and many regions at once are signed otherwise. */
const PLAIN_SCOPE = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([\w-]+)\/s3\/aws4_request,/;

/**
 * GETs of ranges, without the SDK's way from a command to a request and from the answer back. That way takes most of the processor
 * time of a GET, and reading is what a volume does most.
 *
 * The SDK makes the first request. What it found out on the way, the bucket's address and its region, holds for all others; the
 * client's own signer, credentials, clock and connections are used. Any answer but a plain success goes through the SDK, as if
 * it had asked: errors are told by it alone, and no request is made twice.
 */
export class DirectGets {
  readonly #client: S3Client;
  readonly #transport: Pick<Transport, 'handle'>;
  readonly #onAnswer: OnAnswer;
  #place: Place | undefined;

  constructor(client: S3Client, transport: Pick<Transport, 'handle'>, onAnswer: OnAnswer) {
    this.#client = client;
    this.#transport = transport;
    this.#onAnswer = onAnswer;
  }

  /**
   * Sends the GET if it is known how. Resolves with a plain answer; or with `undefined`, and then the SDK is to send `command`: it is
   * given the answer that has come, if one has, or asks and is learnt from.
   */
  async get(command: GetObjectCommand, options: SendOptions): Promise<GetAnswer | undefined> {
    const { Key = '', Range = '' } = command.input;
    const place = this.#place;
    if (place === undefined) {
      atTransport(command, (request, next) => {
        this.#learn(request, Key);
        return next();
      });
      return undefined;
    }
    const response = await this.#send(place, Key, Range, options);
    if (!isPlain(response)) {
      atTransport(command, async () => ({ response }));
      return undefined;
    }
    this.#onAnswer(Key, response.headers);
    return answerOf(response);
  }

  async #send(place: Place, key: string, range: string, options: SendOptions): Promise<TransportResponse> {
    const request = {
      ...place.origin,
      method: 'GET',
      path: place.beforeKey + escapeKey(key),
      query: {},
      headers: { ...place.headers, range, 'x-amz-content-sha256': EMPTY_SHA256 },
    };
    const { systemClockOffset } = this.#client.config;
    const signed = await place.signer.sign(request, { signingDate: new Date(Date.now() + systemClockOffset) });
    const headers = { ...signed.headers, 'accept-encoding': 'identity' };
    const { response } = await this.#transport.handle({ ...request, headers }, options);
    return response;
  }

  /** `request` is for `key`, and signed. */
  #learn({ protocol, hostname, port, path, headers }: TransportRequest, key: string): void {
    const escaped = escapeKey(key);
    const [, region] = PLAIN_SCOPE.exec(headers.authorization ?? '') ?? [];
    const { host, 'user-agent': userAgent } = headers;
    if (region === undefined || host === undefined || !path.endsWith(`/${escaped}`)) return;
    const { credentials, sha256 } = this.#client.config;
    this.#place = {
      origin: { protocol, hostname, ...(port === undefined ? {} : { port }) },
      headers: { host, ...(userAgent === undefined ? {} : { 'user-agent': userAgent }) },
      beforeKey: path.slice(0, path.length - escaped.length),
      signer: new SignatureV4({ service: 's3', region, credentials, sha256, uriEscapePath: false }),
    };
  }
}

/** The part of a command's middleware stack that is needed here. */
interface Stack {
  add(middleware: (next: Handler) => Handler, options: { name: string; step: 'deserialize'; priority: 'low' }): void;
}
type Handler = (args: { request: unknown }) => Promise<{ response: unknown }>;

/** Puts itself between the SDK and its transport. */
function atTransport(
  command: GetObjectCommand,
  handle: (request: TransportRequest, next: () => Promise<{ response: unknown }>) => Promise<{ response: unknown }>,
): void {
  (command.middlewareStack as unknown as Stack).add(
    (next) => (args) => handle(args.request as TransportRequest, () => next(args)),
    { name: 'directGets', step: 'deserialize', priority: 'low' },
  );
}

const METADATA_PREFIX = 'x-amz-meta-';

function answerOf({ headers, body }: TransportResponse): GetAnswer {
  const metadata: Record<string, string> = {};
  for (const name in headers) {
    if (name.startsWith(METADATA_PREFIX)) metadata[name.slice(METADATA_PREFIX.length)] = headers[name] ?? '';
  }
  const length = headers['content-length'];
  return {
    Body: body,
    ContentEncoding: headers['content-encoding'],
    ContentLength: length === undefined ? undefined : Number(length),
    ContentRange: headers['content-range'],
    ETag: headers.etag,
    Metadata: metadata,
  };
}

/** As in RFC 3986, slashes left as they are. */
function escapeKey(key: string): string {
  return key.split('/').map(escapeUri).join('/');
}
