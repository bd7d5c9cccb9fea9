import { once } from 'node:events';
import type { BlockDevice } from '@blockyard/block';
import { connectNbd } from '@blockyard/nbd';
import { connectUri } from '@blockyard/uri';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { blockyard, makeFolder, runHere, type Serving, serve } from './testing/cli.js';
import { dyingAt, hangingAt, killingAt, silentAt } from './testing/successors.js';

const SECTOR_BYTES = 4096;
const SECTORS = 300;
/** A process that has nothing to wait for is gone, or serves, by then. */
const SETTLED_MS = 20_000;

let folder: Awaited<ReturnType<typeof makeFolder>>;
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Scene {
  readonly uri: string;
  readonly socket: string;
  readonly args: readonly string[];
  readonly first: Serving;
  readonly device: BlockDevice;
}

/** A server of a volume on a tier, and a client that has flushed to it, and does not come back unless `maxOutageMs` lets it. */
async function scene(name: string, maxOutageMs = 0): Promise<Scene> {
  const uri = `dir:${folder.in(`store-${name}`)}/web-1`;
  expect(await blockyard(['create', uri, '--size', '16M'])).toMatchObject({ code: 0 });
  const socket = folder.in(`${name}.sock`);
  const tier = ['--tier', folder.in(`tier-${name}`), '--tier-size', '64M', '--durability', 'local'];
  const args = [uri, '--nbd', `unix:${socket}`, ...tier, '--cache', '4M'];
  const first = await serve(args);
  endings.push(() => kill(first.child.pid));
  const device = await connectNbd(first.line, { maxOutageMs, connections: 1 });
  endings.push(() => device.disconnect({ force: true }));
  for (let sector = 0; sector < SECTORS; sector++) await device.write(sector, [stamped(sector)]);
  await device.flush();
  return { uri, socket, args, first, device };
}

function stamped(sector: number): Buffer {
  return Buffer.alloc(SECTOR_BYTES, `sector ${sector} `);
}

function kill(pid: number | undefined): boolean {
  try {
    return pid !== undefined && process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** Has the server replaced by a process that kills it on the way. Gives that one's number, once the server is dead. */
async function upgradeKilling({ args, first }: Scene, type: string): Promise<number> {
  const exited = once(first.child, 'exit');
  await blockyard(['serve', ...args, '--upgrade'], { node: killingAt(type, first.child.pid) });
  expect(await exited).toEqual([null, 'SIGKILL']);
  return successorOf(first);
}

function successorOf({ stderr }: Serving): number {
  const pid = Number([...stderr().matchAll(/upgrade: process (\d+) is started/g)].at(-1)?.[1]);
  endings.push(() => kill(pid));
  return pid;
}

/** Whether a process has the volume open for writing. */
async function isHeld(uri: string): Promise<boolean> {
  const { stdout } = await runHere(['info', uri, '--json']);
  return JSON.parse(stdout).heldBy !== null;
}

async function checkFlushed(device: BlockDevice): Promise<void> {
  const bytes = new Uint8Array(SECTORS * SECTOR_BYTES);
  await device.read(0, [bytes]);
  const expected = Buffer.concat(Array.from({ length: SECTORS }, (_, sector) => stamped(sector)));
  expect(Buffer.compare(bytes, expected)).toBe(0);
}

test.each(['ready', 'catchUp', 'caughtUp'])(
  'a new server whose old one dies at "%s" ends, and leaves the tier, the socket and the volume to the next one',
  async (type) => {
    const { args, first, device, ...rest } = await scene(type);
    await upgradeKilling({ args, first, device, ...rest }, type);
    // The new process has the same output.
    await within(first.ended);
    expect(first.stderr()).toMatch(/error: .*the predecessor is gone/);
    const again = await serve(args);
    endings.push(() => kill(again.child.pid));
    await checkFlushed(await connectNbd(again.line, { maxOutageMs: 0 }));
    again.child.kill('SIGTERM');
    await again.ended;
  },
);

test.each(['open', 'opened', 'go', 'taken'])(
  'a new server whose old one dies at "%s" goes on with the clients, and has all that was flushed',
  async (type) => {
    const found = await scene(type);
    const pid = await upgradeKilling(found, type);
    await checkServedToTheEnd(found, pid);
  },
);

test('a new server whose old one dies while it lets go of the volume opens that itself, and has all that was flushed', async () => {
  const found = await scene('release', SETTLED_MS);
  const pid = await upgradeKilling(found, 'release');
  await checkServedToTheEnd(found, pid);
});

test('a new server whose old one dies when it has let go of the volume, and has not said so, does the same', async () => {
  const found = await scene('released', SETTLED_MS);
  const { first, args, uri } = found;
  const asked = blockyard(['serve', ...args, '--upgrade'], { node: hangingAt('release') });
  await until(() => first.stderr().includes('upgrade: prepared in'));
  const pid = successorOf(first);
  while (await isHeld(uri)) await new Promise((resolve) => setTimeout(resolve, 20));
  const exited = once(first.child, 'exit');
  kill(first.child.pid);
  expect(await exited).toEqual([null, 'SIGKILL']);
  process.kill(pid, 'SIGCONT');
  expect((await asked).code).toBe(7);
  await checkServedToTheEnd(found, pid);
});

test('a new server that dies when it has the clients, and does not serve yet, leaves the old one, to which they come back', async () => {
  const found = await scene('serving', SETTLED_MS);
  const { first, socket, args, device } = found;
  const { code, stderr } = await blockyard(['serve', ...args, '--upgrade'], { node: dyingAt('serving') });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/the successor is gone.*the old server goes on/)]);
  await checkFlushed(device);
  const asked = JSON.parse((await blockyard(['status', socket, '--json'])).stdout);
  expect(asked).toMatchObject({ process: first.child.pid, upgrade: { lastFailure: { step: 'confirming' } } });
  expect((await blockyard(['serve', ...args, '--upgrade'])).code).toBe(0);
  await checkServedToTheEnd(found, successorOf(first));
});

