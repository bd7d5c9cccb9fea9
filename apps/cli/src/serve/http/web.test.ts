import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { json, type Route } from '@blockyard/http-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFolder } from '../../testing/cli.js';
import { Token } from './token.js';
import { WebServer } from './web.js';

const TOKEN = 'a-token-that-is-planted';
const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v1/status', answer: () => json({ safeToStop: true }) },
  { method: 'POST', path: '/v1/stop', answer: () => json({}) },
];

const LOCAL = { host: '127.0.0.1', port: 0 };

let folder: Awaited<ReturnType<typeof makeFolder>>;
let token: Token;
let web: WebServer;
const answers: string[] = [];

beforeAll(async () => {
  folder = await makeFolder();
  await writeFile(folder.in('token'), `${TOKEN}\n`);
  token = await Token.read(folder.in('token'));
  web = await WebServer.begin(LOCAL, { routes: ROUTES, token, isInherited: false });
});
afterAll(async () => {
  web.end();
  await folder.remove();
});

async function statusOf(method: string, path: string, headers: Record<string, string> = {}, at = web): Promise<number> {
  const sent = request(new URL(path, at.url), { method, headers, agent: false }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  answers.push(`${JSON.stringify(response.headers)}${await text(response)}`);
  return response.statusCode ?? 0;
}

const bearer = (value: string) => ({ authorization: `Bearer ${value}` });

test('looking needs no token, changing does', async () => {
  expect(await statusOf('GET', '/v1/status')).toBe(200);
  expect(await statusOf('POST', '/v1/stop')).toBe(401);
  expect(await statusOf('POST', '/v1/stop', bearer('another-token-altogether'))).toBe(401);
  expect(await statusOf('POST', '/v1/stop', { authorization: TOKEN })).toBe(401);
  expect(await statusOf('POST', '/v1/stop', bearer(TOKEN))).toBe(200);
});

test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example:1'])(
  'a request to the name %j is refused, even with the token',
  async (host) => {
    expect(await statusOf('GET', '/v1/status', { host })).toBeGreaterThanOrEqual(400);
    expect(await statusOf('POST', '/v1/stop', { host, ...bearer(TOKEN) })).toBeGreaterThanOrEqual(400);
  },
);

test.each(['localhost', '127.0.0.1:80', '[::1]:80', 'LOCALHOST:1'])('the name %j is its own', async (host) => {
  expect(await statusOf('GET', '/v1/status', { host })).toBe(200);
});

test('pages of other origins are refused, its own are not', async () => {
  const { host } = new URL(web.url);
  expect(await statusOf('GET', '/v1/status', { origin: 'http://evil.example' })).toBe(403);
  expect(await statusOf('GET', '/v1/status', { origin: 'null' })).toBe(403);
  expect(await statusOf('GET', '/v1/status', { 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await statusOf('POST', '/v1/stop', { ...bearer(TOKEN), origin: `https://${host}` })).toBe(403);
  expect(await statusOf('POST', '/v1/stop', { ...bearer(TOKEN), origin: `http://${host}` })).toBe(200);
});

test('without a token file nothing is changed', async () => {
  const other = await WebServer.begin(LOCAL, { routes: ROUTES, token: undefined, isInherited: false });
  expect(await statusOf('GET', '/v1/status', {}, other)).toBe(200);
  expect(await statusOf('POST', '/v1/stop', bearer(''), other)).toBe(403);
  other.end();
});

test('a token that was replaced counts after a reload; one that cannot be read, or is weak, does not', async () => {
  await writeFile(folder.in('token'), 'the-next-token-12345');
  expect(await statusOf('POST', '/v1/stop', bearer(TOKEN))).toBe(200);
  await token.reload();
  expect(await statusOf('POST', '/v1/stop', bearer(TOKEN))).toBe(401);
  expect(await statusOf('POST', '/v1/stop', bearer('the-next-token-12345'))).toBe(200);
  await writeFile(folder.in('token'), 'weak');
  await expect(token.reload()).rejects.toThrow('--http-token-file must have one line of 16 characters');
  expect(await statusOf('POST', '/v1/stop', bearer('the-next-token-12345'))).toBe(200);
  await writeFile(folder.in('token'), TOKEN);
  await token.reload();
});

test('an address that is taken is waited for only where its owner is about to leave', async () => {
  const { port } = new URL(web.url);
  const address = { host: '127.0.0.1', port: Number(port) };
  const options = { routes: ROUTES, token };
  await expect(WebServer.begin(address, { ...options, isInherited: false })).rejects.toThrow(/^--http: .*EADDRINUSE/);
  const next = WebServer.begin(address, { ...options, isInherited: true });
  web.end();
  web = await next;
  expect(await statusOf('GET', '/v1/status')).toBe(200);
});

test('no answer has the token', () => {
  expect(answers.length).toBeGreaterThan(20);
  for (const answer of answers) expect(answer).not.toContain(TOKEN);
});
