import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connectNbd } from '@blockyard/nbd';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { askServer } from './serve/http/client.js';
import { blockyard, makeFolder, type Serving, serve, start } from './testing/cli.js';

const SECTOR = new Uint8Array(4096).fill(7);
let folder: Awaited<ReturnType<typeof makeFolder>>;
const pids = new Set<number>();

beforeAll(async () => {
  folder = await makeFolder();
  for (const name of ['a', 'b']) await create(`file:${folder.in(name)}`);
});
afterAll(() => folder.remove());
afterEach(() => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  pids.clear();
});

async function create(uri: string): Promise<string> {
  const made = await blockyard(['create', uri, '--size', '16M']);
  expect(made.code, made.stderr).toBe(0);
  return uri;
}

/** Writes the file, with what is said of each volume. */
async function configure(volumes: Readonly<Record<string, string>>, top = 'cache = "4M"'): Promise<void> {
  const tables = Object.entries(volumes).map(([name, table]) => `[volume.${name}]\n${table}\n`);
  await writeFile(folder.in('c.toml'), `nbd = "unix:${folder.in('c.sock')}"\n${top}\n${tables.join('')}`);
}

async function serveAll(): Promise<Serving & { readonly told: (pattern: RegExp) => Promise<void> }> {
  const serving = await serve(['--config', folder.in('c.toml')]);
  pids.add(serving.child.pid ?? 0);
  const told = (pattern: RegExp) => expect.poll(serving.stderr, { timeout: 60_000 }).toMatch(pattern);
  return { ...serving, told };
}

const file = (name: string) => `uri = "file:${folder.in(name)}"`;
const client = (name: string) => connectNbd(`nbd+unix:///${name}?socket=${folder.in('c.sock')}`, { maxOutageMs: 0 });
const ask = (method: 'GET' | 'POST', path: string, body?: unknown) =>
  askServer<Record<string, unknown>>({ socketPath: folder.in('c.sock.control') }, method, path, body);
const statusOf = async () => {
  const { code, stdout, stderr } = await blockyard(['status', folder.in('c.sock'), '--json']);
  return { code, status: JSON.parse(stdout), stderr };
};

test('each volume has its export, its cache and its part in the status; at the end all are flushed, and each is told of', async () => {
  await configure({ a: file('a'), b: `${file('b')}\ncache = "8M"` });
  const { child, ended, stderr } = await serveAll();
  const devices = [await client('a'), await client('b')];
  for (const device of devices) await device.write(0, [SECTOR]);
  const { code, status } = await statusOf();
  expect(code).toBe(5);
  expect(status).toMatchObject({ safeToStop: false, left: { bytes: 8192 }, clients: { connections: 8 } });
  const caches = status.exports.map((each: { name: string; cache: { maxSizeBytes: number } }) => [
    each.name,
    each.cache.maxSizeBytes,
  ]);
  expect(caches).toEqual([
    ['a', 4 * 2 ** 20],
    ['b', 8 * 2 ** 20],
  ]);
  await expect(ask('POST', '/v1/cache', { maxSizeBytes: 2 ** 20 })).rejects.toThrow('export must say which is meant');
  await expect(ask('POST', '/v1/flush', { export: 'c' })).rejects.toThrow('there is no export "c"');
  await ask('POST', '/v1/flush', { export: 'a' });
  expect(await ask('GET', '/v1/status?export=a')).toMatchObject({ safeToStop: true, exports: [{ name: 'a' }] });
  expect(await ask('GET', '/v1/status?export=b')).toMatchObject({ left: { bytes: 4096 }, exports: [{ name: 'b' }] });
  const one = (name: string) => blockyard(['status', folder.in('c.sock'), '--export', name, '--json']);
  expect((await Promise.all(['a', 'b', 'c'].map(one))).map((each) => each.code)).toEqual([0, 5, 1]);
  for (const device of devices) await device.disconnect({ force: true });
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(stderr()).toMatch(
    /"a": everything of it is flushed\n"b": everything of it is flushed\nstopped, everything is flushed/,
  );
});

