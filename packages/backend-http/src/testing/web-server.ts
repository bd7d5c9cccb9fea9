import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request; undefined leaves it to {@link serveRange}. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface WebServer extends AsyncDisposable {
  readonly origin: string;
  /** All requests so far. */
  readonly requests: readonly IncomingMessage[];
  content: Uint8Array;
  etag: string | undefined;
  lastModified: string | undefined;
  /** What is done with the requests to come, one after the other; all others are answered as they should be. */
  readonly answers: Answer[];
}

/** A web server of this machine, which answers requests for parts as it should, or as it is told. */
export async function startWebServer(content: Uint8Array): Promise<WebServer> {
  const requests: IncomingMessage[] = [];
  const answers: Answer[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const answer = answers.shift();
    if (answer === undefined) serveRange(web, request, response);
    else answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const web: WebServer = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    content,
    etag: '"one"',
    lastModified: undefined,
    answers,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return web;
}

type Served = Pick<WebServer, 'content' | 'etag' | 'lastModified'>;

export function serveRange(
  { content, etag, lastModified }: Served,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const headers = {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { 'last-modified': lastModified }),
  };
  const wanted = request.headers['if-match'];
  if (wanted !== undefined && wanted !== etag) return response.writeHead(412).end();
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first);
  const end = Math.min(Number(last) + 1, content.byteLength);
  if (start >= content.byteLength) {
    return response.writeHead(416, { ...headers, 'content-range': `bytes */${content.byteLength}` }).end();
  }
  const range = { 'content-range': `bytes ${start}-${end - 1}/${content.byteLength}`, 'content-length': end - start };
  return response.writeHead(206, { ...headers, ...range }).end(content.subarray(start, end));
}
