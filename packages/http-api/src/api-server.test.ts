import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { BlockError } from '@blockyard/block';
import { afterEach, expect, test } from 'vitest';
import { json, RequestError } from './answer.js';
import { type ApiServerOptions, createApiServer } from './api-server.js';
import { checkFields, type Route, sizeField } from './routes.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v1/status', answer: ({ query }) => json({ what: query.get('what') }) },
  {
    method: 'POST',
    path: '/v1/resize',
    answer: ({ body }) => {
      checkFields(body, ['sizeBytes']);
      return json({ sizeBytes: sizeField(body, 'sizeBytes') });
    },
  },
  {
    method: 'POST',
    path: '/v1/flush',
    answer: () => Promise.reject(new BlockError('UNAVAILABLE', 'the store is away')),
  },
];

async function listening(options: Partial<ApiServerOptions> = {}): Promise<number> {
  const server = createApiServer({ routes: ROUTES, keepAlive: false, maxBodyBytes: 1000, ...options });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function ask(port: number, method: string, path: string, body = '') {
  const sent = request({ port, method, path, agent: false });
  // What is refused early may be answered before all of it was sent.
  sent.on('error', () => {});
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

async function failed(port: number, method: string, path: string, body?: string) {
  const answer = await ask(port, method, path, body);
  return [answer.status, JSON.parse(answer.body).error.code];
}

/** What comes back for bytes that are no whole request. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  return text(socket);
}

test('a route is found by method and path; HEAD is a GET without its body', async () => {
  const port = await listening();
  const { status, body, headers } = await ask(port, 'GET', '/v1/status?what=all');
  expect([status, JSON.parse(body), headers['content-type']]).toEqual([200, { what: 'all' }, 'application/json']);
  const head = await ask(port, 'HEAD', '/v1/status?what=all');
  expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', String(body.length)]);
  expect(JSON.parse((await ask(port, 'POST', '/v1/resize', '{"sizeBytes":4096}')).body)).toEqual({ sizeBytes: 4096 });
});

test('what cannot be done is told by a status, a code and a message', async () => {
  const port = await listening();
  expect(await failed(port, 'GET', '/v1/statu')).toEqual([404, 'NO_SUCH_ROUTE']);
  expect(await failed(port, 'GET', '/v1/resize')).toEqual([405, 'METHOD_NOT_ALLOWED']);
  expect((await ask(port, 'DELETE', '/v1/status')).headers.allow).toBe('GET, HEAD');
  expect(await failed(port, 'POST', '/v1/resize', '{"sizeBytes":')).toEqual([400, 'BAD_REQUEST']);
  expect(await failed(port, 'POST', '/v1/resize', '[1]')).toEqual([400, 'BAD_REQUEST']);
  expect(await failed(port, 'POST', '/v1/resize', '{"sizeBytes":-1}')).toEqual([400, 'BAD_REQUEST']);
  expect(await failed(port, 'POST', '/v1/resize', '{"sizeBytes":1,"size":2}')).toEqual([400, 'BAD_REQUEST']);
  expect(await failed(port, 'POST', '/v1/flush')).toEqual([503, 'UNAVAILABLE']);
  expect(await failed(port, 'POST', '/v1/resize', `{"sizeBytes":1${' '.repeat(1000)}}`)).toEqual([
    413,
    'BODY_TOO_LARGE',
  ]);
});

test('every answer says that a browser must not run, frame, guess at or keep it', async () => {
  const port = await listening();
  const safe = {
    'cache-control': 'no-store',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
  for (const path of ['/v1/status', '/nothing']) expect((await ask(port, 'GET', path)).headers).toMatchObject(safe);
  expect(await raw(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*nosniff/);
});

test('headers that are too long are refused, and so is the wish for another protocol', async () => {
  const port = await listening();
  const long = `GET /v1/status HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`;
  expect(await raw(port, long)).toMatch(/^HTTP\/1\.1 431 /);
  const upgrade = 'GET /v1/status HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
  expect(await raw(port, upgrade)).toMatch(/^HTTP\/1\.1 400 /);
  expect(await raw(port, 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
});

test('what the check refuses reaches no route, and the rest of its body is no request', async () => {
  const check = () => {
    throw new RequestError('UNAUTHORIZED', 'no token', undefined, { 'www-authenticate': 'Bearer' });
  };
  const port = await listening({ keepAlive: true, check });
  const second = 'GET /v1/status HTTP/1.1\r\nhost: a\r\n\r\n';
  const length = `content-length: ${second.length}`;
  const answers = await raw(port, `POST /v1/flush HTTP/1.1\r\nhost: a\r\n${length}\r\n\r\n${second.slice(0, 9)}`);
  expect(answers).toMatch(/^HTTP\/1\.1 401 [\s\S]*www-authenticate: Bearer/i);
  expect(answers.match(/HTTP\/1\.1 /g)).toHaveLength(1);
});

test('a connection is kept for further requests where that is wanted', async () => {
  const two = 'GET /v1/status HTTP/1.1\r\nhost: a\r\n\r\n'
    .repeat(2)
    .replace(/host: a\r\n\r\n$/, 'host: a\r\nconnection: close\r\n\r\n');
  expect((await raw(await listening({ keepAlive: true }), two)).match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  expect((await raw(await listening(), two)).match(/HTTP\/1\.1 200/g)).toHaveLength(1);
});

test('a route may answer piece by piece, over a connection that takes no other request', async () => {
  const route: Route = {
    method: 'GET',
    path: '/pieces',
    answer: () => ({
      contentType: 'text/event-stream',
      open: (response) => {
        response.write('one ');
        setImmediate(() => response.end('two'));
      },
    }),
  };
  const port = await listening({ keepAlive: true, routes: [route] });
  const again = 'GET /pieces HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2);
  const answers = await raw(port, again);
  expect(answers.match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  expect(answers).toMatch(/nosniff[\s\S]*one [\s\S]*two/);
  expect((await ask(port, 'HEAD', '/pieces')).body).toBe('');
});

test('an error that only the caller knows is told as the caller says', async () => {
  const route: Route = { method: 'GET', path: '/own', answer: () => Promise.reject(new TypeError('own')) };
  const translate = (error: unknown) => (error instanceof TypeError ? new RequestError('CONFLICT', 'known') : error);
  expect(await failed(await listening({ routes: [route], translate }), 'GET', '/own')).toEqual([409, 'CONFLICT']);
  expect(await failed(await listening({ routes: [route] }), 'GET', '/own')).toEqual([500, 'INTERNAL']);
});

test('one that takes no further connection answers on those that it has, and ends them with that', async () => {
  let answer = () => {};
  const waiting = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const slow: Route = { method: 'GET', path: '/v1/slow', answer: () => waiting.then(() => json({})) };
  const port = await listening({ routes: [slow], keepAlive: true });
  const [server] = servers;
  const [asking, silent] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  const request = 'GET /v1/slow HTTP/1.1\r\nhost: localhost\r\n\r\n';
  asking.write(request);
  await once(server ?? asking, 'request');
  while ((await connectionsOf(server)) < 2) await new Promise((resolve) => setImmediate(resolve));
  server?.close();
  silent.write(request);
  answer();
  for (const socket of [asking, silent]) {
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\nConnection: close\r\n/s);
  }
});

function connectionsOf(server: Server | undefined): Promise<number> {
  return new Promise((resolve) => server?.getConnections((_, count) => resolve(count)));
}