test('a volume that another process takes is let go of; the others are served on, and the end has exit code 3', async () => {
  const uri = await create(`dir:${folder.in('store')}/taken`);
  await configure({ a: file('a'), taken: `uri = "${uri}"` });
  const { child, ended, told, stderr } = await serveAll();
  const [other, taken] = [await client('a'), await client('taken')];
  await taken.write(0, [SECTOR]);
  const taking = start(['serve', uri, '--take-over', '--nbd', `unix:${folder.in('taking.sock')}`]);
  pids.add(taking.pid ?? 0);
  await once(taking.stdout, 'data');
  await taken.flush().catch(() => {});
  await told(/"taken": data is lost: export "taken": .* could not be made durable/);
  await other.write(0, [SECTOR]);
  await other.flush();
  const { code, status, stderr: said } = await statusOf();
  expect(code).toBe(3);
  expect(said).toMatch(/export .*taken.* is not served: /);
  expect(status).toMatchObject({ exports: [{ name: 'a' }], unserved: [{ name: 'taken', state: 'lost' }] });
  await expect(client('taken')).rejects.toThrow();
  for (const device of [other, taken]) await device.disconnect({ force: true });
  child.kill('SIGTERM');
  expect(await ended).toBe(3);
  expect(stderr()).toContain('"a": everything of it is flushed');
});

test('a volume that cannot be opened keeps no other from being served, and is served once it can be', async () => {
  await configure({ a: file('a'), late: file('late') });
  const { told, stderr } = await serveAll();
  expect(stderr()).toMatch(/warning: "late": it is not served, and tried again in 1 s: /);
  const { code, status } = await statusOf();
  expect(code).toBe(1);
  expect(status.unserved).toMatchObject([{ name: 'late', message: expect.stringContaining('there is no ') }]);
  await (await client('a')).disconnect();
  await create(`file:${folder.in('late')}`);
  await told(/"late": durability/);
  await (await client('late')).disconnect();
  expect((await statusOf()).code).toBe(0);
});

test('a file none of whose volumes can be opened ends the server as that volume would', async () => {
  await configure({ none: file('none') });
  const { code, stderr } = await blockyard(['serve', '--config', folder.in('c.toml')]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: connect on file:.*there is no /m);
});

test('SIGHUP brings what can change while clients are served, and names the rest', async () => {
  await configure({ a: file('a'), b: file('b') });
  const { child, told, stderr } = await serveAll();
  await configure({ a: file('a') }, 'cache = "a lot"');
  child.kill('SIGHUP');
  await told(/not reloaded, all is as it was: .*c\.toml: cache: .*a lot.* is wrong/);
  const device = await client('a');
  await create(`file:${folder.in('new')}`);
  await configure({ a: `${file('a')}\nread-only = true`, new: file('new') }, 'cache = "2M"\nmetrics = 0');
  child.kill('SIGHUP');
  await told(/^reloaded: .*$/m);
  const [line = ''] = /^reloaded: .*$/m.exec(stderr()) ?? [];
  expect(line).toContain(
    'cache of volume "a"; volume "b" is removed, everything of it is flushed; volume "new" is added',
  );
  expect(line).toContain('needs a restart or an upgrade: metrics, read-only of volume "a"');
  await told(/"new": durability/);
  await device.write(0, [SECTOR]);
  const { status } = await statusOf();
  expect(status.exports).toMatchObject([{ name: 'a', cache: { maxSizeBytes: 2 * 2 ** 20 } }, { name: 'new' }]);
  await configure({ a: `${file('a')}\nread-only = true`, new: file('new') }, 'cache = "2M"\nlog-level = "error"');
  child.kill('SIGHUP');
  await expect
    .poll(async () => (await client('new')).disconnect().then(() => /client \d+ opened "new"/.test(stderr())))
    .toBe(false);
  await device.disconnect();
});

test('SIGUSR2 upgrades to what the file says now: further volumes, but none less; clients keep their connections', async () => {
  await configure({ a: file('a') });
  const { child, told, stderr } = await serveAll();
  const device = await client('a');
  await configure({ b: file('b') });
  child.kill('SIGUSR2');
  await told(/clients have export .*a.*, and this serves .*b/);
  await device.write(0, [SECTOR]);
  await configure({ a: file('a'), b: `${file('b')}\ncache = "8M"` });
  const exited = once(child, 'exit');
  child.kill('SIGUSR2');
  expect(await exited).toEqual([0, null]);
  pids.add(Number(/ended: process (\d+) serves/.exec(stderr())?.[1]));
  await told(/"b": durability/);
  await device.write(1, [SECTOR]);
  await device.flush();
  expect((await statusOf()).status.exports).toMatchObject([{ name: 'a' }, { name: 'b' }]);
  await device.disconnect();
});
