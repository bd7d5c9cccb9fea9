import { S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { connectS3, createVolume, deleteVolume } from './index.js';

const at = { bucket: 'bucket', prefix: 'a/volume' };
const client = new S3Client({ region: 'us-east-1' });
const codeOf = (code: string) => expect.objectContaining({ name: 'BlockError', code });

test.each([
  ['an unknown option', { sizeBytes: 4096, objectSize: 1 }],
  ['no size', {}],
  ['two sizes', { sizeBytes: 4096, sizeSectors: 1 }],
  ['a size that is no number', { sizeBytes: '4096' }],
  ['a negative size', { sizeSectors: -1 }],
  ['a size of more than 2^53 - 1 bytes', { sizeSectors: 2 ** 42 }],
  ['a sector of no power of two', { sizeBytes: 0, sectorSize: 1000 }],
  ['a sector that is too large', { sizeBytes: 0, sectorSize: 131_072 }],
  ['an object of nothing', { sizeBytes: 0, objectSizeBytes: 0 }],
  ['an object that is too large', { sizeBytes: 0, objectSizeBytes: 2 ** 30 }],
  ['no bucket', { sizeBytes: 0, bucket: undefined }],
  ['a bucket with a path', { sizeBytes: 0, bucket: 'bucket/path' }],
  ['no prefix', { sizeBytes: 0, prefix: '' }],
  ['a prefix that ends in a slash', { sizeBytes: 0, prefix: 'a/' }],
  ['a prefix that begins with a slash', { sizeBytes: 0, prefix: '/a' }],
  ['a prefix that climbs', { sizeBytes: 0, prefix: 'a/../b' }],
  ['a prefix with a control character', { sizeBytes: 0, prefix: 'a\n' }],
  ['a prefix that is too long', { sizeBytes: 0, prefix: 'é'.repeat(500) }],
  ['a client that is not one', { sizeBytes: 0, client: {} }],
  ['a client and an endpoint', { sizeBytes: 0, client, endpoint: 'http://127.0.0.1:1' }],
  ['a client and credentials', { sizeBytes: 0, client, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }],
  ['no time', { sizeBytes: 0, requestTimeoutMs: 0 }],
  ['no attempts', { sizeBytes: 0, maxAttempts: 0 }],
  ['more time than a timer has', { sizeBytes: 0, maxAttempts: 100, requestTimeoutMs: 2 ** 31 / 100 }],
  ['a switch that is no boolean', { sizeBytes: 0, allowUnsafeStore: 'no' }],
])('createVolume refuses %s', async (_, options) => {
  await expect(createVolume({ ...at, ...(options as object) })).rejects.toEqual(codeOf('INVALID_ARGUMENT'));
});

test.each([
  ['a size in bytes', { sizeBytes: 1000 }],
  ['an object', { sizeBytes: 0, objectSizeBytes: 5000 }],
])('createVolume refuses %s that is not whole sectors', async (_, options) => {
  await expect(createVolume({ ...at, ...options })).rejects.toEqual(codeOf('UNALIGNED'));
});

test.each([
  ['an unknown option', { cache: true }],
  ['an option of createVolume', { sizeBytes: 4096 }],
  ['no concurrency', { maxConcurrency: 0 }],
  ['too much concurrency', { maxConcurrency: 257 }],
  ['a switch that is no boolean', { readOnly: 1 }],
  ['another switch that is no boolean', { acceptMissingObjects: 'yes' }],
])('connectS3 refuses %s', async (_, options) => {
  await expect(connectS3({ ...at, ...(options as object) })).rejects.toEqual(codeOf('INVALID_ARGUMENT'));
});

test('deleteVolume refuses an unknown option, and all refuse no options at all', async () => {
  await expect(deleteVolume({ ...at, ...({ force: true } as object) })).rejects.toEqual(codeOf('INVALID_ARGUMENT'));
  for (const call of [createVolume, connectS3, deleteVolume] as ((options: unknown) => Promise<unknown>)[]) {
    await expect(call(undefined)).rejects.toEqual(codeOf('INVALID_ARGUMENT'));
    await expect(call(null)).rejects.toEqual(codeOf('INVALID_ARGUMENT'));
    await expect(call('s3://bucket/volume')).rejects.toEqual(codeOf('INVALID_ARGUMENT'));
  }
});
