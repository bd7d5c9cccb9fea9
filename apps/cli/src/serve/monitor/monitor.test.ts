import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { BlockError } from '@blockyard/block';
import { serveNbd } from '@blockyard/nbd';
import { connectUri, type UriDevice } from '@blockyard/uri';
import { afterEach, expect, test } from 'vitest';
import { Monitor } from './monitor.js';
import { obstacles } from './readiness.js';

const LOCAL = { host: '127.0.0.1', port: 0 };
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function begun() {
  const lines: string[] = [];
  const monitor = await Monitor.begin(LOCAL, { log: (line) => lines.push(line) });
  ends.push(() => monitor.end());
  const [, port] = /^metrics at http:\/\/127\.0\.0\.1:(\d+)\/metrics$/.exec(lines[0] ?? '') ?? [];
  return { monitor, port: Number(port), lines };
}

async function ask(port: number, path: string, { method = 'GET', headers = {}, body = '' } = {}) {
  const sent = request({ port, path, method, headers, agent: false });
  sent.on('error', () => {});
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, type: response.headers['content-type'], body: await text(response) };
}

async function serveCached(monitor: Monitor): Promise<UriDevice> {
  const device = await connectUri('memory:?size=1M', { cacheSizeBytes: 2 ** 20 });
  const server = await serveNbd({ exports: { disk: device }, listen: { port: 0 }, ownsDevices: true });
  ends.push(() => server.stop({ force: true }));
  monitor.serving(server, () => [{ name: 'disk', device }]);
  return device;
}

test('a process is alive before it is ready, and ready until it stops', async () => {
  const { monitor, port } = await begun();
  expect(await ask(port, '/healthz')).toMatchObject({ status: 200, type: 'application/json' });
  expect(await ask(port, '/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('OPENING') });
  await serveCached(monitor);
  expect(await ask(port, '/readyz')).toMatchObject({ status: 200, body: '{"ready":true,"obstacles":[]}\n' });
  monitor.stopping();
  expect(await ask(port, '/readyz')).toMatchObject({ status: 503, body: expect.stringContaining('STOPPING') });
  expect(await ask(port, '/healthz')).toMatchObject({ status: 200 });
});

test('the metrics are those of the server and its device, and of the process before there is one', async () => {
  const { monitor, port } = await begun();
  const before = await ask(port, '/metrics');
  expect(before).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
  expect(before.body).toContain('process_cpu_seconds_total');
  expect(before.body).not.toMatch(/^blockyard_/m);
  const device = await serveCached(monitor);
  await device.write(0, [new Uint8Array(4096).fill(1)]);
  const { body } = await ask(port, '/metrics');
  expect(body).toContain('\nblockyard_cache_dirty_bytes{export="disk"} 4096\n');
  expect(body).toContain('\nblockyard_nbd_connections 0\n');
  expect((await ask(port, '/metrics', { method: 'HEAD' })).body).toBe('');
});

test('nothing else is answered: other names, methods, paths and bodies', async () => {
  const { port } = await begun();
  expect(await ask(port, '/metrics', { headers: { host: 'evil.example' } })).toMatchObject({ status: 403 });
  expect(await ask(port, '/metrics', { method: 'POST' })).toMatchObject({ status: 405 });
  expect(await ask(port, '/v1/stop', { method: 'POST', body: '{}' })).toMatchObject({ status: 404 });
  expect(await ask(port, '/healthz/')).toMatchObject({ status: 404 });
});

test('an address that is taken is refused, or waited for by a successor', async () => {
  const { monitor, port } = await begun();
  const address = { host: '127.0.0.1', port };
  const told: string[] = [];
  const options = { log: (line: string) => told.push(line) };
  await expect(Monitor.begin(address, options)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  const successor = await Monitor.succeed(address, options);
  ends.push(() => successor.end());
  expect(told).toEqual([]);
  monitor.end();
  await expect.poll(() => told, { timeout: 30_000 }).toEqual([`metrics at http://127.0.0.1:${port}/metrics`]);
  expect(await ask(port, '/healthz')).toMatchObject({ status: 200 });
});

const away = { isAway: true, awayMs: 1234, nextTryMs: 5, error: undefined };

test.each([
  ['STORE_AWAY', { storeSnapshot: () => ({ availability: away }) }],
  ['LOST', { lost: AbortSignal.abort(new BlockError('FENCED', 'another one has it')) }],
  ['BASE_FAILING', { cacheSnapshot: () => ({ writeBackFailure: { error: new BlockError('IO', 'broken') } }) }],
] as const)('%s is in the way of a server', (code, device) => {
  const volume = { name: 'one', device: device as never, isLost: false };
  const other = { name: 'other', device: {} as never, isLost: false };
  expect(obstacles('serving', [volume]).map((each) => each.code)).toEqual([code]);
  expect(obstacles('stopping', [volume]).map((each) => each.code)).toEqual(['STOPPING', code]);
  expect(obstacles('serving', [other, volume])).toMatchObject([{ code, export: 'one' }]);
});

test('a volume that is not served is in the way, also beside others', () => {
  const served = { name: 'one', device: {} as never, isLost: false };
  const codes = (isLost: boolean) =>
    obstacles('serving', [served, { name: 'other', device: undefined, isLost }]).map((each) => each.code);
  expect([codes(false), codes(true)]).toEqual([['OPENING'], ['LOST']]);
});
