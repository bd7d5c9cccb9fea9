import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Answer, failureAnswer, messageOf, RequestError, type StreamAnswer } from './answer.js';
import { type ApiRequest, type Route, routeOf } from './routes.js';

/** What a server answers, to whom, and within which bounds. */
export interface ApiServerOptions {
  readonly routes: readonly Route[];
  /** Throws a `RequestError` for a request that is not to be answered. Default: all are. */
  readonly check?: (request: IncomingMessage) => void;
  /** Makes a `RequestError` of an error that only the caller knows. Default: each is told as it is. */
  readonly translate?: (error: unknown) => unknown;
  /** Whether a connection carries several requests. */
  readonly keepAlive: boolean;
  /** Longest body of a request, in bytes. */
  readonly maxBodyBytes: number;
}

/** Connections at once. Further ones are closed as they come. */
const CONNECTIONS_MAX = 64;
const HEADER_BYTES_MAX = 8192;
const HEADERS_MAX = 64;
/** Until a request has come as far as its body, and whole. How long it takes to carry it out has no bound. */
const HEADERS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 5000;
/** How often those times are looked at. */
const CHECK_EVERY_MS = 1000;

/** On every answer: nothing of it is run, framed, guessed at or kept by a browser. */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** An HTTP server with bounds on all that a client can send. It does not listen yet. */
export function createApiServer(options: ApiServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    (request, response) => void respond(options, () => server.listening, request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = HEADERS_MAX;
  server.on('clientError', (error, socket) => refuse(error, socket));
  // Protocols that a connection could become, and requests that want a go-ahead for their body first.
  server.on('upgrade', (_, socket) => refuse(new Error('no other protocol'), socket));
  server.on('connect', (_, socket) => refuse(new Error('no tunnel'), socket));
  return server;
}

/** Never rejects. */
async function respond(
  options: ApiServerOptions,
  isListening: () => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A client that goes away is no one's failure.
  response.on('error', () => {});
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let answer: Answer | StreamAnswer;
  try {
    options.check?.(request);
    answer = await answerOf(options, request, gone.signal);
  } catch (error) {
    answer = failureAnswer(options.translate?.(error) ?? error);
  }
  // What was not read of a body would be taken for the next request. And a server at its end is to come to it.
  if (!options.keepAlive || !request.complete || !isListening()) response.shouldKeepAlive = false;
  if ('open' in answer) return stream(answer, request, response);
  const { status = 200, contentType, body, headers } = answer;
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  response.writeHead(status, {
    ...SAFE_HEADERS,
    'content-type': contentType,
    'content-length': length,
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Its connection is that answer's alone. */
function stream(
  { contentType, headers, open }: StreamAnswer,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  response.shouldKeepAlive = false;
  response.writeHead(200, { ...SAFE_HEADERS, 'content-type': contentType, ...headers });
  if (request.method === 'HEAD') response.end();
  else open(response);
}

async function answerOf(
  { routes, maxBodyBytes }: ApiServerOptions,
  request: IncomingMessage,
  gone: AbortSignal,
): Promise<Answer | StreamAnswer> {
  const { method = '', url = '' } = request;
  const [path = '', query] = url.split('?', 2);
  const route = routeOf(routes, method, path);
  const body = route.method === 'POST' ? objectIn(await textOf(request, maxBodyBytes)) : {};
  return route.answer({ query: new URLSearchParams(query), body, gone });
}

async function textOf(request: IncomingMessage, maxBodyBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    lengthBytes += chunk.byteLength;
    if (lengthBytes > maxBodyBytes)
      throw new RequestError('BODY_TOO_LARGE', `a body has ${maxBodyBytes} bytes at most`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function objectIn(text: string): ApiRequest['body'] {
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RequestError('BAD_REQUEST', `the body is not JSON: ${messageOf(error)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ApiRequest['body'];
  throw new RequestError('BAD_REQUEST', 'the body must be an object');
}

/** What is no request of HTTP, or too large or too slow for one. */
function refuse(error: Error & { readonly code?: string }, socket: Duplex): void {
  socket.on('error', () => {});
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { body } = failureAnswer(new RequestError('BAD_REQUEST', `this is no request that is taken: ${error.message}`));
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const headers = { ...SAFE_HEADERS, 'content-type': 'application/json', connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
