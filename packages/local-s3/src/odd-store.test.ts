import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { errorAnswer, type OddStore, startOddStore } from './index.js';

let store: OddStore;
let client: S3Client;
beforeEach(async () => {
  store = await startOddStore();
  client = new S3Client({
    endpoint: store.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
});
afterEach(async () => {
  client.destroy();
  await store.stop();
});

const put = (Key: string, Body: string, condition: { IfMatch?: string; IfNoneMatch?: string } = {}) =>
  client.send(new PutObjectCommand({ Bucket: 'b', Key, Body: Buffer.from(Body), ...condition }));

test('it answers as a store does', async () => {
  const { ETag = '' } = await put('a/1', 'contents');
  await put('a/<&">', 'x', { IfNoneMatch: '*' });
  await put('a/1', 'contents again', { IfMatch: ETag });
  await expect(put('a/1', 'x', { IfMatch: ETag })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(put('a/1', 'x', { IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  const part = await client.send(new GetObjectCommand({ Bucket: 'b', Key: 'a/1', Range: 'bytes=3-7' }));
  expect(await part.Body?.transformToString()).toBe('tents');
  const first = await client.send(new ListObjectsV2Command({ Bucket: 'b', Prefix: 'a/', MaxKeys: 1 }));
  expect(first).toMatchObject({ Name: 'b', Prefix: 'a/', KeyCount: 1, IsTruncated: true, Contents: [{ Key: 'a/1' }] });
  const second = await client.send(
    new ListObjectsV2Command({ Bucket: 'b', Prefix: 'a/', ContinuationToken: first.NextContinuationToken }),
  );
  expect(second).toMatchObject({ KeyCount: 1, IsTruncated: false, Contents: [{ Key: 'a/<&">', Size: 1 }] });
  const gone = await client.send(
    new DeleteObjectsCommand({ Bucket: 'b', Delete: { Objects: [{ Key: 'a/1', ETag }, { Key: 'a/<&">' }] } }),
  );
  expect(gone).toMatchObject({ Deleted: [{ Key: 'a/<&">' }], Errors: [{ Key: 'a/1', Code: 'PreconditionFailed' }] });
  expect([...store.objects.keys()]).toEqual(['a/1']);
});

test('it answers as it is told', async () => {
  store.answer = ({ method }, honest) => (method === 'PUT' ? errorAnswer(501, 'NotImplemented') : honest());
  await expect(put('a', 'x')).rejects.toMatchObject({ name: 'NotImplemented' });
  store.answer = () => 'reset';
  await expect(put('a', 'x')).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(store.requests.map(({ method, key }) => [method, key])).toEqual([
    ['PUT', 'a'],
    ['PUT', 'a'],
  ]);
});

test('it stores in 1970, or when it is told that it is', async () => {
  const storedAt = async (of: OddStore) => {
    const body = await (await fetch(`${of.endpoint}/b/a`, { method: 'PUT', body: 'x' })).text();
    expect(body).toBe('');
    return (await fetch(`${of.endpoint}/b/a`)).headers.get('last-modified');
  };
  expect(await storedAt(store)).toBe(new Date(0).toUTCString());
  const dated = await startOddStore({ now: () => new Date('2026-01-31T12:00:00Z') });
  expect(await storedAt(dated)).toBe('Sat, 31 Jan 2026 12:00:00 GMT');
  await dated.stop();
});
