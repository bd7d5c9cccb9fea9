import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { connectMemory } from '@blockyard/backend-memory';
import { withFaults } from '@blockyard/layers';
import { startTestStore } from '@blockyard/local-s3';
import { connectNbd, serveNbd } from '@blockyard/nbd';
import type { ServerStatus } from '@blockyard/page/status';
import { snapshotsOfUri } from '@blockyard/uri';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { askServer } from './serve/http/client.js';
import { blockyard, makeFolder, runHere, type Serving, serve } from './testing/cli.js';

const MIB = 2 ** 20;
const SECRET = 'planted-token-0123456789';
let folder: Awaited<ReturnType<typeof makeFolder>>;
const running: Serving[] = [];

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

const socket = () => folder.in('nbd.sock');
const get = () => askServer<ServerStatus>({ socketPath: `${socket()}.control` }, 'GET', '/v1/status');
const post = <T>(path: string, body?: unknown) =>
  askServer<T>({ socketPath: `${socket()}.control` }, 'POST', path, body);

async function served(...args: string[]): Promise<Serving> {
  const serving = await serve([...args, '--nbd', `unix:${socket()}`]);
  running.push(serving);
  return serving;
}

/** Asks until it is so. The test's own deadline is the limit. */
async function until(isSo: (status: ServerStatus) => boolean): Promise<ServerStatus> {
  for (;;) {
    const status = await get();
    if (isSo(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a server tells whether it is safe to stop, and does what it is asked to; scripts have exit codes', async () => {
  const uri = `dir:${folder.in('store/volume')}`;
  expect((await runHere(['create', uri, '--size', '8M'])).code).toBe(0);
  const { line, child, ended } = await served(uri, '--cache', '4M', '--name', 'disk');
  const client = await connectNbd(line, { maxOutageMs: 0, connections: 1 });
  expect(await get()).toMatchObject({
    state: 'serving',
    safeToStop: true,
    left: { bytes: 0, requests: 0, seconds: 0 },
    clients: { connections: 1 },
    exports: [{ name: 'disk', sizeBytes: 8 * MIB, store: { state: 'up' }, fencing: { isFenced: false }, tier: null }],
  });
  await client.write(0, [new Uint8Array(8192).fill(7)]);
  const dirty = await get();
  expect(dirty).toMatchObject({ safeToStop: false, left: { bytes: 8192, requests: 1 } });
  expect(dirty.exports[0]).toMatchObject({ oldestUnflushedMs: expect.any(Number), cache: { dirtyBytes: 8192 } });
  const asked = await runHere(['status', socket(), '--json']);
  expect([asked.code, JSON.parse(asked.stdout).left.bytes]).toEqual([5, 8192]);
  expect(JSON.parse(asked.stderr).error).toMatchObject({
    message: expect.stringMatching(/not safe to stop: 8 KiB in 1/),
  });
  await post('/v1/flush');
  expect((await get()).safeToStop).toBe(true);
  expect(await runHere(['status', `unix:${socket()}`])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^safe to stop +yes$/m),
  });

  await client.write(8, [new Uint8Array(4096).fill(8)]);
  expect(await post('/v1/snapshot', { name: 'one' })).toMatchObject({ name: 'one' });
  expect((await get()).safeToStop).toBe(true);
  expect((await snapshotsOfUri(uri)).map(({ name }) => name)).toEqual(['one']);
  await expect(post('/v1/snapshot', { name: 'one' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });

  expect(await post('/v1/resize', { sizeBytes: 16 * MIB })).toEqual({ oldSizeBytes: 8 * MIB, sizeBytes: 16 * MIB });
  expect((await get()).exports[0]?.sizeBytes).toBe(16 * MIB);
  const later = await connectNbd(line, { maxOutageMs: 0 });
  expect(later.info.sizeSectors * later.info.sectorSize).toBe(16 * MIB);
  await later.disconnect();
  await expect(post('/v1/resize', { sizeBytes: MIB })).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(post('/v1/resize', { sizeBytes: 17 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });

  expect(dirty.exports[0]?.holder).toEqual({
    host: hostname(),
    process: child.pid,
    since: expect.stringMatching(/^\d{4}-.*Z$/),
    state: 'self',
  });
  expect(await post('/v1/cache', { maxSizeBytes: 8 * MIB })).toEqual({ maxSizeBytes: 8 * MIB });
  expect((await get()).exports[0]?.cache?.maxSizeBytes).toBe(8 * MIB);
  await expect(post('/v1/cache', { maxSizeBytes: 10 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });

  const top = await runHere(['top', line, '--count', '2', '--interval', '0.1']);
  expect(top.stdout).toMatch(/Z serving; safe to stop; 1 clients\n.* 1 clients; \d+ requests\/s/);
  await client.write(0, [new Uint8Array(4096).fill(9)]);
  expect(await post('/v1/stop')).toEqual({ state: 'stopping' });
  expect(await ended).toBe(0);
  await client.disconnect({ force: true });
  expect((await runHere(['status', socket()])).code).toBe(7);
});

test('resize, snapshot and drain have a running server act; one that is held by another is told of by a reader', async () => {
  const uri = `dir:${folder.in('store/acting')}`;
  expect((await runHere(['create', uri, '--size', '8M'])).code).toBe(0);
  const { line, child } = await served(uri, '--cache', '4M');
  const client = await connectNbd(line, { maxOutageMs: 0 });
  await client.write(0, [new Uint8Array(4096).fill(7)]);
  const here = ['--server', socket(), '--json'];
  const resized = await runHere(['resize', '--size', '16M', ...here]);
  expect([resized.code, JSON.parse(resized.stdout)]).toEqual([0, { oldSizeBytes: 8 * MIB, sizeBytes: 16 * MIB }]);
  expect(await runHere(['resize', '--size', '1M', ...here])).toMatchObject({ code: 1, stdout: '' });
  await client.write(8, [new Uint8Array(4096).fill(8)]);
  expect((await get()).safeToStop).toBe(false);
  expect(JSON.parse((await runHere(['snapshot', 'two', ...here])).stdout)).toMatchObject({ name: 'two' });
  expect((await snapshotsOfUri(uri)).map(({ name }) => name)).toEqual(['two']);
  await client.write(8, [new Uint8Array(4096).fill(9)]);
  expect(await runHere(['drain', ...here])).toMatchObject({ code: 0 });
  expect((await get()).safeToStop).toBe(true);
  const locked = await runHere(['resize', uri, '--size', '32M']);
  expect([locked.code, locked.stderr]).toEqual([1, expect.stringMatching(/--server/)]);
  for (const wrong of [
    ['resize', uri, '--size', '1M', ...here],
    ['resize', '--size', '1M'],
    ['drain', '--take-over', ...here],
    ['snapshot', uri],
    ['snapshot', uri, 'three', ...here],
    ['drain', '--http-token-file', 'x', uri],
    ['drain', '--http-token-file', 'x', ...here],
  ])
    expect(await runHere(wrong), wrong.join(' ')).toMatchObject({ code: 2 });
  const reader = await serve([uri, '--read-only', '--nbd', `unix:${folder.in('reader.sock')}`]);
  running.push(reader);
  const seen = await askServer<ServerStatus>(
    { socketPath: `${folder.in('reader.sock')}.control` },
    'GET',
    '/v1/status',
  );
  expect(seen.exports[0]?.holder).toMatchObject({ process: child.pid, state: 'alive' });
  await client.disconnect({ force: true });
});

test('while it ends, and while its store is away, it tells that, until all is safe', async () => {
  const base = withFaults(await connectMemory({ sizeSectors: 8192 }), {
    rules: [{ action: 'hang', operation: 'write' }],
  });
  const below = await serveNbd({ exports: { '': base }, listen: { path: folder.in('base.sock') }, ownsDevices: true });
  const { line, child, ended } = await served(below.uris[''] ?? '', '--cache', '4M');
  const client = await connectNbd(line, { maxOutageMs: 0 });
  await client.write(0, [new Uint8Array(4096).fill(1)]);
  child.kill('SIGTERM');
  const stopping = await until(({ state }) => state === 'stopping');
  expect(stopping).toMatchObject({ safeToStop: false, left: { bytes: 4096, seconds: null, basis: null } });
  await client.disconnect({ force: true });
  child.kill('SIGTERM');
  expect(await ended).toBe(1);
  await below.stop({ force: true });
});

test('a server answers over HTTP, too, and prints its status at SIGUSR1; no output has a secret', async () => {
  await writeFile(folder.in('disk.img'), new Uint8Array(MIB));
  await writeFile(folder.in('token'), SECRET);
  const web = ['--http', '127.0.0.1:0', '--http-token-file', folder.in('token'), '--json'];
  const { child, stderr, line, ended } = await served(`file:${folder.in('disk.img')}`, '--cache', '1M', ...web);
  const { http } = JSON.parse(line);
  const asked = await runHere(['status', http, '--json']);
  expect([asked.code, JSON.parse(asked.stdout)]).toEqual([0, expect.objectContaining({ safeToStop: true })]);
  const { hostname: host, port } = new URL(http);
  const address = { host, port: Number(port) };
  const metrics = await fetch(`${http}/metrics`);
  expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
  expect(await metrics.text()).toMatch(/^blockyard_cache_dirty_bytes\{export=""\} 0$/m);
  await expect(askServer(address, 'POST', '/v1/flush')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  expect(await askServer({ ...address, token: SECRET }, 'POST', '/v1/flush')).toEqual({});
  child.kill('SIGUSR1');
  while (!stderr().includes('safe to stop')) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(stderr()).toMatch(/^safe to stop +yes$/m);
  await askServer({ ...address, token: SECRET }, 'POST', '/v1/stop');
  expect(await ended).toBe(0);
  expect(asked.stdout + stderr() + line).not.toContain(SECRET);
  expect((await readFile(folder.in('disk.img'))).byteLength).toBe(MIB);
});

test('HTTP beyond this machine wants a token; under --json an error is JSON', async () => {
  const beyond = await runHere(['serve', 'memory:?size=1M', '--http', '0.0.0.0:0', '--json']);
  expect([beyond.code, JSON.parse(beyond.stderr)]).toEqual([
    2,
    {
      error: {
        code: 'USAGE',
        message: expect.stringContaining('--http-token-file'),
        hint: expect.any(String),
        exitCode: 2,
      },
    },
  ]);
  const missing = await runHere(['info', `file:${folder.in('none')}`, '--json']);
  expect(JSON.parse(missing.stderr)).toMatchObject({ error: { code: 'NOT_FOUND', exitCode: 1 } });
  const unknown = await runHere(['info', '--jsom', '--json']);
  expect([unknown.code, JSON.parse(unknown.stderr).error]).toEqual([
    2,
    {
      code: 'USAGE',
      message: expect.stringMatching(/^unknown option '--jsom'/),
      hint: expect.any(String),
      exitCode: 2,
    },
  ]);
  expect(JSON.parse((await runHere(['status', folder.in('no.sock'), '--json'])).stderr).error.exitCode).toBe(7);
});

test('the log of a server is JSON where no one reads it on a terminal: time, level, event; and no secret of any kind', async () => {
  const store = await startTestStore();
  const secrets = { AWS_ACCESS_KEY_ID: 'planted-id-1234', AWS_SECRET_ACCESS_KEY: 'planted-key-123456' };
  const uri = `s3://${store.bucket}/logged?endpoint=${store.endpoint}&region=auto&outage=0s&attempts=1`;
  expect((await blockyard(['create', uri, '--size', '1M'], { env: secrets })).code).toBe(0);
  await writeFile(folder.in('psk'), `alice:${'5e'.repeat(16)}\n`);
  await writeFile(folder.in('token'), SECRET);
  const options = ['--cache', '1M', '--log-format', 'auto', '--name', 'disk', '--nbd', '127.0.0.1:0'];
  const files = ['--tls-psk-file', folder.in('psk'), '--http', '127.0.0.1:0', '--http-token-file', folder.in('token')];
  const serving = await serve([uri, ...options, ...files], { env: secrets });
  running.push(serving);
  const client = await connectNbd(`${serving.line.replace('//', '//alice@')}?tls-psk-file=${folder.in('psk')}`);
  await store.stop();
  await client.write(0, [new Uint8Array(4096).fill(1)]);
  await expect(client.flush()).rejects.toMatchObject({ name: 'BlockError' });
  await client.disconnect({ force: true });
  serving.child.kill('SIGUSR1');
  serving.child.kill('SIGHUP');
  while (!serving.stderr().includes('"msg":"reloaded"')) await new Promise((resolve) => setTimeout(resolve, 20));
  serving.child.kill('SIGTERM');
  expect(await serving.ended).toBe(1);
  const records = serving
    .stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const record of records) {
    expect(record).toMatchObject({
      level: expect.any(String),
      time: expect.any(String),
      pid: serving.child.pid,
      msg: expect.any(String),
    });
  }
  const of = (event: string) => records.find((record) => record.event === event);
  expect(of('opened')).toMatchObject({ level: 'info', client: 1, export: 'disk' });
  expect(of('failed')).toMatchObject({ client: expect.any(Number), export: 'disk', code: 'UNAVAILABLE' });
  expect(of('status')?.status).toMatchObject({ safeToStop: false });
  expect(records.at(-1)).toMatchObject({ level: 'error', exitCode: 1, hint: expect.any(String) });
  for (const secret of [...Object.values(secrets), '5e5e', SECRET])
    expect(serving.stderr() + serving.line).not.toContain(secret);
});
