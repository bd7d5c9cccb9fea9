import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { crc32 } from 'node:zlib';
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { type BlockDevice, BlockError } from '@blockyard/block';
import { type FaultProxy, startFaults, startTestStore, type TestStore } from '@blockyard/local-s3';
import { trafficBetween } from '@blockyard/object-store';
import { openS3Store } from '@blockyard/object-store-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectS3, createVolume, deleteVolume, measureVolume, type StoreOptions } from './index.js';
import { brief } from './testing/brief.js';
import { TestClock } from './testing/clock.js';

let store: TestStore;
let proxy: FaultProxy & { volume: TestStore['volume'] };
let at: ReturnType<TestStore['volume']>;

beforeAll(async () => {
  store = await startTestStore('local');
  proxy = await startFaults(store);
});
beforeEach(() => {
  proxy.onRequest = () => undefined;
  at = proxy.volume();
});
afterAll(async () => {
  await proxy.stop();
  await store.stop();
});

const MiB = 1 << 20;
const codeOf = (code: string) => expect.objectContaining({ name: 'BlockError', code });

async function keys(): Promise<string[]> {
  const { Contents = [] } = await store.client.send(
    new ListObjectsV2Command({ Bucket: at.bucket, Prefix: `${at.prefix}/` }),
  );
  return Contents.map(({ Key = '' }) => Key.slice(at.prefix.length + 1));
}

/** The requests that `run` makes, without what each has in common. Devices of other tests look at their roots now and then. */
async function requestsOf(run: () => Promise<unknown>): Promise<string[]> {
  proxy.requests.length = 0;
  await run();
  const isOfOthers = ({ path }: { path: string }) => path.endsWith('/volume.json') && !path.includes(at.prefix);
  return proxy.requests.filter((request) => !isOfOthers(request)).map(brief);
}

async function open(options: { sizeBytes?: number; objectSizeBytes?: number } = {}): Promise<BlockDevice> {
  await createVolume({ ...at, sizeBytes: 16 * MiB, ...options });
  return connectS3({ ...at, clock: new TestClock() });
}

test('a new volume is one object, whatever its size, and reads as zeroes', async () => {
  await createVolume({ ...at, sizeSectors: 2 ** 40, sectorSize: 4096 });
  expect(await keys()).toEqual(['volume.json']);
  const device = await connectS3(at);
  expect(device.info).toMatchObject({
    name: `s3://${at.bucket}/${at.prefix}`,
    sectorSize: 4096,
    sizeSectors: 2 ** 40,
    readOnly: false,
    preferredIoBytes: MiB,
    native: { discard: true, writeZeroes: true, extents: true },
  });
  const buffer = new Uint8Array(4096).fill(1);
  expect(await requestsOf(() => device.read(2 ** 40 - 1, [buffer]))).toEqual([]);
  expect(buffer).toEqual(new Uint8Array(4096));
  await device.disconnect();
  expect(await keys()).toEqual(['volume.json']);
});

test('a snapshot tells the traffic of each class since the volume was opened', async () => {
  await createVolume({ ...at, sizeBytes: 8 * MiB });
  const device = await connectS3(at);
  const opened = device.snapshot().traffic;
  expect(opened.classes.root?.requests).toMatchObject({ get: expect.any(Number), put: 1 });
  expect(opened.classes.data?.requests.put ?? 0).toBe(0);
  await device.write(0, [new Uint8Array(2 * MiB).fill(1)]);
  await device.flush();
  const { classes } = trafficBetween(opened, device.snapshot().traffic);
  expect(classes.data?.requests.put).toBe(2);
  expect(classes.data?.uploadBytes).toBeGreaterThanOrEqual(2 * MiB);
  expect(opened.classes.data?.requests.put ?? 0).toBe(0);
  await device.disconnect();
});

test('a volume is measured while it is open: all its data, those past the end too, and nothing else', async () => {
  const device = await open({ sizeBytes: 2048 * MiB });
  const { prefix, ...bucket } = at;
  const opened = openS3Store(bucket);
  try {
    const place = { store: opened, prefix };
    expect(await measureVolume(place)).toEqual({ dataBytes: 0, objects: 0 });
    await device.write(0, [new Uint8Array(2 * MiB).fill(1)]);
    // In another of the ranges that are listed at once.
    await device.write((2047 * MiB) / device.info.sectorSize, [new Uint8Array(MiB).fill(1)]);
    await device.flush();
    const { Contents = [] } = await store.client.send(
      new ListObjectsV2Command({ Bucket: at.bucket, Prefix: `${prefix}/data/` }),
    );
    const dataBytes = Contents.reduce((sum, { Size = 0 }) => sum + Size, 0);
    expect(dataBytes).toBeGreaterThanOrEqual(3 * MiB);
    expect(await measureVolume(place)).toEqual({ dataBytes, objects: 3 });
    await expect(measureVolume({ store: opened, prefix: `${prefix}-none` })).rejects.toEqual(codeOf('NOT_FOUND'));
  } finally {
    opened.close();
    await device.disconnect();
  }
});

