import { writeFile } from 'node:fs/promises';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeFolder, runHere } from './testing/cli.js';

const SECTOR = 4096;
const GB = 2 ** 30;
/** Each kind of request, and each byte, has a price that no other has. */
const PRICES = {
  per1000WritesUsd: 7000,
  per1000ReadsUsd: 11_000,
  per1000DeletesUsd: 13_000,
  uploadPerGbUsd: 17 * GB,
  downloadPerGbUsd: 19 * GB,
  storagePerGbMonthUsd: 2 * GB,
};

let folder: Awaited<ReturnType<typeof makeFolder>>;
let store: LocalS3;
let table: string;

beforeAll(async () => {
  [folder, store] = await Promise.all([makeFolder(), startLocalS3()]);
  vi.stubEnv('AWS_ACCESS_KEY_ID', store.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', store.credentials.secretAccessKey);
  table = folder.in('prices.json');
  await writeFile(table, JSON.stringify(PRICES));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([folder.remove(), store.stop()]);
});

async function run(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runHere(words);
  expect({ code, stderr }, stderr).toMatchObject({ code: 0 });
  return stdout;
}
const json = async (...words: readonly string[]) => JSON.parse(await run(...words, '--json'));

const query = () => `?endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;
const volumes: readonly (readonly [string, string, () => string])[] = [
  ['chunks in S3', 'data', () => `s3://${store.bucket}/chunks${query()}&layout=chunks`],
  ['a log in S3', 'log', () => `s3://${store.bucket}/log${query()}&layout=log`],
  ['a log in a directory', 'log', () => `dir:${folder.in('store')}/log`],
];

interface CostedCounts {
  readonly requests: Readonly<Record<'get' | 'head' | 'put' | 'delete' | 'list', number>>;
  readonly uploadBytes: number;
  readonly downloadBytes: number;
  readonly cost: { readonly totalUsd: number };
}

function dollarsOf({ requests, uploadBytes, downloadBytes }: CostedCounts): number {
  const { get, head, put, list, delete: deletes } = requests;
  return 7 * (put + list) + 11 * (get + head) + 13 * deletes + 17 * uploadBytes + 19 * downloadBytes;
}

describe.each(volumes)('%s', (_, name, uriOf) => {
  // However slow the machine is, one write is all of it.
  const load = ['--block', '64K', '--size', '64K', '--seconds', '0.1', '--overwrite'];

  test('bench tells requests, bytes and dollars of each class, of the run alone, with a cache and without', async () => {
    const uri = uriOf();
    await run('create', uri, '--size', '16M');
    for (const cache of [[], ['--cache', '1M']]) {
      const written = await json('bench', uri, ...load, '--read-share', '0', '--prices', table, ...cache);
      const { classes, ...all } = written.store;
      expect(classes[name].requests.put).toBeGreaterThan(0);
      expect(classes[name].uploadBytes).toBeGreaterThanOrEqual(16 * SECTOR);
      // Opening tries the store out.
      expect(classes).not.toHaveProperty('probe');
      const dollars = Object.values<CostedCounts>(classes).map((counts) => {
        expect(counts.cost.totalUsd).toBeCloseTo(dollarsOf(counts), 3);
        return counts.cost.totalUsd;
      });
      expect(all.cost.totalUsd).toBeCloseTo(dollarsOf(all), 3);
      expect(all.cost.totalUsd).toBeCloseTo(
        dollars.reduce((sum, usd) => sum + usd, 0),
        3,
      );
    }
    const read = await json('bench', uri, ...load, '--read-share', '100');
    expect(Object.keys(read.store.classes)).toContain(name);
    expect(read.store.requests).toMatchObject({ put: 0, delete: 0 });
    expect(read.store.classes[name].cost.requestsUsd.get).toBeCloseTo(
      (0.0004 * read.store.classes[name].requests.get) / 1000,
      12,
    );
    expect(read.store.uploadBytes).toBe(0);
  });

  test('bench has a row for each class, and no dollars without prices', async () => {
    const words = ['bench', uriOf(), ...load, '--read-share', '0'];
    const text = await run(...words);
    expect(text).toMatch(/^store +get +head +put +delete +list +up +down +dollars$/m);
    expect(text).toMatch(new RegExp(`^${name} +\\d+ .* [KM]iB .* 0\\.0\\d+$`, 'm'));
    expect(text).toMatch(/^all +\d+ .* 0\.0\d+$/m);
    expect(await run(...words, '--prices', 'none')).toMatch(/^store .* down$/m);
    const free = await json(...words, '--prices', 'none');
    expect(free.store.classes[name].uploadBytes).toBeGreaterThan(0);
    expect(JSON.stringify(free)).not.toContain('Usd');
  });

  test('info tells what it takes, and what that costs', async () => {
    const { space, storageUsdPerMonth } = await json('info', uriOf(), '--prices', table);
    expect(space.dataBytes).toBeGreaterThanOrEqual(16 * SECTOR);
    expect(storageUsdPerMonth).toBe(2 * (space.dataBytes + (space.mapBytes ?? 0)));
    const text = await run('info', uriOf());
    expect(text).toMatch(/^stored +.* in \d+ objects/m);
    expect(text).toMatch(/^storage costs +0\.0\d+ dollars a month$/m);
    expect(await run('info', uriOf(), '--prices', 'none')).not.toContain('dollars');
    expect(await json('info', uriOf(), '--prices', 'none')).not.toHaveProperty('storageUsdPerMonth');
  });
});

test('replay tells the same as bench', async () => {
  const uri = `dir:${folder.in('store')}/replayed`;
  await run('create', uri, '--size', '16M');
  const trace = folder.in('trace.csv');
  await writeFile(trace, 'offset,bytes,op\n0,65536,W\n');
  const { store: costs } = await json('replay', trace, uri, '--overwrite', '--prices', table);
  expect(costs.classes).toMatchObject({ log: { requests: { put: 1 } } });
  expect(costs.cost.totalUsd).toBeCloseTo(dollarsOf(costs), 3);
});

test('a device that is in no store costs nothing there', async () => {
  const words = ['bench', 'memory:?size=1M', '--seconds', '0.01'];
  expect(JSON.parse((await runHere([...words, '--json'])).stdout)).toMatchObject({ store: null });
  expect((await runHere(words)).stdout).not.toMatch(/^store|dollars/m);
});

test('a table of prices may leave some out, and is refused if it names what there is not', async () => {
  const uri = `dir:${folder.in('store')}/log`;
  const part = folder.in('part.json');
  await writeFile(part, JSON.stringify({ storagePerGbMonthUsd: GB }));
  const { space, storageUsdPerMonth } = await json('info', uri, '--prices', part);
  expect(storageUsdPerMonth).toBe(space.dataBytes + space.mapBytes);
  for (const wrong of ['{"perPut":1}', '{"per1000ReadsUsd":-1}', '{"per1000ReadsUsd":"1"}', '[]', 'null', '7']) {
    await writeFile(part, wrong);
    const refused = await runHere(['info', uri, '--prices', part]);
    expect(refused, wrong).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error: --prices .*part/),
    });
  }
});
