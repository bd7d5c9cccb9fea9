import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { blockyard, makeFolder, serve } from './testing/cli.js';
import { dyingAt } from './testing/successors.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
const processes = new Set<number>();

beforeAll(async () => {
  folder = await makeFolder();
  await writeFile(folder.in('disk.img'), new Uint8Array(2 ** 20));
});
afterAll(() => folder.remove());
afterEach(() => {
  for (const pid of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  processes.clear();
});

const args = (...more: readonly string[]) => [
  `file:${folder.in('disk.img')}`,
  '--nbd',
  `unix:${folder.in('nbd.sock')}`,
  '--json',
  ...more,
];

/** The answer, over a connection of its own. */
async function ask(url: string): Promise<string> {
  const [response] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  return text(response);
}

/** Asks until it is told to stop, or is refused. Gives how often it was answered. */
async function askAgainAndAgain(url: string, isOver: () => boolean) {
  let asked = 0;
  for (; !isOver(); asked++) expect(await ask(url)).not.toBe('');
  return asked;
}

async function served(...more: readonly string[]) {
  const serving = await serve(args(...more));
  processes.add(serving.child.pid ?? 0);
  const { http, page } = JSON.parse(serving.line) as { readonly http: string; readonly page: string };
  const [, metrics = ''] = /metrics at (\S+)\/metrics/.exec(serving.stderr()) ?? [];
  return { ...serving, http, page, metrics, exited: once(serving.child, 'exit') };
}

async function upgraded(more: readonly string[], options: { readonly node?: readonly string[] } = {}) {
  const { code, stdout } = await blockyard(['serve', ...args(...more), '--upgrade'], options);
  if (code !== 0) return undefined;
  const pid = JSON.parse(stdout).process as number;
  processes.add(pid);
  return pid;
}

const processAt = async (url: string) => JSON.parse(await ask(`${url}/v1/status`)).process as number;
const pidAt = async (url: string) => JSON.parse(await ask(`${url}/healthz`)).pid as number;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  await once(server.close(), 'close');
  return port;
}

test('who asks over HTTP, scrapes metrics or opens the page while a server is upgraded is answered', async () => {
  const options = ['--http', '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--page', '127.0.0.1:0'];
  const first = await served(...options);
  const { http, page, metrics } = first;
  let isOver = false;
  const urls = [`${http}/v1/status`, `${metrics}/metrics`, `${metrics}/healthz`, page];
  const asking = Promise.all(urls.map((url) => askAgainAndAgain(url, () => isOver)));
  const watching = await fetch(`${page}/feed?cells=16`);
  const second = await upgraded(options);
  expect(await first.exited).toEqual([0, null]);
  expect([await processAt(http), await pidAt(metrics)]).toEqual([second, second]);
  expect(await upgraded(options, { node: dyingAt('opened') })).toBeUndefined();
  expect([await processAt(http), await pidAt(metrics)]).toEqual([second, second]);
  const third = await upgraded(options);
  expect([await processAt(http), await pidAt(metrics)]).toEqual([third, third]);
  isOver = true;
  expect(Math.min(...(await asking))).toBeGreaterThan(10);
  // The stream of a viewer has ended, as a browser sees it cut, and it finds the next one there.
  await watching.text().catch((error: Error) => expect(error.message).toBe('terminated'));
  const again = await fetch(`${page}/feed?cells=16`);
  expect([watching.status, again.status]).toEqual([200, 200]);
  await again.body?.cancel();
  process.kill(third ?? 0, 'SIGTERM');
  await first.ended;
  for (const url of urls) await expect(ask(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('an upgrade to other addresses for these leaves no one listening at the old ones, and one may take the place of another', async () => {
  const [one, two, three, four] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const at = (port: number) => `http://127.0.0.1:${port}`;
  const first = await served('--http', String(one), '--metrics', String(two), '--page', String(three));
  const second = await upgraded(['--http', String(three), '--metrics', `0.0.0.0:${two}`, '--page', String(four)]);
  expect(await first.exited).toEqual([0, null]);
  expect(await processAt(at(three))).toBe(second);
  expect(await (await fetch(at(four))).text()).toContain('<title>Blockyard</title>');
  // Another address with the same port: it is free when the old process has left.
  await until(() => first.stderr().includes(`metrics at http://0.0.0.0:${two}/`));
  expect(await pidAt(at(two))).toBe(second);
  await expect(ask(at(one))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  process.kill(second ?? 0, 'SIGTERM');
  await first.ended;
});

/** An address that another program listens at. */
async function takenAddress() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  return { address: `127.0.0.1:${port}`, free: () => once(server.close(), 'close') };
}

test.each([['--http'], ['--page'], ['--metrics', '192.0.2.1:9464'], ['--metrics']])(
  'an upgrade with an address for %s that cannot be had is refused while clients are served, tried out or not',
  async (option: string, address?: string) => {
    const taken = await takenAddress();
    const http = ['--http', String(await freePort())];
    const first = await served(...http);
    const wanted = [...(option === '--http' ? [] : http), option, address ?? taken.address];
    for (const more of [['--dry-run'], []]) {
      const { code, stderr } = await blockyard(['serve', ...args(...wanted), '--upgrade', ...more]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`not upgraded: the successor failed: ${option}: `)]);
    }
    expect(await processAt(first.http)).toBe(first.child.pid);
    first.child.kill();
    await first.ended;
    await taken.free();
  },
);

test('an upgrade whose files cannot be read says which', async () => {
  const first = await served('--http', '127.0.0.1:0');
  const file = folder.in('none');
  const wanted = ['--http', '127.0.0.1:0', '--http-token-file', file];
  const { code, stderr } = await blockyard(['serve', ...args(...wanted), '--upgrade', '--dry-run']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('not upgraded: the successor failed: --http-token-file')]);
  expect(stderr).toContain(file);
  first.child.kill();
  await first.ended;
});

test('an upgrade with a cache that cannot be is refused while clients are served', async () => {
  const uri = `dir:${folder.in('store')}/cached`;
  await blockyard(['create', uri, '--size', '1M']);
  const nbd = `unix:${folder.in('cached.sock')}`;
  const first = await serve([uri, '--nbd', nbd]);
  processes.add(first.child.pid ?? 0);
  const { code, stderr } = await blockyard(['serve', uri, '--nbd', nbd, '--cache', '4K', '--upgrade', '--dry-run']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('maxSizeBytes must be at least')]);
  first.child.kill();
  expect(await first.ended).toBe(0);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}
