import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import type { BlockDevice } from '@blockyard/block';
import { connectNbd } from '@blockyard/nbd';
import { connectUri } from '@blockyard/uri';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { askServer } from './serve/http/client.js';
import { blockyard, makeFolder, type Serving, type StartOptions, serve } from './testing/cli.js';
import { dyingAt, runningAt } from './testing/successors.js';

const MIB = 2 ** 20;
const SIZE_BYTES = 16 * MIB;
const SECTOR_BYTES = 4096;
const WORKERS = 32;

let folder: Awaited<ReturnType<typeof makeFolder>>;
let uri: string;
/** Servers that go on when the test is over. */
const processes = new Set<number>();
const devices: BlockDevice[] = [];

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  await writeFile(folder.in('disk.img'), new Uint8Array(SIZE_BYTES));
  uri = `file:${folder.in('disk.img')}?sector=${SECTOR_BYTES}`;
});
afterEach(async () => {
  for (const device of devices.splice(0)) await device.disconnect({ force: true });
  for (const pid of processes) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  processes.clear();
});

const socket = () => ['--nbd', `unix:${folder.in('nbd.sock')}`];

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function served(
  ...args: string[]
): Promise<Serving & { readonly pid: number; readonly exited: Promise<unknown[]> }> {
  const serving = await serve([uri, ...socket(), ...args]);
  const { pid = 0 } = serving.child;
  processes.add(pid);
  return { ...serving, pid, exited: once(serving.child, 'exit') };
}

/** A client that does not try again. */
async function client(line: string): Promise<BlockDevice> {
  const device = await connectNbd(line, { maxOutageMs: 0 });
  devices.push(device);
  return device;
}

/** Asks for an upgrade to another command line. */
async function upgradeTo(args: readonly string[], options: StartOptions = {}) {
  const { code, stdout, stderr } = await blockyard(['serve', ...args, ...socket(), '--upgrade', '--json'], options);
  if (code !== 0) return { code, stderr };
  const { process: pid, pausedMs } = JSON.parse(stdout);
  processes.add(pid);
  return { code, stderr, pid: pid as number, pausedMs: pausedMs as number };
}

/** Writes and reads sectors of its own until it is told to stop. Gives how many it did. */
async function work(device: BlockDevice, worker: number, isOver: () => boolean): Promise<number> {
  const own = device.info.sizeSectors / WORKERS;
  const stamps = new Map<number, number>();
  let done = 0;
  for (; !isOver(); done++) {
    const sector = worker * own + ((done * 7) % own);
    const read = new Uint8Array(SECTOR_BYTES);
    await device.read(sector, [read]);
    expect(Buffer.from(read).equals(stamped(sector, stamps.get(sector)))).toBe(true);
    stamps.set(sector, done + 1);
    await device.write(sector, [stamped(sector, done + 1)]);
    if (done % 64 === 0) await device.flush();
  }
  return done;
}

function stamped(sector: number, stamp: number | undefined): Buffer {
  const words = new Float64Array(SECTOR_BYTES / 8);
  if (stamp !== undefined) for (let i = 0; i < words.length; i += 2) words.set([sector, stamp], i);
  return Buffer.from(words.buffer);
}

