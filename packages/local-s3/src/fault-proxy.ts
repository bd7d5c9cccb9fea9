import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What is done to one request.
 *
 * - `reply`: the store never sees it; the client gets this status, with `code` as the S3 error code.
 * - `reply-after`: the store carries it out; the client gets that answer instead of the store's.
 * - `reply-late`: the client gets that answer at once; the store gets the request when `until` resolves, and carries it out.
 * - `reset-before`: the store never sees it; the client's connection is reset.
 * - `reset-after`: the store carries it out; the client's connection is reset instead of an answer.
 * - `swallow`: the store never sees it, and the client gets no answer.
 * - `swallow-after`: the store carries it out, and the client gets no answer.
 * - `truncate`: the client gets the headers and `bytes` bytes of the answer's body, then a reset.
 * - `hold`: the store gets it only once `until` resolves, also if the client has gone in the meantime.
 */
export type Fault =
  | ({ readonly kind: 'reply' | 'reply-after' } & FaultReply)
  | ({ readonly kind: 'reply-late'; readonly until: Promise<unknown> } & FaultReply)
  | { readonly kind: 'reset-before' | 'reset-after' | 'swallow' | 'swallow-after' }
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'hold'; readonly until: Promise<unknown> };

/** An answer that the store has not given. */
export interface FaultReply {
  readonly status: number;
  /** The S3 error code in its body. Left out: what is in `body`, or no body. */
  readonly code?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request as the proxy saw it. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path below the endpoint, decoded: `/bucket/key`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

export interface FaultProxy {
  /** The endpoint to give to the client, in place of the store's. */
  readonly endpoint: string;
  /** Every request so far, in order of arrival. A test may empty it. */
  readonly requests: ProxiedRequest[];
  /** Decides about each request that arrives; undefined lets it through. Replace it as the test goes on. */
  onRequest: (request: ProxiedRequest) => Fault | undefined;
  /** Resolves when every request that reached the store was answered by it, those with lost answers included. */
  idle(): Promise<void>;
  /** How many requests have clients that wait for an answer which they will not get, or not yet: swallowed or held back. */
  readonly silentRequests: number;
  stop(): Promise<void>;
}

/** Starts an HTTP proxy in front of the store at `endpoint` that counts requests and breaks those it is told to. */
export async function startFaultProxy(endpoint: string): Promise<FaultProxy> {
  const target = new URL(endpoint);
  const forwarding = new Set<Promise<void>>();
  const silent = new Set<ServerResponse>();
  const keepWaiting = (outgoing: ServerResponse) => {
    if (outgoing.closed) return;
    silent.add(outgoing);
    outgoing.once('close', () => silent.delete(outgoing));
  };

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const seen = describe(incoming, target.pathname);
    proxy.requests.push(seen);
    const fault = proxy.onRequest(seen);
    const body = await readAll(incoming);
    if (fault?.kind === 'reply') return reply(outgoing, fault);
    if (fault?.kind === 'reset-before') return reset(outgoing);
    if (fault?.kind === 'swallow') return keepWaiting(outgoing);
    if (fault?.kind === 'reply-late') reply(outgoing, fault);
    const held = fault?.kind === 'hold' || fault?.kind === 'reply-late' ? fault.until : undefined;
    if (fault?.kind === 'hold') keepWaiting(outgoing);
    // One that is held back does not count until it is let go.
    await held;
    silent.delete(outgoing);
    const answered = answerOf(incoming, body, target);
    track(forwarding, answered);
    if (fault?.kind === 'reply-late') return;
    const answer = await answered;
    if (fault?.kind === 'swallow-after') return keepWaiting(outgoing);
    if (fault?.kind === 'reset-after') return reset(outgoing);
    if (fault?.kind === 'reply-after') return reply(outgoing, fault);
    outgoing.writeHead(answer.status, answer.headers);
    if (fault?.kind !== 'truncate') return void outgoing.end(answer.body);
    outgoing.write(answer.body.subarray(0, fault.bytes), () => reset(outgoing));
  };

  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => reset(outgoing));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${port}${target.pathname}`,
    requests: [],
    onRequest: () => undefined,
    idle: async () => {
      while (forwarding.size > 0) await Promise.allSettled(forwarding);
    },
    get silentRequests() {
      return silent.size;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** What the store says. The headers go through as they are: they are signed, the `Host` too. */
function answerOf(incoming: IncomingMessage, body: Buffer, target: URL): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
      agent: false,
    } as const;
    const outgoing = forward(options, (answer) => {
      readAll(answer).then(
        (read) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: read }),
        reject,
      );
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

function describe(incoming: IncomingMessage, below: string): ProxiedRequest {
  const url = new URL(incoming.url ?? '/', 'http://proxy');
  const path = url.pathname.startsWith(below) ? url.pathname.slice(below.length) : url.pathname;
  return {
    method: incoming.method ?? '',
    path: decodeURIComponent(path.startsWith('/') ? path : `/${path}`),
    query: url.searchParams,
    headers: incoming.headers,
  };
}

function reply(outgoing: ServerResponse, { status, code, body = '', headers }: FaultReply): void {
  outgoing.writeHead(status, { 'content-type': 'application/xml', ...headers });
  const error = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  outgoing.end(code === undefined ? body : error);
}

function reset(outgoing: ServerResponse): void {
  outgoing.socket?.resetAndDestroy();
}

function track(set: Set<Promise<void>>, answered: Promise<unknown>): void {
  const done: Promise<void> = answered.then(
    () => void set.delete(done),
    () => void set.delete(done),
  );
  set.add(done);
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
