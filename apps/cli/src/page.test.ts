import { writeFile } from 'node:fs/promises';
import { connectNbd } from '@blockyard/nbd';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { makeFolder, runHere, type Serving, serve } from './testing/cli.js';

const SECRET = 'planted-token-0123456789';
const MIB = 2 ** 20;
let folder: Awaited<ReturnType<typeof makeFolder>>;
const running: Serving[] = [];

beforeAll(async () => {
  folder = await makeFolder();
  await writeFile(folder.in('token'), SECRET);
});
afterAll(() => folder.remove());
afterEach(async () => {
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

async function served(...args: string[]) {
  const nbd = ['--nbd', `unix:${folder.in('nbd.sock')}`, '--page', '127.0.0.1:0', '--json'];
  const serving = await serve(['memory:?size=8M', '--cache', '4M', ...nbd, ...args]);
  running.push(serving);
  return { ...serving, ...(JSON.parse(serving.line) as { readonly uri: string; readonly page: string }) };
}

const set = async (page: string, id: string, value?: unknown, token?: string) => {
  const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` };
  const body = JSON.stringify({ id, value });
  return (await fetch(`${page}/set`, { method: 'POST', body, headers: { ...authorization } })).status;
};

/** The first facts and controls that a viewer is sent. */
async function firstOf(page: string): Promise<string> {
  const { body } = await fetch(`${page}/feed?cells=16`);
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk as Uint8Array);
    if (text.includes('event: controls') && text.endsWith('\n\n')) break;
  }
  return text;
}

test('a server shows its device on a page, and does what is asked for there with the token', async () => {
  const { uri, page, child, stderr, ended } = await served('--http-token-file', folder.in('token'));
  expect(await (await fetch(page)).text()).toContain('<title>Blockyard</title>');
  const client = await connectNbd(uri, { maxOutageMs: 0, connections: 1 });
  await client.write(0, [new Uint8Array(8192).fill(7)]);
  const text = await firstOf(page);
  expect(text).toContain('"safeToStop":false');
  expect(text).toMatch(/"client":\{"reads":0,"writes":1,"flushes":0,"readBytes":0,"writtenBytes":8192,/);
  expect(text).toMatch(/"id":"snapshot"[^}]*"isEnabled":false,"why":"only log volumes have snapshots\."/);
  expect(await set(page, 'flush')).toBe(401);
  expect(await set(page, 'flush', undefined, SECRET)).toBe(200);
  expect(await set(page, 'cache', '2M', SECRET)).toBe(200);
  expect(await set(page, 'resize', '16M', SECRET)).toBe(200);
  expect(await set(page, 'resize', '4M', SECRET)).toBe(409);
  expect(await set(page, 'snapshot', 'one', SECRET)).toBe(501);
  const after = await firstOf(page);
  expect(after).toContain('"safeToStop":true');
  expect(after).toContain(`"maxSizeBytes":${2 * MIB}`);
  expect(after).toContain(`"sizeBytes":${16 * MIB}`);
  expect(after).toMatch(/"story":\["\S+ Flushed\.","\S+ The cache may hold 2 MiB\.","\S+ Resized to 16 MiB\."\]/);
  await client.disconnect();
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(text + after + stderr()).not.toContain(SECRET);
});

test('without a token the page is to look at, and no one beyond this machine may', async () => {
  const { page, child, ended } = await served();
  expect(await firstOf(page)).toContain('"takesChanges":false');
  expect(await set(page, 'flush', undefined, SECRET)).toBe(403);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  const beyond = await runHere(['serve', 'memory:?size=1M', '--page', '0.0.0.0:0']);
  expect([beyond.code, beyond.stderr]).toEqual([2, expect.stringContaining('--page beyond this machine needs')]);
});
