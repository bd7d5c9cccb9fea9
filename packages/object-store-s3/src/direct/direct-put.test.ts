import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import {
  type AnswerRule,
  errorAnswer,
  type OddStore,
  type StoreAnswer,
  type StoreRequest,
  startOddStore,
  startTestStore,
} from '@blockyard/local-s3';
import { type PutResult, readInto, readWhole } from '@blockyard/object-store';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openS3Store, type S3StoreOptions } from '../index.js';
import type { S3ObjectStore } from '../store.js';
import { CERTIFICATE, KEY } from '../testing/certificate.js';

const CREDENTIALS = { accessKeyId: 'AKID', secretAccessKey: 'secret' };
const BYTES = randomBytes(200_000);

let odd: OddStore;
const stores: S3ObjectStore[] = [];

beforeEach(async () => {
  odd = await startOddStore();
});
afterEach(async () => {
  for (const store of stores.splice(0)) store.close();
  await odd.stop();
});

function open(options: Partial<S3StoreOptions> = {}): S3ObjectStore {
  const { endpoint } = odd;
  const store = openS3Store({ bucket: 'bucket', endpoint, credentials: CREDENTIALS, maxAttempts: 1, ...options });
  stores.push(store);
  return store;
}

/** After its first PUT. */
async function warm(options: Partial<S3StoreOptions> = {}): Promise<S3ObjectStore> {
  const store = open(options);
  expect(await store.put('first', BYTES, 'any', 'stamp')).toMatchObject({ kind: 'stored' });
  odd.requests.length = 0;
  return store;
}

/** What the SDK puts on each request that it makes. */
const isOfSdk = ({ headers }: StoreRequest) => headers['amz-sdk-invocation-id'] !== undefined;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('after one PUT through the SDK, PUTs go past it, and say and store the same', async () => {
  const store = open();
  await store.put('k', BYTES, 'absent', 'stamp');
  await store.put('k2', BYTES, 'absent', 'stamp');
  const [first, second] = odd.requests;
  expect(odd.requests.map(isOfSdk)).toEqual([true, false]);
  expect(odd.objects.get('k2')).toEqual(odd.objects.get('k'));
  for (const name of [
    'content-length',
    'content-type',
    'host',
    'if-none-match',
    'x-amz-content-sha256',
    'x-amz-meta-blockyard',
    'accept-encoding',
  ]) {
    expect(second?.headers[name], name).toBe(first?.headers[name]);
  }
  expect(second?.headers['x-amz-content-sha256']).toBe(sha256(BYTES));
});

test.each([
  ['of its own', (lengthBytes: number) => new ArrayBuffer(lengthBytes)],
  ['shared with other threads', (lengthBytes: number) => new SharedArrayBuffer(lengthBytes)],
])('a large body in memory %s is signed by its hash', async (_name, memory) => {
  const store = await warm();
  const body = new Uint8Array(memory(300_000), 7, 290_000).fill(3);
  expect(await store.put('k', body, 'absent', 'stamp')).toMatchObject({ kind: 'stored' });
  expect(odd.requests.map(isOfSdk)).toEqual([false]);
  expect(odd.requests[0]?.headers['x-amz-content-sha256']).toBe(sha256(body));
  expect(odd.objects.get('k')?.body.equals(body)).toBe(true);
});

test('while a large body is hashed others are served', async () => {
  const store = await warm();
  let goOn = () => {};
  const hashed = new Promise<void>((resolve) => (goOn = resolve));
  const { subtle } = webcrypto;
  const digest = subtle.digest.bind(subtle);
  const spy = vi.spyOn(subtle, 'digest').mockImplementation((...args) => hashed.then(() => digest(...args)));
  try {
    const putting = store.put('large', new Uint8Array(1 << 20), 'absent', 'stamp');
    expect(await readInto(store, 'first', [new Uint8Array(1)], 0)).toMatchObject({ sizeBytes: BYTES.byteLength });
    expect(odd.requests.map(({ method }) => method)).toEqual(['GET']);
    goOn();
    expect(await putting).toMatchObject({ kind: 'stored' });
    expect(spy).toHaveBeenCalledTimes(1);
  } finally {
    spy.mockRestore();
  }
});

test('a GET may be the one that is learnt from, and a body may be empty', async () => {
  const store = open();
  await readInto(store, 'k', [new Uint8Array(1)], 0);
  expect(await store.put('k', new Uint8Array(), 'absent', 'stamp')).toMatchObject({ kind: 'stored', late: false });
  expect(odd.requests.map(isOfSdk)).toEqual([true, false]);
  expect(odd.objects.get('k')?.body).toHaveLength(0);
});

