import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type FaultProxy, type LocalS3, startFaultProxy, startLocalS3 } from './index.js';

let store: LocalS3;
let proxy: FaultProxy;
/** Without retries, so that each fault shows. */
let client: S3Client;

beforeAll(async () => {
  store = await startLocalS3();
  proxy = await startFaultProxy(store.endpoint);
  client = store.client({ endpoint: proxy.endpoint, maxAttempts: 1 });
});
beforeEach(() => {
  proxy.onRequest = () => undefined;
  proxy.requests.length = 0;
});
afterAll(async () => {
  await store.stop();
  await proxy.stop();
});

const put = (Key: string, Body: string) =>
  client.send(new PutObjectCommand({ Bucket: store.bucket, Key, Body: Buffer.from(Body) }));
const get = async (Key: string, from: S3Client = client) => {
  const got = await from.send(new GetObjectCommand({ Bucket: store.bucket, Key }));
  return got.Body?.transformToString();
};

test('requests go through, signed as they are, and are counted', async () => {
  await put('a b/c', 'contents');
  expect(await get('a b/c')).toBe('contents');
  expect(proxy.requests.map(({ method, path }) => [method, path])).toEqual([
    ['PUT', '/volumes/a b/c'],
    ['GET', '/volumes/a b/c'],
  ]);
});

test('a reply fault is an error of the store that the store knows nothing of', async () => {
  proxy.onRequest = () => ({ kind: 'reply', status: 503, code: 'SlowDown' });
  await expect(put('slow', 'x')).rejects.toMatchObject({ name: 'SlowDown' });
  await expect(get('slow', store.client())).rejects.toMatchObject({ name: 'NoSuchKey' });
});

test('a reset before leaves the store as it was; a reset after does not', async () => {
  proxy.onRequest = () => ({ kind: 'reset-before' });
  await expect(put('reset', 'x')).rejects.toMatchObject({ code: 'ECONNRESET' });
  await expect(get('reset', store.client())).rejects.toMatchObject({ name: 'NoSuchKey' });
  proxy.onRequest = () => ({ kind: 'reset-after' });
  await expect(put('reset', 'x')).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(await get('reset', store.client())).toBe('x');
});

test('a truncated answer breaks off within its body', async () => {
  await put('long', 'y'.repeat(1000));
  proxy.onRequest = () => ({ kind: 'truncate', bytes: 10 });
  await expect(get('long')).rejects.toThrow();
});

test('a held request reaches the store although its client has gone', async () => {
  let release = () => {};
  const until = new Promise<void>((resolve) => {
    release = resolve;
  });
  const abort = new AbortController();
  proxy.onRequest = () => {
    setImmediate(() => abort.abort());
    return { kind: 'hold', until };
  };
  const late = client.send(new PutObjectCommand({ Bucket: store.bucket, Key: 'late', Body: Buffer.from('z') }), {
    abortSignal: abort.signal,
  });
  await expect(late).rejects.toMatchObject({ name: 'AbortError' });
  await expect(get('late', store.client())).rejects.toMatchObject({ name: 'NoSuchKey' });
  release();
  await new Promise(setImmediate);
  await proxy.idle();
  expect(await get('late', store.client())).toBe('z');
});
