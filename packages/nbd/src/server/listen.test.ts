import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { connectMemory } from '@blockyard/backend-memory';
import { isBlockError } from '@blockyard/block';
import { afterEach, beforeEach, describe, test } from 'vitest';
import * as pem from '../testing/certificates.js';
import type { NbdServer } from './nbd-server.js';
import type { Listen } from './options.js';
import { serveNbd } from './server.js';

let folder = '';
let servers: NbdServer[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nbd-'));
});
afterEach(async () => {
  for (const server of servers) await server.stop({ force: true });
  servers = [];
  await rm(folder, { recursive: true, force: true });
});
const serve = async (listen: Listen) => {
  const server = await serveNbd({ exports: { disk: await connectMemory({ sizeSectors: 8 }) }, listen });
  servers.push(server);
  return server;
};
const rejectsWith = (code: string) => (error: unknown) => isBlockError(error) && error.code === code;

describe('a Unix socket', () => {
  test('is for its owner alone, and no other file is made so', async () => {
    const path = join(folder, 'socket');
    const before = process.umask();
    await serve({ path });
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(process.umask(), before);
  });

  test('is named so that it is found from anywhere, also where it was given from here', async () => {
    const path = join(folder, 'socket');
    const server = await serve({ path: relative('', path) });
    assert.equal(server.uris.disk, `nbd+unix:///disk?socket=${encodeURIComponent(path)}`);
  });

  test('that a dead process left behind is taken over', async () => {
    const path = join(folder, 'socket');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    assert.ok(existsSync(path));
    await serve({ path });
  });

  test('that someone answers on is left alone', async () => {
    const path = join(folder, 'socket');
    const first = await serve({ path });
    await assert.rejects(serve({ path }), rejectsWith('ALREADY_EXISTS'));
    assert.ok(first.connections <= 1, 'no one is there but the one who asked');
    assert.ok(existsSync(path));
  });

  test('never takes the place of a file', async () => {
    const path = join(folder, 'precious');
    await writeFile(path, 'data');
    await assert.rejects(serve({ path }), rejectsWith('ALREADY_EXISTS'));
    assert.equal((await stat(path)).size, 4);
  });

  test.each([
    ['too long a path', 'x'.repeat(108)],
    ['no path', ''],
    ['a NUL in it', '\0abstract'],
  ])('is refused: %s', async (_, path) => {
    await assert.rejects(serve({ path }), rejectsWith('INVALID_ARGUMENT'));
  });
});

describe('TCP', () => {
  test('is loopback unless told otherwise', async () => {
    const server = await serve({ port: 0 });
    assert.ok('host' in server.address);
    assert.equal(server.address.host, '127.0.0.1');
    assert.match(server.uris.disk ?? '', /^nbd:\/\/127\.0\.0\.1:\d+\/disk$/);
  });

  test('a port that is taken is refused', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    await assert.rejects(serve({ port }), rejectsWith('ALREADY_EXISTS'));
    other.close();
  });
});

describe('a socket that was given', () => {
  /** What a server in another process says that was started with the socket of this one. */
  function serveGiven(fd: number, path?: string) {
    const nbd = new URL('../../dist/index.js', import.meta.url).href;
    const memory = import.meta.resolve('@blockyard/backend-memory');
    const program = `
      const { serveNbd } = await import(${JSON.stringify(nbd)});
      const { connectMemory } = await import(${JSON.stringify(memory)});
      const server = await serveNbd({ exports: { disk: await connectMemory({ sizeSectors: 8 }) }, listen: ${JSON.stringify({ fd: 3, path })} });
      console.log(JSON.stringify({ address: server.address, canBeHandedOver: server.fd !== undefined }));
      await server.stop();`;
    const args = ['--input-type=module', '--eval', program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', fd] });
    assert.equal(stderr.toString(), '');
    return JSON.parse(stdout.toString());
  }

  test.each([
    ['port', () => ({ port: 0 })],
    ['path', () => ({ path: join(folder, 'socket') })],
  ] as const)('is listened on, known by its %s, and can be handed over', async (_, listen) => {
    const { fd, address } = await serve(listen());
    assert.ok(fd !== undefined);
    const told = serveGiven(fd, 'path' in address ? address.path : undefined);
    assert.deepEqual(told, { address, canBeHandedOver: true });
  });

  test('keeps its name at the end', async () => {
    const path = join(folder, 'socket');
    const { fd } = await serve({ path });
    assert.ok(fd !== undefined);
    serveGiven(fd, path);
    assert.ok(existsSync(path));
  });

  test('is refused where there is no such socket', async () => {
    await assert.rejects(serve({ fd: 987 }), rejectsWith('IO'));
    await assert.rejects(serve({ fd: -1 }), rejectsWith('INVALID_ARGUMENT'));
  });
});

describe('options', () => {
  const bad = async (options: Record<string, unknown>) => {
    const exports = { disk: await connectMemory({ sizeSectors: 8 }) };
    const whole = { exports, listen: { port: 0 }, ...options };
    await assert.rejects(serveNbd(whole), rejectsWith('INVALID_ARGUMENT'));
  };

  test.each([
    ['no exports', { exports: {} }],
    ['an export without a device', { exports: { a: {} } }],
    ['a name that is too long', { exports: { ['x'.repeat(5000)]: {} } }],
    ['a default that is no export', { default: 'nope' }],
    ['an unknown option', { nonsense: 1 }],
    ['an unknown limit', { limits: { conections: 1 } }],
    ['no connections', { limits: { maxConnections: 0 } }],
    ['a longest request that is no power of two', { limits: { maxRequestBytes: 3_000_000 } }],
    ['a longest request beyond 64 MiB', { limits: { maxRequestBytes: 128 * 1024 * 1024 } }],
    ['less memory for one than its longest request', { limits: { maxConnectionBytes: 1024 * 1024 } }],
    ['less memory for all than twice that of one', { limits: { maxInFlightBytes: 64 * 1024 * 1024 } }],
    ['an authority that is no certificate', { tls: { cert: pem.SERVER_CERT, key: pem.SERVER_KEY, ca: 'nonsense' } }],
    ['a time that no timer takes', { limits: { handshakeTimeoutMs: 2 ** 31 } }],
    ['no number', { limits: { handshakeTimeoutMs: Number.NaN } }],
  ])('that are wrong are refused: %s', async (_, options) => {
    await bad(options);
  });
});
