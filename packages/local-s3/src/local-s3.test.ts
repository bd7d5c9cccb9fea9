import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { startLocalS3 } from './index.js';

test('a bucket is there from the start, and takes and gives objects', async () => {
  const store = await startLocalS3();
  const client = store.client();
  const at = { Bucket: store.bucket, Key: 'a/b' };
  await client.send(new PutObjectCommand({ ...at, Body: Buffer.from('contents') }));
  const got = await client.send(new GetObjectCommand({ ...at, Range: 'bytes=3-' }));
  expect(await got.Body?.transformToString()).toBe('tents');
  await store.stop();
});

test('PUT with If-None-Match and If-Match is refused when the condition does not hold', async () => {
  const store = await startLocalS3({ bucket: 'conditions' });
  const client = store.client();
  const put = (condition: { IfMatch?: string; IfNoneMatch?: string }) =>
    client.send(new PutObjectCommand({ Bucket: 'conditions', Key: 'k', Body: Buffer.from('x'), ...condition }));
  const { ETag } = await put({ IfNoneMatch: '*' });
  await expect(put({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  await expect(put({ IfMatch: '"00000000000000000000000000000000"' })).rejects.toMatchObject({
    name: 'PreconditionFailed',
  });
  await put({ IfMatch: ETag ?? '' });
  await store.stop();
});

test('objects in a persistDir are there again after a new start', async () => {
  const persistDir = await mkdtemp(join(tmpdir(), 'local-s3-'));
  const first = await startLocalS3({ persistDir });
  await first.client().send(new PutObjectCommand({ Bucket: first.bucket, Key: 'kept', Body: Buffer.from('x') }));
  await first.stop();
  const second = await startLocalS3({ persistDir });
  const listed = await second.client().send(new ListObjectsV2Command({ Bucket: second.bucket }));
  expect(listed.Contents?.map((object) => object.Key)).toEqual(['kept']);
  await second.stop();
  await rm(persistDir, { recursive: true });
});

test('a process that stopped its store ends by itself and printed nothing', async () => {
  const script = `
    const { startLocalS3 } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
    const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
    const store = await startLocalS3();
    await store.client().send(new ListObjectsV2Command({ Bucket: store.bucket }));
    await store.stop();
    await store.stop();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: unknown[] = [];
  child.stdout.on('data', (chunk) => output.push(String(chunk)));
  child.stderr.on('data', (chunk) => output.push(String(chunk)));
  const [code] = await once(child, 'close');
  expect({ code, output }).toEqual({ code: 0, output: [] });
});