test('what was written is there for the next who opens the volume', async () => {
  const device = await open();
  const bytes = Uint8Array.from({ length: 3 * MiB }, (_, position) => position >>> 9);
  await device.write(100, [bytes]);
  await device.disconnect();
  const again = await connectS3({ ...at, readOnly: true });
  const buffer = new Uint8Array(3 * MiB);
  await again.read(100, [buffer]);
  expect(Buffer.compare(buffer, bytes)).toBe(0);
  await again.disconnect();
});

test('an id tells a volume from any other, also from one that is made in its place', async () => {
  const idOf = async (readOnly: boolean) => {
    await using device = await connectS3({ ...at, clock: new TestClock(), readOnly });
    return device.volumeId;
  };
  await createVolume({ ...at, sizeBytes: MiB });
  const id = await idOf(false);
  expect([id, await idOf(true)]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), id]);
  await deleteVolume(at);
  await createVolume({ ...at, sizeBytes: MiB });
  expect(await idOf(true)).not.toBe(id);
});

test('the objects are laid out as the format says', async () => {
  const device = await open({ objectSizeBytes: 64 * 1024 });
  await device.write(17, [new Uint8Array(8192).fill(7)]);
  await device.disconnect();
  expect(await keys()).toEqual(['data/000000000001', 'volume.json']);
  const got = await store.client.send(
    new GetObjectCommand({ Bucket: at.bucket, Key: `${at.prefix}/data/000000000001` }),
  );
  const bytes = (await got.Body?.transformToByteArray()) ?? new Uint8Array();
  // A header, then parts with their checksums: one sector of zeroes, two of sevens, and nothing after them.
  const part = 4096 + 4;
  expect(bytes.byteLength).toBe(96 + 3 * part);
  const header = Buffer.from(bytes.subarray(0, 96));
  const [version, volumeId, index, epoch, opening, writeId, dataBytes] = got.Metadata?.blockyard?.split('/') ?? [];
  expect([version, index, epoch, dataBytes]).toEqual(['2', '1', '1', String(3 * 4096)]);
  expect(header.toString('latin1', 0, 8)).toBe('blkydata');
  expect([header.readUInt32LE(8), header.readUInt32LE(12)]).toEqual([2, 4096]);
  expect([16, 24, 80].map((at) => Number(header.readBigUInt64LE(at)))).toEqual([1, 1, 3 * 4096]);
  expect([32, 48, 64].map((at) => header.toString('hex', at, at + 16))).toEqual([volumeId, opening, writeId]);
  const place = Buffer.from(bytes.subarray(32, 56));
  place.writeBigUInt64LE(1n, 16);
  const checks = [0, 7, 7].map((value, number) => {
    const data = bytes.subarray(96 + number * part, 96 + number * part + 4096);
    expect(new Set(data)).toEqual(new Set([value]));
    return crc32(data, crc32(Buffer.from([number, 0, 0, 0]), crc32(place)));
  });
  expect(checks).toEqual([0, 1, 2].map((number) => Buffer.from(bytes).readUInt32LE(96 + number * part + 4096)));
  const stored = Buffer.concat(
    [0, 1, 2].map((number) => bytes.subarray(96 + number * part + 4096, 96 + (number + 1) * part)),
  );
  expect(header.readUInt32LE(88)).toBe(crc32(stored));
  expect(header.readUInt32LE(92)).toBe(crc32(header.subarray(0, 92)));
});