test('a condition that does not hold is lost, and what is there is told', async () => {
  const store = await warm();
  const taken = await store.put('k', BYTES, 'absent', 'mine');
  expect(await store.put('k', BYTES, 'absent', 'other')).toMatchObject({ kind: 'lost', found: { stamp: 'mine' } });
  const etag = taken.kind === 'stored' ? taken.etag : '';
  expect(await store.put('k', randomBytes(10), { etag }, 'other')).toMatchObject({ kind: 'stored' });
  expect(await store.put('k', randomBytes(10), { etag }, 'third')).toMatchObject({ kind: 'lost' });
  expect(odd.requests.filter(({ method }) => method === 'PUT').map(isOfSdk)).toEqual([false, false, false, false]);
});

test('the classes of traffic are told', async () => {
  const store = open({ classOf: (key) => key.split('/')[0] ?? '' });
  for (const key of ['data/1', 'data/2']) await store.put(key, BYTES, 'absent', 'stamp');
  await readInto(store, 'data/1', [new Uint8Array(10)], 5);
  await store.head('root');
  for await (const _ of store.list('data/'));
  await store.delete([{ key: 'root' }]);
  expect(store.traffic.classes).toMatchObject({
    data: {
      requests: { put: 2, get: 1, list: 1, head: 0, delete: 0 },
      uploadBytes: 2 * BYTES.byteLength,
      downloadBytes: 10,
    },
    root: { requests: { head: 1, delete: 1, put: 0 }, uploadBytes: 0, downloadBytes: 0 },
  });
});

test('a large body goes out whole', async () => {
  const server = await startTestStore();
  const { prefix, ...at } = server.volume();
  const store = openS3Store(at);
  try {
    const body = randomBytes(3_000_001);
    for (const stamp of ['a', 'two  spaces', 'x'.repeat(1024)]) {
      const key = `${prefix}/${stamp.length}`;
      expect(await store.put(key, body, 'absent', stamp)).toMatchObject({ kind: 'stored', late: false });
      const found = await readWhole(store, key, body.byteLength);
      expect(found?.version.stamp).toBe(stamp);
      expect(sha256(found?.bytes ?? new Uint8Array())).toBe(sha256(body));
    }
  } finally {
    store.close();
    await server.stop();
  }
});

