import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connectMemory } from '@blockyard/backend-memory';
import { serveNbd } from '@blockyard/nbd';
import { expect, test } from 'vitest';
import { makeFolder, start } from '../testing/cli.js';

const MIB = 2 ** 20;

const NBD = (port: number) => `nbd://127.0.0.1:${port}/`;
const S3 = (port: number) => `s3://bucket/volume?endpoint=http://127.0.0.1:${port}&region=x`;

test.each([
  ['info', (port: number) => ['info', NBD(port)], 'SIGINT', 130],
  ['bench', (port: number) => ['bench', NBD(port)], 'SIGTERM', 143],
  ['serve', (port: number) => ['serve', NBD(port)], 'SIGTERM', 0],
  ['create', (port: number) => ['create', S3(port), '--size', '1M'], 'SIGINT', 130],
  ['copy', (port: number) => ['copy', 'memory:?size=1M', S3(port), '--create'], 'SIGINT', 130],
] as const)(
  '%s that waits for a server which never answers ends at once on a signal',
  async (command, args, signal, code) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const child = start(args(port));
    const ended = once(child, 'close');
    const endedEarly = ended.then(([early]) => {
      throw new Error(`${command} ended with ${early} before it connected`);
    });
    const [socket] = await Promise.race([once(server, 'connection'), endedEarly]);
    endedEarly.catch(() => {});
    child.kill(signal);
    expect((await ended)[0]).toBe(code);
    socket.destroy();
    server.close();
  },
);

test('write that waits for a pipe which says nothing more ends on SIGINT, with what it was given written', async () => {
  const folder = await makeFolder();
  const device = await connectMemory({ sizeSectors: (4 * MIB) / 512 });
  const server = await serveNbd({
    exports: { '': device },
    listen: { path: folder.in('nbd.sock') },
    ownsDevices: true,
  });
  const child = start(['write', server.uris[''] ?? '']);
  child.stdin.write(new Uint8Array(MIB).fill(7));
  while (server.stats().requests.write === 0) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGINT');
  expect((await once(child, 'close'))[0]).toBe(130);
  const last = new Uint8Array(512);
  await device.read(MIB / 512 - 1, [last]);
  expect(last[511]).toBe(7);
  await server.stop();
  await folder.remove();
});

test('read into a pipe that no one empties ends on SIGINT', async () => {
  const child = start(['read', 'memory:?size=64M']);
  const ended = once(child, 'exit');
  // Some of it is there, and is left where it is.
  await once(child.stdout, 'readable');
  child.kill('SIGINT');
  expect((await ended)[0]).toBe(130);
  child.stdout.destroy();
});

test('a reader whose server is gone ends at once on a signal; a writer says what it waits for, and a second signal ends it', async () => {
  const folder = await makeFolder();
  const server = await serveNbd({
    exports: { '': await connectMemory({ sizeSectors: (64 * MIB) / 512 }) },
    listen: { path: folder.in('nbd.sock') },
    ownsDevices: true,
  });
  const uri = server.uris[''] ?? '';
  const reader = start(['bench', uri, '--seconds', '600']);
  const writer = start(['bench', uri, '--seconds', '600', '--read-share', '0', '--overwrite']);
  let told = '';
  writer.stderr.setEncoding('utf8').on('data', (part: string) => {
    told += part;
  });
  const ends = [once(reader, 'close'), once(writer, 'close')];
  while (server.stats().requests.read === 0 || server.stats().requests.write === 0) await delay(5);
  await server.stop({ force: true });
  reader.kill('SIGINT');
  writer.kill('SIGINT');
  expect((await ends[0])?.[0]).toBe(130);
  while (!told.includes('a second signal gives that up')) await delay(20);
  writer.kill('SIGINT');
  expect((await ends[1])?.[0]).toBe(130);
  await folder.remove();
});
