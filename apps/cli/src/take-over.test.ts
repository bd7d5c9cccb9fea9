import { once } from 'node:events';
import { hostname } from 'node:os';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { connectNbd } from '@blockyard/nbd';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blockyard, makeFolder, start } from './testing/cli.js';

const SECTOR = 4096;
let folder: Awaited<ReturnType<typeof makeFolder>>;
let store: LocalS3;
let env: Record<string, string>;

beforeAll(async () => {
  [folder, store] = await Promise.all([makeFolder(), startLocalS3()]);
  const { accessKeyId, secretAccessKey } = store.credentials;
  env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
});
afterAll(() => Promise.all([folder.remove(), store.stop()]));

async function create(name: string): Promise<string> {
  const uri = `s3://${store.bucket}/${name}?endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;
  expect(await blockyard(['create', uri, '--size', '16M'], { env })).toMatchObject({ code: 0 });
  return uri;
}

/** A server of a volume, when it listens. */
async function serve(uri: string, socket: string) {
  const server = start(['serve', uri, '--cache', '8M', '--nbd', `unix:${folder.in(socket)}`], { env });
  let stderr = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(server, 'close') as Promise<[number | null]>;
  await once(server.stdout, 'data');
  const device = await connectNbd(`nbd+unix:///?socket=${folder.in(socket)}`);
  return { server, device, closed, stderr: () => stderr };
}

test('no command changes a volume that a server has open, and the server goes on', async () => {
  const uri = await create('held');
  const { server, device, closed } = await serve(uri, 'held.sock');
  await device.write(0, [new Uint8Array(SECTOR).fill(1)]);
  for (const command of [
    ['resize', uri, '--size', '32M'],
    ['discard', uri, '--all'],
    ['serve', uri, '--nbd', `unix:${folder.in('other.sock')}`],
  ]) {
    const refused = await blockyard(command, { env });
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain(`open for writing by process ${server.pid} on `);
    expect(refused.stderr).toContain('--take-over');
  }
  await device.write(1, [new Uint8Array(SECTOR).fill(2)]);
  await device.flush();
  await device.disconnect();
  server.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
  expect(await blockyard(['resize', uri, '--size', '32M'], { env })).toMatchObject({ code: 0 });
});

test('info tells who has a volume open for writing, alive or not, and disturbs no one', async () => {
  const uri = await create('told');
  const infoOf = async () => {
    const [text, json] = await Promise.all([
      blockyard(['info', uri], { env }),
      blockyard(['info', uri, '--json'], { env }),
    ]);
    return { text: text.stdout, heldBy: JSON.parse(json.stdout).heldBy };
  };
  const free = await infoOf();
  expect(free.heldBy).toBeNull();
  expect(free.text).toMatch(/^open for writing +no$/m);

  const { server, device, closed } = await serve(uri, 'told.sock');
  const held = await infoOf();
  const host = hostname();
  expect(held.heldBy).toEqual({
    host,
    process: server.pid,
    since: expect.stringMatching(/^\d{4}-.*Z$/),
    renewed: expect.stringMatching(/^\d{4}-.*Z$/),
    state: 'alive',
    silentMs: expect.any(Number),
  });
  expect(held.text).toContain(`by process ${server.pid} on ${host}, since ${held.heldBy.since}\n`);
  expect(held.text).toMatch(/^last renewed +\S+Z, \d+ s ago$/m);
  expect(held.text).toMatch(/^that process +is alive$/m);
  await device.write(0, [new Uint8Array(SECTOR).fill(1)]);
  await device.flush();

  server.kill('SIGKILL');
  await closed;
  await device.disconnect({ force: true });
  const dead = await infoOf();
  expect(dead.heldBy).toMatchObject({ process: server.pid, state: 'dead' });
  expect(dead.text).toMatch(/^that process +is dead: /m);
});

test('after a server was killed, the next command has the volume at once', async () => {
  const uri = await create('killed');
  const { server, device, closed } = await serve(uri, 'killed.sock');
  server.kill('SIGKILL');
  await closed;
  await device.disconnect({ force: true });
  expect(await blockyard(['resize', uri, '--size', '32M'], { env })).toMatchObject({ code: 0 });
});

test('a server whose volume is taken over says by whom and what is lost, and ends', async () => {
  const uri = await create('taken');
  const { device, closed, stderr } = await serve(uri, 'taken.sock');
  await device.write(0, [new Uint8Array(SECTOR).fill(1)]);
  await device.flush();
  await device.write(1, [new Uint8Array(SECTOR).fill(2)]);
  const taking = start(['serve', uri, '--take-over', '--nbd', `unix:${folder.in('taking.sock')}`], { env });
  expect(await closed).toEqual([3, null]);
  expect(stderr()).toContain(`another writer has taken the volume over: process ${taking.pid} on `);
  expect(stderr()).toMatch(/error: data is lost: .*4096 bytes written/);
  await device.disconnect({ force: true });
  taking.kill('SIGTERM');
  await once(taking, 'close');
});