test('three upgrades under load, one of which dies half way: no client sees an error, or anything but what it wrote', async () => {
  const first = await served('--cache', '4M');
  const device = await client(first.line);
  let isOver = false;
  const workers = Array.from({ length: WORKERS }, (_, worker) => work(device, worker, () => isOver));
  const working = Promise.all(workers);
  const second = await upgradeTo([uri, '--cache', '8M']);
  const dead = await upgradeTo([uri, '--cache', '8M'], { node: dyingAt('opened') });
  const third = await upgradeTo([uri, '--cache', '4M']);
  isOver = true;
  const counts = await working;
  expect(Math.min(...counts)).toBeGreaterThan(1);
  expect([second.code, dead.code, third.code]).toEqual([0, 1, 0]);
  expect(dead.stderr).toMatch(
    /^\{"error":\{"code":"UPGRADE_FAILED","message":"not upgraded: the successor is gone","hint":"the old server goes on/,
  );
  expect(await first.exited).toEqual([0, null]);
  expect(new Set([first.pid, second.pid, third.pid]).size).toBe(3);
  expect(first.stderr()).toContain(`ended: process ${second.pid} serves`);
  process.kill(third.pid ?? 0, 'SIGTERM');
  await first.ended;
  expect(first.stderr()).toContain(`ended: process ${third.pid} serves`);
  expect(first.stderr()).toContain('stopped, everything is flushed');
  expect(existsSync(folder.in('nbd.sock'))).toBe(false);
  expect(existsSync(folder.in('nbd.sock.control'))).toBe(false);
});

test('every caller is answered while a server is upgraded', async () => {
  const first = await served();
  const socketPath = `${folder.in('nbd.sock')}.control`;
  let isOver = false;
  const asking = (async () => {
    const answered = new Set<number>();
    while (!isOver) answered.add((await askServer<{ process: number }>({ socketPath }, 'GET', '/v1/status')).process);
    return [...answered];
  })();
  const { stdout } = await blockyard(['upgrade', ...socket(), '--json']);
  const second = JSON.parse(stdout).process as number;
  processes.add(second);
  expect(await first.exited).toEqual([0, null]);
  expect((await upgradeTo([uri], { node: dyingAt('opened') })).code).toBe(1);
  const { pid: third } = await upgradeTo([uri]);
  // It answers once it has begun to; until then who asks waits.
  const last = await askServer<{ process: number }>({ socketPath }, 'GET', '/v1/status');
  isOver = true;
  expect(await asking).toEqual([first.pid, second, third]);
  expect(last.process).toBe(third);
  process.kill(third ?? 0, 'SIGTERM');
  await first.ended;
  expect(existsSync(socketPath)).toBe(false);
});

test('upgrade starts the same command line again, and --dry-run only sees whether that works', async () => {
  const { line, child, exited, ended, stderr } = await served('--name', 'disk');
  const device = await client(line);
  const tried = await blockyard(['upgrade', ...socket(), '--dry-run']);
  expect(tried).toEqual({ code: 0, stdout: 'it can be upgraded\n', stderr: '' });
  await device.write(0, [stamped(0, 1)]);
  expect(child.exitCode).toBe(null);
  const { code, stdout } = await blockyard(['upgrade', ...socket()]);
  expect(code).toBe(0);
  const [, pid] = /^process (\d+) serves; clients waited for \d+ ms\n$/.exec(stdout) ?? [];
  processes.add(Number(pid));
  expect(await exited).toEqual([0, null]);
  await device.write(1, [stamped(1, 2)]);
  await device.flush();
  expect((await readFile(folder.in('disk.img'))).subarray(0, 2 * SECTOR_BYTES)).toEqual(
    Buffer.concat([stamped(0, 1), stamped(1, 2)]),
  );
  process.kill(Number(pid), 'SIGTERM');
  await ended;
  expect(stderr()).toContain('client 1 was handed over');
});

test('SIGUSR2 is an upgrade, too, also over TCP', async () => {
  const { child, line, exited, stderr } = await serve([uri, '--nbd', '127.0.0.1:0']).then((serving) => ({
    ...serving,
    exited: once(serving.child, 'exit'),
  }));
  processes.add(child.pid ?? 0);
  const device = await client(line);
  child.kill('SIGUSR2');
  expect(await exited).toEqual([0, null]);
  const [, pid] = /ended: process (\d+) serves/.exec(stderr()) ?? [];
  processes.add(Number(pid));
  await device.write(0, [stamped(0, 1)]);
  await device.flush();
});

test('what is asked of a server has to come from its own user', async () => {
  await served();
  expect((await stat(folder.in('nbd.sock.control'))).mode & 0o777).toBe(0o600);
});

test('an upgrade to what clients do not have is refused, with why, and the old server goes on', async () => {
  const { line, child } = await served('--name', 'disk');
  const device = await client(line);
  await writeFile(folder.in('other.img'), new Uint8Array(SIZE_BYTES));
  for (const [args, why] of [
    [['file:c', '--name', 'other'], /clients have export .*disk.*, and this serves .*other/],
    [
      [`file:${folder.in('other.img')}`, '--name', 'disk'],
      /clients have file:.*disk\.img, and this is file:.*other\.img/,
    ],
    [['memory:?size=16M', '--name', 'disk'], /what is in memory cannot be handed over/],
    [[uri, '--name', 'disk', '--read-only'], /is read-only, and clients were told otherwise/],
  ] as const) {
    const refused = await upgradeTo(args);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(why);
  }
  await device.write(0, [stamped(0, 1)]);
  expect(child.exitCode).toBe(null);
});

test('where no server listens, there is none to upgrade', async () => {
  const asked = await blockyard(['upgrade', '--nbd', `unix:${folder.in('none.sock')}`]);
  expect(asked.code).toBe(7);
  expect(asked.stderr).toMatch(
    /^error: no server was reached by .*none\.sock\.control.*hint: is "blockyard serve" running there/,
  );
  expect(await blockyard(['serve', uri, ...socket(), '--dry-run'])).toMatchObject({ code: 2 });
});

test('a server whose flushes are on a tier is upgraded under load, and what it flushed is in the store at the end', async () => {
  uri = `dir:${folder.in('store')}/web-1`;
  const made = await blockyard(['create', uri, '--size', String(SIZE_BYTES)]);
  expect(made.code, made.stderr).toBe(0);
  const tier = ['--tier', folder.in('tier'), '--tier-size', '64M', '--durability', 'local', '--cache', '4M'];
  const first = await served(...tier);
  const device = await client(first.line);
  let isOver = false;
  // Each flush is one of the disk.
  const workers = Array.from({ length: 4 }, (_, worker) => work(device, worker, () => isOver));
  const working = Promise.all(workers);
  const codes: (number | null)[] = [];
  // Before it has read anything, when it has the volume, when it has the clients.
  for (const type of ['caughtUp', 'opened', 'taken']) {
    codes.push((await upgradeTo([uri, ...tier], { node: dyingAt(type) })).code);
  }
  const second = await upgradeTo([uri, ...tier]);
  isOver = true;
  expect(Math.min(...(await working))).toBeGreaterThan(1);
  expect([...codes, second.code], second.stderr).toEqual([1, 1, 1, 0]);
  const bytes = new Uint8Array(SIZE_BYTES);
  await device.read(0, [bytes]);
  await device.flush();
  await device.disconnect();
  process.kill(second.pid ?? 0, 'SIGTERM');
  await first.ended;
  const { stdout } = await blockyard(['info', uri, '--json']);
  expect(JSON.parse(stdout).tier).toMatchObject({ attached: null });
  const stored = await connectUri(uri, { readOnly: true });
  devices.push(stored);
  const found = new Uint8Array(SIZE_BYTES);
  await stored.read(0, [found]);
  expect(Buffer.compare(found, bytes)).toBe(0);
});

test('an upgrade that would leave the tier behind is refused before clients wait, and the old server goes on', async () => {
  uri = `dir:${folder.in('store-kept')}/web-1`;
  await blockyard(['create', uri, '--size', String(SIZE_BYTES)]);
  const size = ['--tier-size', '64M', '--durability', 'local'];
  const first = await served('--tier', folder.in('tier-kept'), ...size);
  const device = await client(first.line);
  await device.write(0, [stamped(0, 1)]);
  await device.flush();
  for (const other of [[], ['--tier', folder.in('tier-other'), ...size]]) {
    const asked = await upgradeTo([uri, ...other]);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(/an upgrade keeps the tier: .*what was flushed last is on tier .*tier-kept/);
  }
  await device.write(1, [stamped(1, 2)]);
  await device.flush();
  await device.disconnect();
  first.child.kill('SIGTERM');
  await first.ended;
  expect(JSON.parse((await blockyard(['info', uri, '--json'])).stdout).tier).toMatchObject({ attached: null });
});

test('a volume that was made anew while it was handed over is not shown to clients of the one before', async () => {
  uri = `dir:${folder.in('store-anew')}/web-1`;
  const create = ['create', uri, '--size', String(SIZE_BYTES)];
  await blockyard(create);
  const first = await served('--cache', '4M');
  const device = await client(first.line);
  await device.write(0, [stamped(0, 1)]);
  const asked = await upgradeTo([uri, '--cache', '4M'], { node: runningAt('open', [['delete', uri], create]) });
  expect(asked.code).toBe(1);
  expect(asked.stderr).toMatch(/web-1 was replaced: it is not what clients have.*the old server has ended, too/);
  expect(await first.ended).toBe(1);
  expect(first.stderr()).toMatch(/cannot be opened again: .*web-1 was replaced/);
  await expect(device.read(0, [new Uint8Array(SECTOR_BYTES)])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  // No one has it.
  expect(await blockyard(['delete', uri])).toMatchObject({ code: 0 });
});

test('a file that was put in the place of the one that is served is not shown to clients, who keep theirs', async () => {
  const first = await served();
  const device = await client(first.line);
  await device.write(0, [stamped(0, 1)]);
  await rename(folder.in('disk.img'), folder.in('disk.old'));
  await writeFile(folder.in('disk.img'), new Uint8Array(SIZE_BYTES));
  const refused = await upgradeTo([uri]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/disk\.img was replaced/)]);
  const found = new Uint8Array(SECTOR_BYTES);
  await device.read(0, [found]);
  expect(stamped(0, 1).equals(found)).toBe(true);
  await rename(folder.in('disk.old'), folder.in('disk.img'));
  expect((await upgradeTo([uri])).code).toBe(0);
  await device.read(0, [found]);
  expect(stamped(0, 1).equals(found)).toBe(true);
});