test('requests are as few as they can be', async () => {
  const device = await open();
  const sectors = (count: number, value = 1) => [new Uint8Array(count * 4096).fill(value)];
  expect(await requestsOf(() => device.write(0, sectors(256))), 'a whole new object').toEqual([
    'PUT data/000000000000',
  ]);
  expect(await requestsOf(() => device.write(0, sectors(256, 2))), 'a whole object').toEqual(['PUT data/000000000000']);
  expect(await requestsOf(() => device.write(300, sectors(1))), 'a part of a new object').toEqual([
    'PUT data/000000000001',
  ]);
  expect(await requestsOf(() => device.write(301, sectors(1))), 'a part of an object written a moment ago').toEqual([
    'PUT data/000000000001',
  ]);
  expect(await requestsOf(() => device.read(10, sectors(100))), 'a read within an object').toEqual([
    'GET data/000000000000',
  ]);
  const spanning = await requestsOf(() => device.read(200, sectors(1000)));
  expect(spanning.sort(), 'a read over five objects, three of them absent').toEqual([
    'GET data/000000000000',
    'GET data/000000000001',
  ]);
  expect(await requestsOf(() => device.write(600, sectors(1, 0))), 'zeroes where nothing is').toEqual([]);
  expect(await requestsOf(() => device.flush()), 'a flush').toEqual(['GET volume.json']);
  expect(await requestsOf(() => device.flush()), 'a flush of nothing').toEqual([]);
  // From here on another flush is expected: the look at the root that it needs begins beside each change.
  const looked = await requestsOf(() => device.write(0, sectors(256, 3)));
  expect(looked.sort(), 'a write before a flush').toEqual(['GET volume.json', 'PUT data/000000000000']);
  expect(await requestsOf(() => device.flush()), 'a flush that was expected').toEqual([]);
  expect(await requestsOf(() => device.write(0, sectors(256, 0))), 'zeroes over an object').toEqual([
    'GET volume.json',
    'GET volume.json',
    'POST ?delete',
  ]);
  expect(await requestsOf(() => device.discard(0, device.info.sizeSectors)), 'a discard of all').toEqual([
    'GET volume.json',
    'GET volume.json',
    'POST ?delete',
  ]);
  expect(await requestsOf(() => device.discard(0, device.info.sizeSectors)), 'a discard of nothing').toEqual([]);
  expect(await requestsOf(() => device.resize(8192)), 'growing').toEqual(['PUT volume.json']);
  await device.disconnect();
});

test('data that become all zeroes are an object no more, and zeroes at the end are not stored', async () => {
  const device = await open();
  await device.write(0, [new Uint8Array(2 * 4096).fill(1)]);
  await device.write(0, [new Uint8Array(4096)]);
  await device.write(1, [new Uint8Array(4096)]);
  expect(await keys()).toEqual(['volume.json']);
  await device.disconnect();
});

test('extents tell which objects exist', async () => {
  const device = await open();
  await device.write(256, [new Uint8Array(4096).fill(1)]);
  await device.write(512, [new Uint8Array(4096).fill(1)]);
  expect(await device.extents(250, 1000)).toEqual([
    { start: 250, count: 6, type: 'zero' },
    { start: 256, count: 512, type: 'data' },
    { start: 768, count: 482, type: 'zero' },
  ]);
  await device.disconnect();
});

test('a discard over many objects is one delete, and is there for the next who opens the volume', async () => {
  const count = 40;
  const device = await open({ sizeBytes: 4096 * count, objectSizeBytes: 4096 });
  await device.write(0, [new Uint8Array(4096 * count).fill(1)]);
  expect(await requestsOf(() => device.discard(10, 20))).toEqual(['GET volume.json', 'POST ?delete']);
  await device.disconnect();
  const again = await connectS3(at);
  expect(await again.extents(0, count)).toEqual([
    { start: 0, count: 10, type: 'data' },
    { start: 10, count: 20, type: 'zero' },
    { start: 30, count: 10, type: 'data' },
  ]);
  await again.disconnect();
});

test('deleting a volume leaves nothing of it, and all else as it is', async () => {
  const device = await open();
  await device.write(0, [new Uint8Array(3 * MiB).fill(1)]);
  await device.disconnect();
  const Key = `${at.prefix}/data/notes.txt`;
  await store.client.send(new PutObjectCommand({ Bucket: at.bucket, Key, Body: 'not ours' }));
  await deleteVolume(at);
  expect(await keys()).toEqual(['data/notes.txt']);
});

test.each([
  ['reading holes', (device: BlockDevice) => device.read(1000, [new Uint8Array(4096)])],
  ['writing zeroes over holes', (device: BlockDevice) => device.write(1000, [new Uint8Array(4096)])],
  ['discarding holes', (device: BlockDevice) => device.discard(1000, 100)],
  ['flushing nothing', (device: BlockDevice) => device.flush()],
  ['asking for extents', (device: BlockDevice) => device.extents(0, 1000)],
])('%s all the time does not keep the answers of the store waiting', async (_, run) => {
  const device = await open();
  let writing = true;
  const written = device.write(0, [new Uint8Array(4096).fill(1)]).finally(() => {
    writing = false;
  });
  for (let times = 0; writing && times < 200_000; times++) await run(device);
  expect(writing).toBe(false);
  await written;
  await device.disconnect();
});

