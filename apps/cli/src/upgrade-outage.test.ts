import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { BlockDevice } from '@blockyard/block';
import { type FaultProxy, startFaults, startTestStore, type TestStore } from '@blockyard/local-s3';
import { connectNbd } from '@blockyard/nbd';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { blockyard, makeFolder, type Serving, type StartOptions, serve } from './testing/cli.js';
import { hangingAt, killingAndHangingAt } from './testing/successors.js';

const SECTOR_BYTES = 4096;
const SECTORS = 200;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let store: TestStore;
let proxy: FaultProxy & Pick<TestStore, 'volume'>;
let env: Record<string, string>;
let made = 0;
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  [folder, store] = await Promise.all([makeFolder(), startTestStore()]);
  proxy = await startFaults(store);
  const { accessKeyId, secretAccessKey } = store.volume().credentials;
  env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
});
afterAll(async () => {
  await proxy.stop();
  await Promise.all([folder.remove(), store.stop()]);
});
afterEach(async () => {
  comeBack();
  for (const end of endings.splice(0).reverse()) await end();
});

function goAway(): void {
  proxy.onRequest = () => ({ kind: 'reset-before' });
}

function comeBack(): void {
  proxy.onRequest = () => undefined;
}

function kill(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

interface Scene {
  readonly args: readonly string[];
  readonly first: Serving;
  readonly device: BlockDevice;
}

/** A server of a volume in S3 with a tier, and a client that has flushed to that. */
async function scene(outage: string): Promise<Scene> {
  const { bucket, endpoint, region, prefix } = proxy.volume();
  const name = String(made++);
  const uri = `s3://${bucket}/${prefix}?endpoint=${endpoint}&region=${region}`;
  expect(await blockyard(['create', uri, '--size', '16M', '--layout', 'log'], { env })).toMatchObject({ code: 0 });
  const tier = ['--tier', folder.in(`tier-${name}`), '--tier-size', '64M', '--durability', 'local'];
  const args = [uri, '--nbd', `unix:${folder.in(`${name}.sock`)}`, ...tier, '--cache', '4M', '--outage', outage];
  const first = await serving(args);
  const device = await connectNbd(first.line, { maxOutageMs: 0, connections: 1 });
  endings.push(() => device.disconnect({ force: true }));
  for (let sector = 0; sector < SECTORS; sector++) await device.write(sector, [stamped(sector)]);
  await device.flush();
  return { args, first, device };
}

async function serving(args: readonly string[]): Promise<Serving> {
  const server = await serve(args, { env });
  endings.push(() => kill(server.child.pid));
  return server;
}

function stamped(sector: number): Buffer {
  return Buffer.alloc(SECTOR_BYTES, `sector ${sector} `);
}

async function checkFlushed(device: BlockDevice): Promise<void> {
  const bytes = new Uint8Array(SECTORS * SECTOR_BYTES);
  await device.read(0, [bytes]);
  const expected = Buffer.concat(Array.from({ length: SECTORS }, (_, sector) => stamped(sector)));
  expect(Buffer.compare(bytes, expected)).toBe(0);
}

/** Asks for an upgrade to a process with these options of Node. Gives that one's number, and the outcome. */
async function upgrade({ args, first }: Scene, node: StartOptions['node'] = []) {
  const asked = blockyard(['serve', ...args, '--upgrade'], { env, node });
  let found: RegExpExecArray | null = null;
  await until(() => {
    found = /upgrade: process (\d+) is started/.exec(first.stderr());
    return found !== null;
  });
  const pid = Number(found?.[1]);
  endings.push(() => kill(pid));
  return { pid, asked };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('a new server whose old one dies while the store is away serves once it is back, all that was flushed', async () => {
  const { args, first, device } = await scene('60s');
  const exited = once(first.child, 'exit');
  const { pid } = await upgrade({ args, first, device }, killingAndHangingAt('open', first.child.pid));
  await exited;
  goAway();
  proxy.requests.splice(0);
  process.kill(pid, 'SIGCONT');
  await until(() => proxy.requests.length > 2);
  expect(first.stderr()).not.toContain(`process ${pid} serves`);
  comeBack();
  await until(() => first.stderr().includes(`process ${pid} serves`));
  await checkFlushed(device);
  await device.disconnect();
  process.kill(pid, 'SIGTERM');
  await first.ended;
  expect(first.stderr()).toContain('stopped, everything is flushed');
});

test('one that waits for the store in vain ends with that as the reason, and the next one has all that was flushed', async () => {
  const { args, first, device } = await scene('1s');
  const exited = once(first.child, 'exit');
  const { pid } = await upgrade({ args, first, device }, killingAndHangingAt('open', first.child.pid));
  await exited;
  goAway();
  process.kill(pid, 'SIGCONT');
  await first.ended;
  expect(first.stderr()).toMatch(/error: connect on s3:.*volume\.json: ECONNRESET, \d+ attempts: .*hint:/);
  expect(first.stderr()).not.toContain('data is lost');
  comeBack();
  const again = await serving(args);
  const back = await connectNbd(again.line, { maxOutageMs: 0 });
  await checkFlushed(back);
  await back.disconnect();
  again.child.kill('SIGTERM');
  expect(await again.ended).toBe(0);
});

test('a store that goes away while clients wait leaves the old server, which serves again once it is back', async () => {
  const { args, first, device } = await scene('60s');
  const { pid, asked } = await upgrade({ args, first, device }, hangingAt('open'));
  await until(() => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') T '));
  goAway();
  process.kill(pid, 'SIGCONT');
  // The new one, and then the old one, which opens the device again.
  await until(() => first.stderr().split('store away since').length === 3);
  comeBack();
  const { code, stderr } = await asked;
  expect([code, stderr]).toEqual([1, expect.stringMatching(/took more than 10000 ms.*the old server goes on/)]);
  await checkFlushed(device);
  await device.disconnect();
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
});
