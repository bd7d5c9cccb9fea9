import { createHash, randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { errorAnswer, type OddStore, type StoreRequest, startOddStore, startTestStore } from '@blockyard/local-s3';
import { readInto } from '@blockyard/object-store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openS3Store, type S3StoreOptions } from '../index.js';
import type { S3ObjectStore } from '../store.js';

const BYTES = randomBytes(1000);
const KEY = 'disks/a/data/000000000000';
const CREDENTIALS = { accessKeyId: 'AKID', secretAccessKey: 'secret' };

let odd: OddStore;
let store: S3ObjectStore;

beforeEach(async () => {
  odd = await startOddStore();
  store = open();
  const etag = `"${createHash('md5').update(BYTES).digest('hex')}"`;
  odd.objects.set(KEY, { body: BYTES, etag, metadata: { 'x-amz-meta-blockyard': 'stamp' } });
});

afterEach(async () => {
  store.close();
  await odd.stop();
});

function open(options: Partial<S3StoreOptions> = {}): S3ObjectStore {
  const { endpoint } = odd;
  return openS3Store({ bucket: 'bucket', endpoint, credentials: CREDENTIALS, maxAttempts: 1, ...options });
}

async function read(from = 0, length = 100, key = KEY): Promise<Buffer> {
  const target = Buffer.alloc(length);
  expect(await readInto(store, key, [target], from)).toMatchObject({ sizeBytes: BYTES.byteLength, stamp: 'stamp' });
  return target;
}

/** What the SDK puts on each request that it makes. */
const isOfSdk = ({ headers }: StoreRequest) => headers['amz-sdk-invocation-id'] !== undefined;

describe('after one GET through the SDK', () => {
  beforeEach(async () => {
    await read();
    expect(odd.requests.map(isOfSdk)).toEqual([true]);
    odd.requests.length = 0;
  });

  test('GETs go past it, and bring the same', async () => {
    expect(await read(100, 50)).toEqual(BYTES.subarray(100, 150));
    expect(odd.requests.map(isOfSdk)).toEqual([false]);
    expect(odd.requests[0]).toMatchObject({ method: 'GET', bucket: 'bucket', key: KEY });
    expect(odd.requests[0]?.headers).toMatchObject({
      range: 'bytes=100-149',
      'accept-encoding': 'identity',
      authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/us-east-1\/s3\/aws4_request, /),
    });
  });

  test('a session token is sent and signed', async () => {
    store.close();
    store = open({ credentials: { ...CREDENTIALS, sessionToken: 'token' } });
    await read();
    await read();
    const [, direct] = odd.requests;
    expect(direct?.headers['x-amz-security-token']).toBe('token');
    expect(direct?.headers.authorization).toContain('x-amz-security-token');
  });

  test.each([
    ['a missing object', 404, 'NoSuchKey', undefined],
    ['a range past the end', 416, 'InvalidRange', 'beyond'],
  ])('%s is the answer that it is', async (_, status, code, expected) => {
    odd.answer = () => errorAnswer(status, code);
    expect(await readInto(store, KEY, [new Uint8Array(1)], 0)).toBe(expected);
    expect(odd.requests).toHaveLength(1);
  });

  test.each([
    ['an error', errorAnswer(403, 'AccessDenied'), 'ACCESS_DENIED', 'AccessDenied (403)'],
    ['a store that is busy', errorAnswer(503, 'SlowDown'), 'UNAVAILABLE', 'SlowDown (503)'],
    ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, 'UNAVAILABLE', 'text/html'],
    ['no ETag', { status: 206, headers: { 'content-range': 'bytes 0-0/1' }, body: 'x' }, 'UNAVAILABLE', 'ETag'],
    [
      'a packed body',
      { status: 206, headers: { etag: '"1"', 'content-encoding': 'gzip' }, body: 'x' },
      'UNAVAILABLE',
      'compressed',
    ],
  ])('%s is told as the SDK tells it, from the one answer that came', async (_, answer, code, words) => {
    odd.answer = () => answer;
    const target = [new Uint8Array(1)];
    await expect(readInto(store, KEY, target, 0)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    expect(odd.requests.map(isOfSdk)).toEqual([false]);
  });

  test('a clock that is wrong is set right, and the request made again', async () => {
    store.close();
    store = open({ maxAttempts: 3 });
    await read();
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const dates: string[] = [];
    odd.answer = ({ headers }, honest) => {
      dates.push(String(headers['x-amz-date']));
      if (dates.length > 1) return honest();
      const refused = errorAnswer(403, 'RequestTimeTooSkewed');
      return { ...refused, headers: { ...refused.headers, date } };
    };
    expect(await read()).toEqual(BYTES.subarray(0, 100));
    const hour = (date: string) => Number(date.slice(9, 11));
    expect(dates).toHaveLength(2);
    expect((hour(dates[1] ?? '') - hour(dates[0] ?? '') + 24) % 24).toBe(1);
  });

  test('the dates of the store go on', async () => {
    const date = 'Fri, 02 Jan 2026 03:04:05 GMT';
    odd.answer = (_, honest) => {
      const answer = honest();
      return { ...answer, headers: { ...answer.headers, date } };
    };
    await read();
    expect(store.dates.latestMs).toBe(Date.parse(date));
  });
});

test('new credentials are signed with as soon as they are there', async () => {
  let accessKeyId = 'first';
  store.close();
  store = open({ credentials: async () => ({ ...CREDENTIALS, accessKeyId }), maxAttempts: 3 });
  await read();
  accessKeyId = 'second';
  odd.answer = ({ headers }, honest) =>
    String(headers.authorization).includes('=first/') ? errorAnswer(403, 'ExpiredToken') : honest();
  expect(await read()).toEqual(BYTES.subarray(0, 100));
});

test("every request goes through a caller's own client", async () => {
  store.close();
  const client = new S3Client({
    endpoint: odd.endpoint,
    region: 'us-east-1',
    credentials: CREDENTIALS,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  store = openS3Store({ bucket: 'bucket', client, maxAttempts: 1 });
  await read();
  await read();
  expect(odd.requests.map(isOfSdk)).toEqual([true, true]);
  client.destroy();
});

test('a store that checks signatures takes those of any key', async () => {
  const server = await startTestStore();
  const { prefix, ...at } = server.volume();
  const real = openS3Store(at);
  try {
    for (const name of ['first', "it's (1) & 50%/ü~ *+=,;:@$!", 'a  b', 'x'.repeat(200)]) {
      const key = `${prefix}/${name}`;
      await server.client.send(new PutObjectCommand({ Bucket: at.bucket, Key: key, Body: BYTES }));
      const target = Buffer.alloc(10);
      expect(await readInto(real, key, [target], 5)).toMatchObject({ sizeBytes: BYTES.byteLength });
      expect(target).toEqual(BYTES.subarray(5, 15));
    }
  } finally {
    real.close();
    await server.stop();
  }
});

test('a whole object that comes for a range up to its end is read to it, and keeps its connection', async () => {
  odd.answer = (request, honest) => honest({ ...request, headers: { ...request.headers, range: undefined } });
  await read(900);
  let connections = 0;
  const count = () => {
    connections++;
  };
  subscribe('undici:client:connected', count);
  try {
    for (let i = 0; i < 8; i++) expect(await read(900)).toEqual(BYTES.subarray(900));
    // A second one at most, for a request that comes while the answer before it is being ended.
    expect(connections).toBeLessThanOrEqual(2);
  } finally {
    unsubscribe('undici:client:connected', count);
  }
});