test('an injected client is used, and left open', async () => {
  const options = { bucket: at.bucket, prefix: at.prefix, client: store.client };
  await createVolume({ ...options, sizeBytes: MiB });
  const device = await connectS3(options);
  await device.write(0, [new Uint8Array(4096).fill(1)]);
  await device.disconnect();
  expect(await keys()).toEqual(['data/000000000000', 'volume.json']);
});

test('what lies past the end after a shrink never comes back, though its removal failed', async () => {
  const device = await open({ sizeBytes: 16 * MiB });
  await device.write(0, [new Uint8Array(4 * MiB).fill(1)]);
  await device.flush();
  proxy.onRequest = ({ query }) =>
    query.has('delete') ? { kind: 'reply', status: 403, code: 'AccessDenied' } : undefined;
  await device.resize(300);
  await device.disconnect();
  expect(await keys()).toContain('data/000000000003');
  proxy.onRequest = () => undefined;
  const again = await connectS3(at);
  expect(again.info.sizeSectors).toBe(300);
  await again.resize(4096);
  const buffer = new Uint8Array(4 * MiB);
  await again.read(0, [buffer]);
  expect(buffer.subarray(0, 300 * 4096).every((byte) => byte === 1)).toBe(true);
  expect(buffer.subarray(300 * 4096).every((byte) => byte === 0)).toBe(true);
  expect(await keys()).toEqual(['data/000000000000', 'data/000000000001', 'volume.json']);
  await again.disconnect();
});

test('a growth that cannot clear what lies past the end fails, and leaves size and data', async () => {
  const device = await open();
  await device.write(0, [new Uint8Array(4 * MiB).fill(1)]);
  proxy.onRequest = ({ query }) =>
    query.has('delete') ? { kind: 'reply', status: 403, code: 'AccessDenied' } : undefined;
  await device.resize(300);
  await expect(device.resize(4096)).rejects.toEqual(codeOf('ACCESS_DENIED'));
  expect(device.info.sizeSectors).toBe(300);
  proxy.onRequest = () => undefined;
  await device.resize(4096);
  const buffer = new Uint8Array(4 * MiB);
  await device.read(0, [buffer]);
  expect(buffer.lastIndexOf(1)).toBe(300 * 4096 - 1);
  await device.disconnect();
});

test('a prefix may have what XML and URLs have other uses for', async () => {
  at = { ...at, prefix: `${at.prefix}/R&D <"new"> 'x' 100%25+1 äé日本🚀 ~;=$` };
  const device = await open();
  await device.write(0, [new Uint8Array(2 * MiB).fill(1)]);
  await device.discard(0, 256);
  await device.disconnect();
  expect(await keys()).toEqual(['data/000000000001', 'volume.json']);
  const again = await connectS3(at);
  expect((await again.extents(0, 512)).map(({ type }) => type)).toEqual(['zero', 'data']);
  await again.disconnect();
  await deleteVolume(at);
  expect(await keys()).toEqual([]);
});

test('a volume that exists is not made again, and stays as it is', async () => {
  const device = await open();
  await device.write(0, [new Uint8Array(4096).fill(1)]);
  await device.disconnect();
  await expect(createVolume({ ...at, sizeBytes: MiB })).rejects.toEqual(codeOf('ALREADY_EXISTS'));
  expect((await connectS3({ ...at, readOnly: true })).info.sizeSectors).toBe(4096);
});

test('of many who create a volume at once, one does', async () => {
  const attempts = Array.from({ length: 5 }, () => createVolume({ ...at, sizeBytes: MiB }));
  const outcomes = await Promise.allSettled(attempts);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toEqual(codeOf('ALREADY_EXISTS'));
  }
  expect(await keys()).toEqual(['volume.json']);
});

test('data without a root are not taken for zeroes of a new volume', async () => {
  await store.client.send(
    new PutObjectCommand({ Bucket: at.bucket, Key: `${at.prefix}/data/000000000000`, Body: 'x' }),
  );
  await expect(createVolume({ ...at, sizeBytes: MiB })).rejects.toEqual(codeOf('ALREADY_EXISTS'));
  await deleteVolume(at);
  await createVolume({ ...at, sizeBytes: MiB });
});

