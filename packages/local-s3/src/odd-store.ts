import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerHonestly, type StoredObject } from './memory-s3.js';
import type { StoreAnswer, StoreRequest } from './store-request.js';

/** Answers a request. `honest` carries it out, or one changed beforehand, and gives the answer of a store as it should be. */
export type AnswerRule = (
  request: StoreRequest,
  honest: (request?: StoreRequest) => StoreAnswer,
) => StoreAnswer | 'reset' | Promise<StoreAnswer | 'reset'>;

/** A store whose answers are bent as a test likes. */
export interface OddStore {
  readonly endpoint: string;
  /** By key; of whichever bucket is asked for. */
  readonly objects: Map<string, StoredObject>;
  /** Every request so far, in order of arrival. A test may empty it. */
  readonly requests: StoreRequest[];
  /** Replace it as the test goes on. */
  answer: AnswerRule;
  stop(): Promise<void>;
}

/**
 * Starts a small S3 store in this process, on a free port of the loopback interface, that answers oddly where it is told to. It
 * keeps its objects in memory, honours conditions, ranges and continuation tokens, and checks no signatures.
 */
export async function startOddStore(): Promise<OddStore> {
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const request = await readRequest(incoming);
    store.requests.push(request);
    const answer = await store.answer(request, (changed = request) => answerHonestly(store.objects, changed));
    if (answer === 'reset') return void outgoing.socket?.resetAndDestroy();
    const { status, headers = {}, body = '' } = answer;
    const hasLength = status !== 204 && headers['transfer-encoding'] === undefined;
    outgoing.writeHead(status, { ...(hasLength ? { 'content-length': Buffer.byteLength(body) } : {}), ...headers });
    outgoing.end(incoming.method === 'HEAD' ? undefined : body);
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.socket?.resetAndDestroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const store: OddStore = {
    endpoint: `http://127.0.0.1:${port}`,
    objects: new Map(),
    requests: [],
    answer: (_, honest) => honest(),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return store;
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
