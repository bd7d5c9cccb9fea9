import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@blockyard/block';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Transport } from './transport.js';
import type { Watch } from './watch.js';

let server: Server;
let transport: Transport;
let onRequest: (incoming: IncomingMessage, outgoing: ServerResponse) => void;

beforeEach(async () => {
  server = createServer((incoming, outgoing) => onRequest(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  transport = new Transport({ clock: systemClock, maxSockets: 4, requestTimeoutMs: 60_000 });
});
afterEach(() => {
  transport.destroy();
  server.closeAllConnections();
  server.close();
});

const requestOf = (body?: Uint8Array | string) => ({
  protocol: 'http:',
  hostname: '127.0.0.1',
  port: (server.address() as AddressInfo).port,
  method: body === undefined ? 'GET' : 'PUT',
  path: '/bucket/a%20b',
  query: { 'list-type': '2', prefix: 'a/b c!', delete: null },
  headers: body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) },
  ...(body === undefined ? {} : { body }),
});

/** A watch that only notes what it is told. */
function noting() {
  const sent: boolean[] = [];
  let received = 0;
  let count = () => 0;
  const watch = {
    sent: (isAll: boolean) => sent.push(isAll),
    received: () => received++,
    follow: (countReceived: () => number) => {
      count = countReceived;
    },
  } as unknown as Watch;
  return { watch, sent, received: () => received, count: () => count() };
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
}

test('a request goes out as it was signed, and its answer comes back', async () => {
  let seen = '';
  onRequest = (incoming, outgoing) => {
    seen = `${incoming.method} ${incoming.url}`;
    void textOf(incoming).then((body) => {
      outgoing.writeHead(200, { etag: '"e"', 'x-two': ['a', 'b'] }).end(`got ${body}`);
    });
  };
  const { response } = await transport.handle(requestOf('text'));
  expect(seen).toBe('PUT /bucket/a%20b?list-type=2&prefix=a%2Fb%20c%21&delete');
  expect(response).toMatchObject({ statusCode: 200, headers: { etag: '"e"', 'x-two': 'a, b' } });
  expect(await textOf(response.body)).toBe('got text');
});

test('each part of a body is told when the system has taken it, and bytes of the answer are counted', async () => {
  onRequest = (incoming, outgoing) => {
    incoming.resume().once('end', () => outgoing.end(Buffer.alloc(5000)));
  };
  const { watch, sent, received, count } = noting();
  const { response } = await transport.handle(requestOf(new Uint8Array(200_000)), { watch });
  expect(sent).toEqual([false, false, false, true]);
  expect(received()).toBe(1);
  expect(await textOf(response.body)).toHaveLength(5000);
  expect(count()).toBeGreaterThan(5000);
});

test('a body that no one reads is seen to be stuck', async () => {
  let arrived = () => {};
  const begun = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  onRequest = (incoming) => {
    incoming.pause();
    arrived();
  };
  const { watch, sent } = noting();
  const controller = new AbortController();
  const outcome = transport
    .handle(requestOf(new Uint8Array(64 << 20)), { watch, abortSignal: controller.signal })
    .catch((error: unknown) => error);
  await begun;
  // As much as the buffers of both ends hold, and no more.
  for (let last = -1; last !== sent.length; ) {
    last = sent.length;
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(sent.length).toBeLessThan((64 << 20) / 65_536);
  expect(sent).not.toContain(true);
  controller.abort();
  expect(await outcome).toMatchObject({ name: 'AbortError' });
});

test('an answer to half a body ends the sending, and the next request has a connection of its own', async () => {
  let connections = 0;
  server.on('connection', () => connections++);
  onRequest = (incoming, outgoing) => {
    incoming.pause();
    outgoing.writeHead(403, { 'content-length': '2' }).end('no');
  };
  const { response } = await transport.handle(requestOf(new Uint8Array(64 << 20)));
  expect(response.statusCode).toBe(403);
  expect(await textOf(response.body)).toBe('no');
  onRequest = (_, outgoing) => {
    outgoing.end('yes');
  };
  const next = await transport.handle(requestOf());
  expect(await textOf(next.response.body)).toBe('yes');
  expect(connections).toBe(2);
});

test('connections are used again', async () => {
  let connections = 0;
  server.on('connection', () => connections++);
  onRequest = (_, outgoing) => {
    outgoing.end('yes');
  };
  for (let round = 0; round < 3; round++) await textOf((await transport.handle(requestOf())).response.body);
  expect(connections).toBe(1);
});

test('no one there is told as the system tells it', async () => {
  const request = requestOf();
  await new Promise((resolve) => server.close(resolve));
  await expect(transport.handle(request)).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
});

test('what is aborted before it begins is not sent', async () => {
  let requests = 0;
  onRequest = () => requests++;
  await expect(transport.handle(requestOf(), { abortSignal: AbortSignal.abort() })).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(requests).toBe(0);
});
