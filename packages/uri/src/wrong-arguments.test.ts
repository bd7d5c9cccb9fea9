import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlockDevice } from '@blockyard/block';
import { type LocalS3, startLocalS3 } from '@blockyard/local-s3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ConnectUriOptions, connectUri, createUri, inspectUri } from './index.js';

let store: LocalS3;
let folder: string;

beforeAll(async () => {
  store = await startLocalS3();
  vi.stubEnv('AWS_ACCESS_KEY_ID', store.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', store.credentials.secretAccessKey);
  folder = await mkdtemp(join(tmpdir(), 'blockyard-wrong-'));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await store.stop();
  await rm(folder, { recursive: true });
});

const inS3 = (name: string) =>
  `s3://${store.bucket}/${name}?endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;

const PLACES = {
  'a log in a directory': { uri: () => `dir:${folder}/store/log?`, layout: 'log' },
  'a log in S3': { uri: () => inS3('disks/log'), layout: 'log' },
  'chunks in S3': { uri: () => inS3('disks/chunks'), layout: 'chunks' },
} as const;

const WRONG: readonly (readonly [what: string, query: string, options: ConnectUriOptions])[] = [
  ['sectors that it does not have', '&sector=512', {}],
  ['a cache that is too small', '', { cacheSizeBytes: 4096 }],
  ['a cache with lines smaller than its sectors', '', { cacheSizeBytes: 2 ** 22, cache: { lineSize: 2048 } }],
  ['an option that a cache does not have', '', { cacheSizeBytes: 2 ** 22, cache: { size: 1 } as object }],
  ['a negative delay of a warm start', '', { cacheSizeBytes: 2 ** 22, warmStart: warmed({ startDelayMs: -1 }) }],
  ['two files of a warm start in one', '', { cacheSizeBytes: 2 ** 22, warmStart: warmed({ bootProfile: 'hot' }) }],
  ['a number for a file of a warm start', '', { cacheSizeBytes: 2 ** 22, warmStart: { bootProfile: 7 as never } }],
];

type WarmStart = NonNullable<ConnectUriOptions['warmStart']>;

function warmed(more: WarmStart): WarmStart {
  return { hotRanges: 'hot', ...more };
}

describe.each(Object.entries(PLACES))('What is asked wrongly of %s is refused before it is taken', (_, place) => {
  let holder: BlockDevice;
  beforeAll(async () => {
    await createUri(place.uri(), { sizeBytes: 2 ** 20, layout: place.layout });
    holder = await connectUri(place.uri());
  });
  afterAll(async () => {
    await holder.write(0, [new Uint8Array(4096).fill(7)]);
    await holder.disconnect();
  });

  test.each(WRONG)('%s', async (_what, query, options) => {
    const { epoch } = await inspectUri(place.uri());
    await expect(connectUri(`${place.uri()}${query}`, options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await inspectUri(place.uri())).toMatchObject({ epoch, holder: { state: 'alive' } });
  });
});

test('chunks of another size than a volume has are refused before it is taken', async () => {
  const uri = inS3('disks/chunks');
  const { epoch } = await inspectUri(uri);
  await expect(connectUri(`${uri}&chunk=64K`)).rejects.toThrow('was created with ?chunk=1048576, not 65536');
  expect(await inspectUri(uri)).toMatchObject({ epoch });
});

test('sectors that a volume does not have are refused before its tier is made', async () => {
  const tier = { directory: join(folder, 'tier'), maxSizeBytes: 2 ** 24 };
  const uri = `dir:${folder}/store/log?sector=512`;
  await expect(connectUri(uri, { tier })).rejects.toThrow('was created with ?sector=4096, not 512');
  await expect(rm(tier.directory, { recursive: true })).rejects.toMatchObject({ code: 'ENOENT' });
});
