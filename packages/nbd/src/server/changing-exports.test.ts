import assert from 'node:assert/strict';
import { connectMemory } from '@blockyard/backend-memory';
import { type BlockDevice, BlockError, createDevice, isBlockError } from '@blockyard/block';
import { afterEach, beforeEach, test } from 'vitest';
import { connectNbd } from '../client/connect.js';
import type { NbdServer } from './nbd-server.js';
import { serveNbd } from './server.js';

const SECTOR = new Uint8Array(512).fill(7);
const failsWith = (code: string) => (error: unknown) => isBlockError(error) && error.code === code;

let server: NbdServer;
const clients: BlockDevice[] = [];
let device: BlockDevice;
beforeEach(async () => {
  device = await connectMemory({ sizeSectors: 8 });
  server = await serveNbd({ exports: { first: device }, listen: { port: 0 }, ownsDevices: true });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.disconnect({ force: true });
  await server.stop({ force: true });
});

async function client(name: string, from = server): Promise<BlockDevice> {
  const uri = from.uris[name];
  assert.ok(uri !== undefined, `there is no export ${name}`);
  const connected = await connectNbd(uri, { maxOutageMs: 0 });
  clients.push(connected);
  return connected;
}

test('an export that is added is served beside the others, and ended with them', async () => {
  const second = await connectMemory({ sizeSectors: 16 });
  server.addExport('second', second);
  assert.deepEqual(Object.keys(server.uris), ['first', 'second']);
  assert.equal((await client('second')).info.sizeSectors, 16);
  await server.stop();
  await assert.rejects(second.flush(), failsWith('DISCONNECTED'));
  assert.throws(() => server.addExport('third', device), failsWith('DISCONNECTED'));
});

test('a name that is there is not given to another device', async () => {
  const other = await connectMemory({ sizeSectors: 16 });
  assert.throws(() => server.addExport('first', other), failsWith('ALREADY_EXISTS'));
  assert.throws(() => server.addExport('second', {} as never), failsWith('INVALID_ARGUMENT'));
  assert.equal((await client('first')).info.sizeSectors, 8);
});

test('an export that is removed is made durable and let go of, and clients of others notice nothing', async () => {
  server.addExport('second', await connectMemory({ sizeSectors: 16 }));
  const [one, other] = [await client('first'), await client('second')];
  await one.write(0, [SECTOR]);
  await server.removeExport('first');
  await assert.rejects(device.flush(), failsWith('DISCONNECTED'));
  await assert.rejects(one.read(0, [new Uint8Array(512)]), failsWith('UNAVAILABLE'));
  await other.write(0, [SECTOR]);
  assert.deepEqual(Object.keys(server.uris), ['second']);
  await assert.rejects(server.removeExport('first'), failsWith('NOT_FOUND'));
});

test('a device that has another export goes on when one of them is removed', async () => {
  server.addExport('again', device);
  await server.removeExport('first');
  await (await client('again')).write(0, [SECTOR]);
});

test('an export whose flush fails is there as before, and goes with force', async () => {
  const fail = () => {
    throw new BlockError('IO', 'the medium is broken');
  };
  const driver = { name: 'faulty', sectorSize: 512, sizeSectors: 8, read: () => {}, write: () => {}, resize: () => {} };
  const faulty = createDevice({ ...driver, flush: fail, disconnect: () => {} });
  server.addExport('faulty', faulty);
  await (await client('faulty')).write(0, [SECTOR]);
  await assert.rejects(server.removeExport('faulty'), (error: unknown) => {
    assert.ok(error instanceof BlockError);
    return /export "faulty": .* could not be made durable/.test(error.message);
  });
  assert.equal((await client('faulty')).info.sizeSectors, 8);
  await server.removeExport('faulty', { force: true });
  assert.deepEqual(Object.keys(server.uris), ['first']);
});
