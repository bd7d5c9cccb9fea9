import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from 'vitest';
import { ClientDates } from './dates.js';

const DATE = 'Fri, 02 Jan 2026 03:04:05 GMT';
const MODIFIED = 'Thu, 01 Jan 2026 00:00:00 GMT';
const ROOT = { Bucket: 'bucket', Key: 'volume/volume.json' };

let headers: Record<string, string>;
let client: S3Client;
let dates: ClientDates;

beforeEach(() => {
  headers = { etag: '"1"', date: DATE, 'last-modified': MODIFIED };
  const handle = async () => ({ response: { statusCode: 200, headers, body: Readable.from([]) } });
  client = new S3Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: { handle } as unknown as NonNullable<S3ClientConfig['requestHandler']>,
  });
  dates = new ClientDates(client);
  dates.watch(ROOT.Key);
});

test('the dates of the store are those of its last answer, and of its last answer about the root', async () => {
  expect(dates.latestMs).toBeUndefined();
  await client.send(new GetObjectCommand(ROOT));
  expect(dates.latestMs).toBe(Date.parse(DATE));
  expect(dates.watched).toEqual({ answeredMs: Date.parse(DATE), storedMs: Date.parse(MODIFIED) });
  headers.date = 'Fri, 02 Jan 2026 03:04:15 GMT';
  await client.send(new HeadObjectCommand({ ...ROOT, Key: 'volume/data/000000000000' }));
  expect(dates.latestMs).toBe(Date.parse(DATE) + 10_000);
  expect(dates.watched?.answeredMs).toBe(Date.parse(DATE));
});

test('a store that says no dates, or none that can be read, is done without', async () => {
  headers = { etag: '"1"', date: 'yesterday' };
  await client.send(new GetObjectCommand(ROOT));
  expect(dates.latestMs).toBeUndefined();
  expect(dates.watched).toEqual({ answeredMs: undefined, storedMs: undefined });
});

test('a client is left as it was', async () => {
  await client.send(new GetObjectCommand(ROOT));
  dates.close();
  headers.date = 'Fri, 02 Jan 2026 03:04:15 GMT';
  await client.send(new GetObjectCommand(ROOT));
  expect(dates.latestMs).toBe(Date.parse(DATE));
});