const OK = { etag: '"e"', 'content-length': '0' };
/** What a store may answer a PUT, or a GET, with. */
const ANSWERS: Readonly<Record<string, StoreAnswer | 'reset'>> = {
  'a yes': { status: 200, headers: { etag: '"e"' } },
  'a yes with an empty ETag': { status: 200, headers: { etag: '""' } },
  'a yes without an ETag': { status: 200 },
  'another yes': { status: 204, headers: { etag: '"e"' } },
  'an error within a yes': { ...errorAnswer(200, 'InternalError'), headers: { etag: '"e"' } },
  'a page': { status: 200, headers: { 'content-type': 'text/html', etag: '"e"' }, body: '<html>' },
  'a page that says that nothing is there': { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' },
  'a packed yes': { status: 200, headers: { ...OK, 'content-encoding': 'gzip' } },
  'a lost condition': errorAnswer(412, 'PreconditionFailed'),
  'a conflict': errorAnswer(409, 'ConditionalRequestConflict'),
  'no such bucket': errorAnswer(404, 'NoSuchBucket'),
  'no rights': errorAnswer(403, 'AccessDenied', 'you may not'),
  'no rights, in no words': { status: 403 },
  'a bad request, in no words': { status: 400 },
  'an expired token': errorAnswer(400, 'ExpiredToken'),
  'a wrong hash': errorAnswer(400, 'XAmzContentSHA256Mismatch'),
  'too much': errorAnswer(413, 'EntityTooLarge'),
  'another region': { ...errorAnswer(301, 'PermanentRedirect'), headers: { 'x-amz-bucket-region': 'eu-west-1' } },
  'a login': { status: 302, headers: { location: 'http://portal.example/login' } },
  'a store that is busy': errorAnswer(503, 'SlowDown'),
  'a gateway': { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>' },
  'a store that broke': errorAnswer(500, 'InternalError'),
  'a full store': errorAnswer(507, 'XMinioStorageFull'),
  'a store that cannot': errorAnswer(501, 'NotImplemented'),
  'a reset': 'reset',
};

describe('an answer comes to the same with the SDK and without it', () => {
  /** The outcome, and what was asked. The first PUT or GET is answered so; what is asked to find out about it, honestly. */
  async function outcome(store: S3ObjectStore, answer: StoreAnswer | 'reset', run: (store: S3ObjectStore) => unknown) {
    let isFirst = true;
    const rule: AnswerRule = (_, honest) => {
      const given = isFirst ? answer : honest();
      isFirst = false;
      return given;
    };
    odd.answer = rule;
    odd.objects.delete('k');
    odd.requests.length = 0;
    const result = await Promise.resolve(run(store)).catch(told);
    return { result: told(result), asked: odd.requests.map(({ method }) => method) };
  }

  function told(result: unknown): unknown {
    if (result instanceof Error) {
      const { code, message } = result as Error & { code?: string };
      // How Node and undici tell of a reset is not the same; what it is called is.
      return { code, message: message.replace(/ECONNRESET.*/, 'ECONNRESET') };
    }
    const { error, ...rest } = (result ?? {}) as { error?: unknown };
    return error === undefined ? result : { ...rest, error: told(error) };
  }

  test.each(Object.entries(ANSWERS))('%s', async (_, answer) => {
    const client = new S3Client({
      endpoint: odd.endpoint,
      region: 'us-east-1',
      credentials: CREDENTIALS,
      forcePathStyle: true,
      maxAttempts: 1,
    });
    const direct = await warm();
    const throughSdk = openS3Store({ bucket: 'bucket', client, maxAttempts: 1 });
    stores.push(throughSdk);
    await direct.put('there', BYTES, 'any', 'before');
    const put = (store: S3ObjectStore): Promise<PutResult> => store.put('k', BYTES, 'absent', 'stamp');
    const get = (store: S3ObjectStore) => readInto(store, 'there', [new Uint8Array(10)], 5);
    for (const run of [put, get]) {
      const expected = await outcome(throughSdk, answer, run);
      expect(await outcome(direct, answer, run)).toEqual(expected);
      expect(odd.requests.map(isOfSdk)[0]).toBe(false);
    }
    client.destroy();
  });
});

test('a PUT whose answer is lost is looked at, and found to be stored', async () => {
  const store = await warm({ maxAttempts: 3, random: () => 0 });
  let puts = 0;
  odd.answer = ({ method }, honest) => {
    const answer = honest();
    return method === 'PUT' && ++puts === 1 ? 'reset' : answer;
  };
  expect(await store.put('k', BYTES, 'absent', 'stamp')).toMatchObject({ kind: 'stored', late: true });
  expect(odd.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'HEAD']);
});

test('a PUT that is in flight as the store is closed ends, and may be late', async () => {
  const store = await warm();
  let arrived = () => {};
  const begun = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  odd.answer = () => {
    arrived();
    return new Promise(() => {});
  };
  const outcome = store.put('k', BYTES, 'absent', 'stamp');
  await begun;
  store.close();
  expect(await outcome).toMatchObject({ kind: 'failed', error: { code: 'DISCONNECTED' }, late: true });
});

test('a PUT that is not sent, since there are no credentials, is certainly not done', async () => {
  let isGone = false;
  const credentials = async () => {
    if (isGone) throw new Error('gone');
    return { ...CREDENTIALS, expiration: new Date(Date.now() - 1000) };
  };
  const store = await warm({ credentials });
  isGone = true;
  expect(await store.put('k', BYTES, 'absent', 'stamp')).toMatchObject({ kind: 'failed', late: false });
  expect(odd.requests).toEqual([]);
});

describe('over TLS', () => {
  let server: Server;
  const hashes: unknown[] = [];
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  beforeEach(async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    hashes.length = 0;
    server = createServer({ cert: CERTIFICATE, key: KEY }, (incoming, outgoing) => {
      hashes.push(incoming.headers['x-amz-content-sha256']);
      incoming.resume().once('end', () => outgoing.writeHead(200, OK).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    server.closeAllConnections();
    server.close();
  });

  test.each([
    [{}, 'UNSIGNED-PAYLOAD'],
    [{ signBodies: true }, sha256(BYTES)],
  ])('with %o, what is signed of a body is %s', async (options, hash) => {
    const store = open({ ...options, endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
    for (let round = 0; round < 2; round++) {
      expect(await store.put('k', BYTES, 'any', 'stamp')).toMatchObject({ kind: 'stored' });
    }
    expect(hashes).toEqual([sha256(BYTES), hash]);
  });
});
