import { startTestStore } from '@blockyard/local-s3';
import { connectNbd } from '@blockyard/nbd';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { PARTS } from './explain/parts.js';
import type { Explanation } from './serve/explain.js';
import { makeFolder, runHere, type Serving, serve } from './testing/cli.js';

let folder: Awaited<ReturnType<typeof makeFolder>>;
const running: Serving[] = [];

beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => folder.remove());
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const { child, ended } of running.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

const socket = () => folder.in('nbd.sock');

async function served(args: readonly string[]): Promise<Serving> {
  const serving = await serve([...args, '--nbd', `unix:${socket()}`]);
  running.push(serving);
  return serving;
}

test('of a running server it is told what the slow requests waited for: the store, or another request', async () => {
  const store = await startTestStore();
  try {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    const uri = `s3://${store.bucket}/explained?endpoint=${encodeURIComponent(store.endpoint)}&region=auto&layout=log`;
    expect(await runHere(['create', uri, '--size', '4M'])).toMatchObject({ code: 0 });
    expect(await runHere(['write', uri, '/dev/urandom', '--length', '4M'])).toMatchObject({ code: 0 });
    const { line } = await served([uri, '--cache', '1M', '--name', 'disk']);
    const client = await connectNbd(line, { maxOutageMs: 0, connections: 1 });
    const asking = runHere(['explain', socket(), '--seconds', '0.5', '--json']);
    const isOver = { value: false };
    void asking.then(() => {
      isOver.value = true;
    });
    for (let at = 0; !isOver.value; at = (at + 16) % 1024) {
      // Two sectors of one line, of which neither is in memory.
      await Promise.all([0, 1].map((offset) => client.read(at + offset, [new Uint8Array(client.info.sectorSize)])));
    }
    const { code, stdout } = await asking;
    expect(code).toBe(0);
    const { requests, explained, export: name } = JSON.parse(stdout) as Explanation;
    expect(name).toBe('disk');
    expect(requests).toBeGreaterThanOrEqual(explained.length);
    expect(explained.length).toBeGreaterThan(4);
    for (const { operation, sectors, parts, durationMs } of explained) {
      expect([operation, sectors]).toEqual(['read', 1]);
      expect(PARTS.reduce((sum, part) => sum + parts[part], 0)).toBeCloseTo(durationMs, 6);
    }
    expect(explained.some(({ parts }) => parts.firstByte > 0)).toBe(true);
    expect(explained.some(({ parts }) => parts.singleFlight > 0)).toBe(true);
    await client.disconnect();
  } finally {
    await store.stop();
  }
});

test('people have a table; a server that ends tells what it has seen so far; wrong questions are refused', async () => {
  const { line, child } = await served(['memory:?size=1M']);
  const client = await connectNbd(line, { maxOutageMs: 0, connections: 1 });
  const asking = runHere(['explain', socket(), '--seconds', '600']);
  const refused = await runHere(['explain', socket(), '--export', 'other']);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('there is no export')]);
  expect((await runHere(['explain', socket(), '--seconds', '601'])).code).toBe(2);
  await client.write(0, [new Uint8Array(4096)]);
  await client.disconnect();
  child.kill('SIGTERM');
  const { code, stdout } = await asking;
  expect(code).toBe(0);
  expect(stdout).toMatch(/^2 requests in \d+\.\d s\nwhere the 2 slowest requests spent/);
  expect(stdout).toMatch(/write +0 +8 +\d+\.\d +base \d/);
});
