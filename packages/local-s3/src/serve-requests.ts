import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StoreAnswer, StoreRequest } from './store-request.js';

/** Longer than the 5 s of Node.js: a connection that is closed as it is used again fails a request. */
const KEEP_ALIVE_MS = 10 * 60_000;

type Answering = (request: StoreRequest) => StoreAnswer | 'reset' | Promise<StoreAnswer | 'reset'>;

/** Answers requests on a free port of the loopback interface, in this process. `'reset'` breaks the connection. */
export async function serveRequests(answering: Answering): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const answer = await answering(await readRequest(incoming));
    if (answer === 'reset') return void outgoing.socket?.resetAndDestroy();
    const { status, headers = {}, body = '' } = answer;
    const hasLength = status !== 204 && headers['transfer-encoding'] === undefined;
    outgoing.writeHead(status, { ...(hasLength ? { 'content-length': Buffer.byteLength(body) } : {}), ...headers });
    outgoing.end(incoming.method === 'HEAD' ? undefined : body);
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.socket?.resetAndDestroy());
  });
  // A client that is slow, as on a busy machine, finds its connection as it left it.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readRequest(incoming: IncomingMessage): Promise<StoreRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const url = new URL(incoming.url ?? '/', 'http://store');
  const [, bucket = '', ...segments] = url.pathname.split('/').map(decodeURIComponent);
  return {
    method: incoming.method ?? '',
    bucket,
    key: segments.join('/'),
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  };
}
