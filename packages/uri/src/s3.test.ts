import { type LocalS3, startLocalS3, startOddStore } from '@blockyard/local-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { connectUri, createUri } from './index.js';

let store: LocalS3;
let query: string;

beforeAll(async () => {
  store = await startLocalS3();
  query = `endpoint=${encodeURIComponent(store.endpoint)}&region=${store.region}`;
  vi.stubEnv('AWS_ACCESS_KEY_ID', store.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', store.credentials.secretAccessKey);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await store.stop();
});

test('a volume is created with its sector and chunk, opened by the same URI, and keeps its data', async () => {
  const uri = `s3://${store.bucket}/disks/one?${query}&sector=512&chunk=64K`;
  await expect(createUri(uri, { sizeBytes: 2 ** 20, reserve: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await createUri(uri, { sizeBytes: 2 ** 20 });
  await expect(createUri(uri, { sizeBytes: 2 ** 20 })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  const device = await connectUri(uri);
  expect(device.info).toMatchObject({ sectorSize: 512, sizeSectors: 2048, preferredIoBytes: 65_536 });
  await device.write(3, [new Uint8Array(512).fill(9)]);
  await device.disconnect();
  const again = await connectUri(uri, { readOnly: true });
  const read = new Uint8Array(512);
  await again.read(3, [read]);
  expect(read[511]).toBe(9);
  await again.disconnect();
});

test('a volume that is not what the URI says is refused', async () => {
  const uri = `s3://${store.bucket}/disks/two?${query}`;
  await createUri(uri, { sizeBytes: 2 ** 20 });
  await expect(connectUri(`${uri}&sector=512`)).rejects.toThrow('was created with ?sector=4096, not 512');
  await expect(connectUri(`${uri}&chunk=64K`)).rejects.toThrow('was created with ?chunk=1048576, not 65536');
});

test('a volume is opened as what its root says, and refused if the URI says otherwise', async () => {
  const uri = `s3://${store.bucket}/disks/log?${query}`;
  await createUri(uri, { sizeBytes: 2 ** 20, layout: 'log' });
  const device = await connectUri(`${uri}&layout=log&segments-in-flight=2&map-memory=4M&concurrency=8`);
  expect(device.info).toMatchObject({ name: `s3://${store.bucket}/disks/log`, sectorSize: 4096, sizeSectors: 256 });
  expect(device.layout).toBe('log');
  await device.write(3, [new Uint8Array(4096).fill(9)]);
  await device.disconnect();
  const again = await connectUri(uri, { readOnly: true });
  const read = new Uint8Array(4096);
  await again.read(3, [read]);
  expect(read[4095]).toBe(9);
  await again.disconnect();
  await expect(connectUri(`${uri}&layout=chunks`)).rejects.toThrow('was created with ?layout=log, not chunks');
  await expect(connectUri(`${uri}&chunk=1M`)).rejects.toThrow('?chunk= is for a volume of chunks');

  const chunks = `s3://${store.bucket}/disks/chunks?${query}`;
  await createUri(chunks, { sizeBytes: 2 ** 20 });
  const other = await connectUri(`${chunks}&layout=chunks`);
  expect(other.layout).toBe('chunks');
  await other.disconnect();
  await expect(connectUri(`${chunks}&layout=log`)).rejects.toThrow('was created with ?layout=chunks, not log');
  await expect(connectUri(`${chunks}&map-memory=4M`)).rejects.toThrow('?map-memory= is for a log');
  await expect(connectUri(chunks.replace('?', '@daily?'))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});

test.each([
  ['chunks', 'data'],
  ['log', 'log'],
] as const)('a volume of layout %s tells what went to its store, also through a cache', async (layout, name) => {
  const uri = `s3://${store.bucket}/disks/counted-${layout}?${query}`;
  await createUri(uri, { sizeBytes: 2 ** 20, layout });
  const device = await connectUri(uri, { cacheSizeBytes: 2 ** 20 });
  expect(device.storeTraffic?.().classes[name]?.requests.put ?? 0).toBe(0);
  await device.write(3, [new Uint8Array(4096).fill(9)]);
  await device.flush();
  const traffic = device.storeTraffic?.();
  const classes = traffic?.classes ?? {};
  expect(classes[name]?.requests.put).toBe(1);
  expect(classes[name]?.uploadBytes).toBeGreaterThanOrEqual(4096);
  expect(classes.root?.requests.put).toBeGreaterThan(0);
  await device.disconnect();
});

test('a layout that is not known is UNSUPPORTED', async () => {
  const odd = await startOddStore();
  const uri = `s3://bucket/disks/later?endpoint=${encodeURIComponent(odd.endpoint)}`;
  await createUri(uri, { sizeBytes: 2 ** 20 });
  const root = odd.objects.get('disks/later/volume.json');
  if (root === undefined) throw new Error('a volume has a root');
  const text = Buffer.from(root.body).toString().replace('"chunks"', '"tree"');
  odd.objects.set('disks/later/volume.json', { ...root, body: Buffer.from(text) });
  await expect(connectUri(uri)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('"tree"'),
  });
  await odd.stop();
});

test('a volume that has lost an object opens with ?accept-missing=true alone', async () => {
  const store = await startOddStore();
  const uri = `s3://bucket/disks/three?endpoint=${encodeURIComponent(store.endpoint)}&chunk=64K`;
  await createUri(uri, { sizeBytes: 2 ** 20 });
  const device = await connectUri(uri);
  await device.write(0, [new Uint8Array(2 * 65_536).fill(9)]);
  await device.disconnect();
  expect(store.objects.delete('disks/three/data/000000000000')).toBe(true);
  await expect(connectUri(uri)).rejects.toMatchObject({ code: 'CORRUPT' });
  await expect(connectUri(`${uri}&accept-missing=false`)).rejects.toMatchObject({ code: 'CORRUPT' });
  const found = await connectUri(`${uri}&accept-missing=true`);
  const read = new Uint8Array(2 * 65_536).fill(1);
  await found.read(0, [read]);
  expect([read[0], read[65_536]]).toEqual([0, 9]);
  await found.disconnect();
  await store.stop();
});

test('a volume that is not there is NOT_FOUND', async () => {
  const opened = connectUri(`s3://${store.bucket}/disks/none?${query}`);
  await expect(opened).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('how patient to be with a store is said by the URI, or else by the caller', async () => {
  const unreachable = `s3://${store.bucket}/disks/none?endpoint=http://127.0.0.1:1&region=x`;
  const attempts = async (uri: string, options = {}) => {
    const error = await connectUri(uri, options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    return Number(/, (\d+) attempts/.exec((error as Error).message)?.[1] ?? 1);
  };
  expect(await attempts(`${unreachable}&outage=0s`)).toBe(1);
  expect(await attempts(unreachable, { maxOutageMs: 0 })).toBe(1);
  expect(await attempts(`${unreachable}&outage=0s`, { maxOutageMs: 600_000 })).toBe(1);
  expect(await attempts(`${unreachable}&outage=wait&attempts=2`)).toBe(2);
  expect(await attempts(`${unreachable}&outage=1s&timeout=5s&concurrency=8&min-concurrency=2`)).toBeGreaterThan(1);
});

test.each(['chunks', 'log'] as const)('what %s and the cache above them tell is there for monitors', async (layout) => {
  const uri = `s3://${store.bucket}/disks/told-${layout}?${query}`;
  await createUri(uri, { sizeBytes: 2 ** 20, layout });
  const device = await connectUri(uri, { cacheSizeBytes: 2 ** 20, cache: { maxDirtyAgeMs: Number.POSITIVE_INFINITY } });
  await device.write(3, [new Uint8Array(4096).fill(9)]);
  expect(device.cacheSnapshot?.()).toMatchObject({ dirtyBytes: 4096, oldestDirtyMs: expect.any(Number) });
  expect(device.logSnapshot?.()?.unflushedBytes).toBe(layout === 'log' ? 0 : undefined);
  await device.flush();
  expect(device.cacheSnapshot?.()).toMatchObject({ dirtyBytes: 0, oldestDirtyMs: undefined });
  const told = device.storeSnapshot?.();
  const puts = told?.attempts
    .filter(({ kind }) => kind === 'put')
    .reduce((sum, { durations }) => sum + durations.count, 0);
  expect(puts).toBe(told?.traffic.requests.put);
  expect(told).toMatchObject({ availability: { isAway: false }, requestsInFlight: 0 });
  await device.disconnect();
  const bare = await connectUri(uri, { readOnly: true });
  expect([bare.cacheSnapshot, bare.logSnapshot?.()]).toEqual([undefined, undefined]);
  expect(bare.storeSnapshot?.().traffic.requests.get).toBeGreaterThan(0);
  await bare.disconnect();
});
