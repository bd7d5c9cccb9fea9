import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeControls, makeShown, type Shown } from '../testing/shown.js';
import { type PageServer, servePage } from './server.js';

const LOCAL = { host: '127.0.0.1', port: 0 };
const TOKEN = 'a-token-that-is-planted';

let shown: Shown;
let server: PageServer;
const controls = makeControls();
const answers: string[] = [];

beforeAll(async () => {
  shown = await makeShown(1024);
  server = await servePage({ address: LOCAL, source: shown.source, controls, token: TOKEN });
});
afterAll(async () => {
  server.end();
  await shown.device.disconnect();
});
beforeEach(() => {
  controls.done.length = 0;
});

async function ask(method: string, path: string, headers: Record<string, string> = {}, body = '', at = server) {
  const sent = request(new URL(path, at.url), { method, headers, agent: false });
  sent.on('error', () => {});
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  if (response.headers['content-type'] === 'text/event-stream') {
    sent.destroy();
    return { status: response.statusCode, headers: response.headers, body: '' };
  }
  const answer = { status: response.statusCode, headers: response.headers, body: await text(response) };
  answers.push(JSON.stringify(answer));
  return answer;
}

const BEARER = { authorization: `Bearer ${TOKEN}` };
const set = async (id: string, value?: unknown, headers: Record<string, string> = BEARER) =>
  (await ask('POST', '/set', headers, JSON.stringify({ id, value }))).status;

test.each(['/', '/page.js', '/feed', '/cell?viewer=a&cell=1'])(
  '%s is refused to other names and other pages',
  async (path) => {
    const { host } = new URL(server.url);
    expect((await ask('GET', path, { host: 'evil.example' })).status).toBe(403);
    expect((await ask('GET', path, { host: `evil.example:${host.split(':')[1]}` })).status).toBe(403);
    expect((await ask('GET', path, { origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask('GET', path, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  },
);

test('nothing is changed without the token, nor by another page that has it', async () => {
  expect(await set('flush', undefined, {})).toBe(401);
  expect(await set('flush', undefined, { authorization: 'Bearer another-token-altogether' })).toBe(401);
  expect(await set('flush', undefined, { ...BEARER, origin: 'http://evil.example' })).toBe(403);
  expect(await set('flush', undefined, { ...BEARER, host: 'evil.example' })).toBe(403);
  expect(controls.done).toEqual([]);
  expect(await set('flush')).toBe(200);
  expect(controls.done).toEqual([['flush', undefined]]);
});

test('where there is no token, no one changes anything', async () => {
  const other = await servePage({ address: LOCAL, source: shown.source, controls });
  expect((await ask('POST', '/set', BEARER, '{"id":"flush"}', other)).status).toBe(403);
  other.end();
  expect(controls.done).toEqual([]);
  await expect(servePage({ address: LOCAL, source: shown.source, token: 'weak' })).rejects.toThrow('a token must have');
});

test('a control is set to what it can be set to, and to nothing else', async () => {
  for (const [id, value] of [
    ['cut', true],
    ['work', 'scan'],
    ['size', 2 ** 24],
    ['name', 'two'],
  ] as const) {
    expect(await set(id, value), id).toBe(200);
  }
  expect(controls.done.map(([id]) => id)).toEqual(['cut', 'work', 'size', 'name']);
  for (const [id, value] of [
    ['flush', 1],
    ['cut', 'yes'],
    ['work', 'other'],
    ['size', 2 ** 30],
    ['size', '5'],
    ['name', 'x'.repeat(201)],
    ['nothing', 1],
    ['toString', undefined],
  ] as const) {
    expect(await set(id, value), `${id} ${value}`).toBe(400);
  }
  expect(await set('roll')).toBe(501);
  expect(controls.done).toHaveLength(4);
});

test('bodies have a bound, and fields that no one reads are refused', async () => {
  expect((await ask('POST', '/set', BEARER, `{"id":"${'x'.repeat(5000)}"}`)).status).toBe(413);
  expect((await ask('POST', '/set', BEARER, '{"id":"flush","more":1}')).status).toBe(400);
});

test.each(['cells=0', 'cells=65537', 'cells=x', 'start=-1', 'start=1.5', 'count=99999999999999999'])(
  'a view of %s is refused',
  async (query) => {
    expect((await ask('GET', `/feed?${query}`)).status).toBe(400);
  },
);

test('the page may run its own script and ask its own server, and nothing else', async () => {
  const { headers } = await ask('GET', '/');
  expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
  expect(headers['content-security-policy']).not.toContain('unsafe');
  expect(headers['x-frame-options']).toBe('DENY');
});

test('the page with all that it loads has less than 200 KB', async () => {
  let lengthBytes = 0;
  for (const path of ['/', '/page.js', '/page.css', '/icon.svg']) {
    const { status, headers } = await ask('GET', path);
    expect([status, headers['content-encoding']]).toEqual([200, 'gzip']);
    lengthBytes += Number(headers['content-length']);
  }
  expect(lengthBytes).toBeGreaterThan(10_000);
  expect(lengthBytes).toBeLessThan(200_000);
});

test('no answer has the token', () => {
  expect(answers.length).toBeGreaterThan(30);
  expect(answers.filter((answer) => answer.includes(TOKEN))).toEqual([]);
});
