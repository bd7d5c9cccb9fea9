import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { connectNbd } from '@blockyard/nbd';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { blockyard, makeFolder, runHere, type Serving, serve } from './testing/cli.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
let uri: string;
const running: Serving[] = [];

beforeAll(async () => {
  folder = await makeFolder();
  await writeFile(folder.in('disk.img'), new Uint8Array(2 ** 20));
  uri = `file:${folder.in('disk.img')}`;
});
afterAll(() => folder.remove());
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

async function served(...args: string[]): Promise<{ readonly serving: Serving; readonly url: string }> {
  const serving = await serve([uri, '--nbd', `unix:${folder.in('nbd.sock')}`, '--cache', '2M', ...args]);
  running.push(serving);
  const [, url = ''] = /^metrics at (http:\S+)\/metrics$/m.exec(serving.stderr()) ?? [];
  return { serving, url };
}

test('a server tells its metrics to clients of this machine, and ends although they are still connected', async () => {
  const { serving, url } = await served('--name', 'disk', '--metrics', '127.0.0.1:0');
  const client = await connectNbd(serving.line, { maxOutageMs: 0 });
  await client.write(0, [new Uint8Array(4096).fill(7)]);
  const response = await fetch(`${url}/metrics`);
  const text = await response.text();
  expect(text).toContain('\nblockyard_cache_dirty_bytes{export="disk"} 4096\n');
  expect(text).toContain('\nblockyard_nbd_request_bytes_total{export="disk",operation="write"} 4096\n');
  expect(text).toContain('\nblockyard_nbd_export_connections{export="disk"} ');
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(serving.stderr()).not.toContain('warning');
  await client.disconnect();
  serving.child.kill('SIGTERM');
  expect(await serving.ended).toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

test('an address that is taken ends it before anything is opened', async () => {
  const { url } = await served('--metrics', '0');
  const { host } = new URL(url);
  const { code, stderr, stdout } = await blockyard(['serve', 'file:/nowhere/disk.img', '--metrics', host]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /^error: --metrics: .*EADDRINUSE.* \(hint: choose another address, or end or remove what is there\)$/m,
  );
});

test('an address that others reach is warned of, and a wrong one refused', async () => {
  const { serving } = await served('--metrics', '0.0.0.0:0');
  expect(serving.stderr()).toContain('warning: anyone who reaches the address of --metrics can read');
  for (const address of ['unix:/x', '1.2.3.4', '99999', 'host:http']) {
    expect(await runHere(['serve', uri, '--metrics', address])).toMatchObject({ code: 2 });
  }
});

test('after an upgrade the address is that of the new process', async () => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const { serving, url } = await served('--metrics', String(port));
  const alive = async () => (await (await fetch(`${url}/healthz`)).json()) as { readonly pid: number };
  expect((await alive()).pid).toBe(serving.child.pid);
  const upgrade = await blockyard(['upgrade', '--nbd', `unix:${folder.in('nbd.sock')}`]);
  expect(upgrade.code).toBe(0);
  const [, pid] = /process (\d+) serves/.exec(upgrade.stdout) ?? [];
  try {
    await expect.poll(() => alive().catch(() => undefined), { timeout: 60_000 }).toMatchObject({ pid: Number(pid) });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('blockyard_nbd_connections 0');
  } finally {
    process.kill(Number(pid), 'SIGKILL');
  }
});