test('a volume that is not there is NOT_FOUND, and the error says where', async () => {
  const error = await connectS3(at).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BlockError);
  expect(error).toMatchObject({ code: 'NOT_FOUND', operation: 'connect', device: `s3://${at.bucket}/${at.prefix}` });
  expect((error as Error).message).toContain(`s3://${at.bucket}/${at.prefix}/volume.json`);
  await expect(deleteVolume(at)).rejects.toEqual(codeOf('NOT_FOUND'));
});

test('a bucket that is not there is NOT_FOUND, and the error names it', async () => {
  const elsewhere = { ...at, bucket: 'no-such-bucket' };
  const attempts = [connectS3, (options: StoreOptions) => createVolume({ ...options, sizeBytes: MiB }), deleteVolume];
  for (const attempt of attempts) {
    const error = await attempt(elsewhere).catch((thrown: unknown) => thrown);
    expect(error).toEqual(codeOf('NOT_FOUND'));
    expect((error as Error).message).toContain('no-such-bucket');
    expect((error as Error).message).toContain('NoSuchBucket');
  }
});

test('wrong credentials are ACCESS_DENIED, leave nothing behind, and stand in no message', async () => {
  const secretAccessKey = 'a-secret-that-no-one-may-see';
  for (const accessKeyId of [at.credentials.accessKeyId, 'unknown-key']) {
    const denied = { ...at, credentials: { accessKeyId, secretAccessKey } };
    for (const attempt of [connectS3, (options: StoreOptions) => createVolume({ ...options, sizeBytes: MiB })]) {
      const error = await attempt(denied).catch((thrown: unknown) => thrown);
      expect(error).toEqual(codeOf('ACCESS_DENIED'));
      for (let cause = error; cause instanceof Error; cause = cause.cause) {
        expect(cause.message).not.toContain(secretAccessKey);
      }
    }
  }
  expect(await keys()).toEqual([]);
});

test('a store that cannot be reached is UNAVAILABLE', async () => {
  const nowhere = { ...at, endpoint: 'http://127.0.0.1:1', maxAttempts: 1 };
  await expect(connectS3(nowhere)).rejects.toEqual(codeOf('UNAVAILABLE'));
  await expect(createVolume({ ...nowhere, sizeBytes: MiB })).rejects.toEqual(codeOf('UNAVAILABLE'));
});

test.each([
  ['is empty', ''],
  ['is no JSON', '{"format": "blockyard-volume", "ver'],
  ['is far too long', 'x'.repeat(100_000)],
])('a root that %s is CORRUPT', async (_, Body) => {
  await store.client.send(
    new PutObjectCommand({ Bucket: at.bucket, Key: `${at.prefix}/volume.json`, Body: Buffer.from(Body) }),
  );
  await expect(connectS3(at)).rejects.toEqual(codeOf('CORRUPT'));
  await expect(connectS3({ ...at, readOnly: true })).rejects.toEqual(codeOf('CORRUPT'));
  expect(await keys()).toEqual(['volume.json']);
});

test('a store that ignores conditions is refused, before anything is changed, unless it is allowed', async () => {
  await createVolume({ ...at, sizeBytes: MiB });
  const { bucket, prefix, ...connection } = at;
  const client = new S3Client(connection);
  // To the same effect: the store gets to see no conditions.
  client.middlewareStack.add(
    (next) => (args) => {
      const { IfMatch: _, IfNoneMatch: __, ...input } = args.input as PutObjectCommandInput;
      return next({ ...args, input });
    },
    { step: 'initialize' },
  );
  const careless = { bucket, prefix, client };
  await expect(connectS3(careless)).rejects.toEqual(codeOf('UNSUPPORTED'));
  await expect(createVolume({ ...careless, prefix: `${prefix}/other`, sizeBytes: MiB })).rejects.toEqual(
    codeOf('UNSUPPORTED'),
  );
  expect(await keys()).toEqual(['volume.json']);
  // Not even the epoch was taken.
  await (await connectS3({ ...careless, readOnly: true })).disconnect();
  const device = await connectS3({ ...careless, allowUnsafeStore: true });
  for (const value of [1, 2]) await device.write(0, [new Uint8Array(4096).fill(value)]);
  await device.disconnect();
  client.destroy();
});

test('a process that disconnected ends by itself', async () => {
  const script = `
    const { connectS3, createVolume } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
    const at = ${JSON.stringify(at)};
    await createVolume({ ...at, sizeBytes: 65536 });
    const device = await connectS3(at);
    await device.write(0, [new Uint8Array(4096).fill(1)]);
    await device.disconnect();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
});