test('one that serves for a while before it says so, and dies then, leaves the old one what was flushed to it, too', async () => {
  const found = await scene('silent', SETTLED_MS);
  const { first, args, device } = found;
  const asked = blockyard(['serve', ...args, '--upgrade'], { node: silentAt('serving') });
  await within(until(() => first.stderr().includes(' serves\n')));
  const pid = successorOf(first);
  // More than the tier's log has room for: nothing is where the old one has left it.
  const stamps = new Map<number, number>();
  for (let writes = 0; writes < 3000; ) {
    const work = Array.from({ length: 16 }, async () => {
      const sector = SECTORS + ((writes * 37) % 3001);
      stamps.set(sector, ++writes);
      await device.write(sector, [stamped(writes)]);
    });
    await Promise.all(work);
    await device.flush();
  }
  kill(pid);
  expect(await asked).toMatchObject({ code: 1, stderr: expect.stringContaining('the old server goes on') });
  await checkFlushed(device);
  const bytes = new Uint8Array(SECTOR_BYTES);
  for (const [sector, stamp] of stamps) {
    await device.read(sector, [bytes]);
    expect(stamped(stamp).equals(bytes)).toBe(true);
  }
});

test('a new server that dies when it serves leaves the tier, the socket and the volume to the next one', async () => {
  const { first, args, device } = await scene('end');
  expect((await blockyard(['serve', ...args, '--upgrade'], { node: dyingAt('end') })).code).toBe(0);
  // It has the same output as the old one.
  await within(first.ended);
  await expect(device.read(0, [new Uint8Array(SECTOR_BYTES)])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  const again = await serve(args);
  endings.push(() => kill(again.child.pid));
  await checkFlushed(await connectNbd(again.line, { maxOutageMs: 0 }));
  again.child.kill('SIGTERM');
  await again.ended;
});

/** That this process serves what was flushed and what is written, and leaves it in the store. */
async function checkServedToTheEnd({ uri, socket, first, device }: Scene, pid: number): Promise<void> {
  await within(until(() => first.stderr().includes(`process ${pid} serves`)));
  await checkFlushed(device);
  await device.write(0, [stamped(1)]);
  await device.write(0, [stamped(0)]);
  await device.flush();
  const asked = JSON.parse((await blockyard(['status', socket, '--json'])).stdout);
  expect(asked).toMatchObject({ process: pid, clients: { connections: 1 } });
  await device.disconnect();
  process.kill(pid, 'SIGTERM');
  await within(first.ended);
  expect(first.stderr()).toContain('stopped, everything is flushed');
  const stored = await connectUri(uri, { readOnly: true });
  endings.push(() => stored.disconnect());
  await checkFlushed(stored);
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still not after ${SETTLED_MS} ms`)), SETTLED_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
