import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { type BlockDevice, isBlockError } from '@blockyard/block';
import { type FaultProxy, startFaults, startTestStore, type TestStore } from '@blockyard/local-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { connectS3, createVolume, deleteVolume, type StoreOptions } from '../index.js';
import { brief } from '../testing/brief.js';
import { TestClock } from '../testing/clock.js';
import { gate } from '../testing/gate.js';
import { TIMEOUT_MS, timingOut } from '../testing/timing-out.js';

const SECTOR = 512;
const OBJECT_SECTORS = 8;
const SECTORS = 64;

let store: TestStore;
let proxy: FaultProxy & { volume: TestStore['volume'] };
let at: StoreOptions;
/** The one that had the volume first, and is to find out. */
let first: BlockDevice;
const opened: BlockDevice[] = [];
let clock: TestClock;

beforeAll(async () => {
  store = await startTestStore();
  proxy = await startFaults(store);
});
beforeEach(async () => {
  proxy.onRequest = () => undefined;
  clock = new TestClock();
  at = { ...proxy.volume(), requestTimeoutMs: TIMEOUT_MS };
  await createVolume({ ...at, sectorSize: SECTOR, sizeSectors: SECTORS, objectSizeBytes: OBJECT_SECTORS * SECTOR });
  first = await connect();
  await first.write(0, fill(1, 32));
  await first.flush();
});
afterEach(async () => {
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});
afterAll(async () => {
  await proxy.stop();
  await store.stop();
});

async function connect(options: { readOnly?: boolean; maxAttempts?: number } = {}) {
  const device = await connectS3({ ...at, clock, ...options });
  opened.push(device);
  return device;
}

const dataRequests = () => proxy.requests.map(brief).filter((request) => request.includes('data/'));

const fill = (value: number, count = 1) => [new Uint8Array(count * SECTOR).fill(value)];

async function read(device: BlockDevice, start: number): Promise<number | undefined> {
  const buffer = new Uint8Array(SECTOR);
  await device.read(start, [buffer]);
  return buffer[0];
}

async function rootObject() {
  const Key = `${at.prefix}/volume.json`;
  const { Body, Metadata = {} } = await store.client.send(new GetObjectCommand({ Bucket: at.bucket, Key }));
  return { bytes: (await Body?.transformToByteArray()) ?? new Uint8Array(), metadata: Metadata };
}

const FENCED = expect.objectContaining({ name: 'BlockError', code: 'FENCED' });
const WHOLE = fill(9, OBJECT_SECTORS);

test('a writer whose object another one replaced is fenced, and overwrites nothing', async () => {
  const second = await connect();
  await second.write(0, fill(2, OBJECT_SECTORS));
  await second.write(8, fill(2));
  await second.flush();
  await expect(first.write(0, WHOLE)).rejects.toEqual(FENCED);
  await expect(first.write(8, fill(9))).rejects.toEqual(FENCED);
  expect(await read(second, 0)).toBe(2);
  expect(await read(second, 8)).toBe(2);
  expect(await read(second, 9)).toBe(1);
});

test('a fenced writer refuses every change from then on, without asking the store', async () => {
  // Not flushed: so that there is something that a flush, or an end, could claim.
  await first.write(32, fill(1));
  const second = await connect();
  await second.write(0, fill(2));
  await expect(first.write(0, fill(9))).rejects.toEqual(FENCED);
  proxy.requests.length = 0;
  await expect(first.write(40, fill(9))).rejects.toEqual(FENCED);
  await expect(first.discard(16, 8)).rejects.toEqual(FENCED);
  await expect(first.writeZeroes(16, 8)).rejects.toEqual(FENCED);
  await expect(first.resize(8)).rejects.toEqual(FENCED);
  await expect(first.flush()).rejects.toEqual(FENCED);
  await expect(first.disconnect()).rejects.toEqual(FENCED);
  expect(proxy.requests).toEqual([]);
});

test('a part of an object that another writer replaced is not merged into it', async () => {
  const second = await connect();
  await second.write(3, fill(2));
  await expect(first.write(4, fill(9))).rejects.toEqual(FENCED);
  expect(await read(second, 4)).toBe(1);
});

test('a writer is fenced also by an object that was rewritten with the same contents', async () => {
  const second = await connect();
  await second.write(0, fill(1, OBJECT_SECTORS));
  await expect(first.write(0, WHOLE)).rejects.toEqual(FENCED);
  expect(await read(second, 0)).toBe(1);
});

test('a writer is fenced by an object that it believes absent', async () => {
  const second = await connect();
  await second.write(40, fill(2));
  await expect(first.write(40, fill(9))).rejects.toEqual(FENCED);
  await expect(first.write(41, fill(9))).rejects.toEqual(FENCED);
  expect(await read(second, 40)).toBe(2);
});

test('a writer is fenced by the absence of an object that it has', async () => {
  const second = await connect();
  await second.discard(0, 16);
  await expect(first.write(0, WHOLE)).rejects.toEqual(FENCED);
  expect(await read(second, 0)).toBe(0);
});

test('a partial write is fenced by the absence of its object', async () => {
  const second = await connect();
  await second.discard(0, 16);
  await expect(first.write(3, fill(9))).rejects.toEqual(FENCED);
  expect(await read(second, 3)).toBe(0);
});

test('a writer that was replaced is not told that a change was made, though no object tells', async () => {
  await first.write(48, fill(1));
  const second = await connect();
  await second.write(0, fill(2));
  await expect(first.write(56, fill(9))).rejects.toEqual(FENCED);
  await expect(first.flush()).rejects.toEqual(FENCED);
  await expect(first.write(57, fill(9))).rejects.toEqual(FENCED);
});

test('a flush is not taken for one of a write that was accepted after it', async () => {
  const { passed, open } = gate();
  const begun = gate();
  proxy.onRequest = ({ method, path }) => {
    if (method !== 'PUT' || !path.includes('/data/')) return undefined;
    begun.open();
    return { kind: 'hold', until: passed };
  };
  const write = first.write(56, fill(9));
  await begun.passed;
  await first.flush();
  proxy.onRequest = () => undefined;
  open();
  await write;
  await connect();
  await expect(first.flush()).rejects.toEqual(FENCED);
});

test('a flush with nothing to flush is true even after a takeover', async () => {
  await connect();
  await first.flush();
  await first.disconnect();
});

test('a writer that was replaced discards nothing', async () => {
  const second = await connect();
  await second.write(0, fill(2, OBJECT_SECTORS));
  await expect(first.discard(0, OBJECT_SECTORS)).rejects.toEqual(FENCED);
  await expect(first.discard(8, OBJECT_SECTORS)).rejects.toEqual(FENCED);
  expect(await read(second, 0)).toBe(2);
  expect(await read(second, 8)).toBe(1);
});

test('a writer that was replaced resizes nothing', async () => {
  const second = await connect();
  await expect(first.resize(8)).rejects.toEqual(FENCED);
  expect(await read(second, 31)).toBe(1);
  await second.disconnect();
  expect((await connect()).info.sizeSectors).toBe(SECTORS);
});

test('a writer that was replaced grows into nothing that its successor has there', async () => {
  await first.resize(8);
  const second = await connect();
  await second.resize(SECTORS);
  await second.write(24, fill(2, OBJECT_SECTORS));
  await expect(first.resize(SECTORS)).rejects.toEqual(FENCED);
  expect(await read(second, 24)).toBe(2);
});

test('a read that meets an object of a later writer is FENCED, not a mix of two volumes', async () => {
  const second = await connect();
  await second.write(0, fill(2, OBJECT_SECTORS));
  await expect(read(first, 0)).rejects.toEqual(FENCED);
  await second.discard(8, OBJECT_SECTORS);
  await expect(read(first, 8)).rejects.toEqual(FENCED);
});

test('a write of the writer before, arriving after the takeover, fences no one and is built upon', async () => {
  await first.disconnect();
  const slow = await connect({ maxAttempts: 1 });
  const { passed, open } = gate();
  const late = ({ method, path }: { method: string; path: string }) => method === 'PUT' && path.includes('/data/');
  proxy.onRequest = (request) => (late(request) ? { kind: 'hold', until: passed } : undefined);
  const givenUp = [slow.write(0, fill(5, OBJECT_SECTORS)), slow.write(8, fill(5)), slow.write(40, fill(5))];
  const reason = expect.objectContaining({ code: 'TIMEOUT' });
  expect(await timingOut(Promise.allSettled(givenUp), proxy, clock)).toEqual(
    givenUp.map(() => ({ status: 'rejected', reason })),
  );
  proxy.onRequest = () => undefined;
  const next = await connect();
  open();
  await passed;
  await proxy.idle();
  // Replaced as a whole, in part, and where there was nothing when the new writer came.
  await next.write(0, fill(6, OBJECT_SECTORS));
  await next.write(9, fill(6));
  expect(await read(next, 40)).toBe(0);
  // It may as well be an object that the listing has left out: what it holds is not destroyed.
  await next.write(41, fill(6));
  await next.flush();
  expect(await read(next, 0)).toBe(6);
  expect(await read(next, 9)).toBe(6);
  expect(await read(next, 40)).toBe(5);
  expect(await read(next, 41)).toBe(6);
  await expect(slow.write(0, fill(7))).rejects.toEqual(FENCED);
});

test('of writers that open at the same moment, at most one is left that can flush', async () => {
  const attempts = await Promise.allSettled(Array.from({ length: 4 }, () => connect()));
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') expect(isBlockError(attempt.reason, 'LOCKED')).toBe(true);
  }
  const devices = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  expect(devices.length).toBeGreaterThan(0);
  const flushed = await Promise.allSettled(
    devices.map(async (device, number) => {
      await device.write(number * OBJECT_SECTORS, fill(3));
      await device.flush();
    }),
  );
  expect(flushed.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('of two writers of one epoch, as after a root was restored, only the later one can flush', async () => {
  const Key = `${at.prefix}/volume.json`;
  await first.disconnect();
  const { bytes, metadata } = await rootObject();
  const before = await connect();
  await before.write(0, fill(2));
  await before.flush();
  await store.client.send(new PutObjectCommand({ Bucket: at.bucket, Key, Body: bytes, Metadata: metadata }));
  const after = await connect();
  await after.write(8, fill(3));
  await after.flush();
  await expect(before.write(56, fill(9)).then(() => before.flush())).rejects.toEqual(FENCED);
  await expect(before.write(57, fill(9))).rejects.toEqual(FENCED);
  await after.flush();
});

test('a volume of version 1 is read as it is, and becomes version 2 when it is opened for writing', async () => {
  await first.disconnect();
  const Key = `${at.prefix}/volume.json`;
  const { bytes, metadata } = await rootObject();
  const { volumeId, writerEpoch, changeId, ...now } = JSON.parse(Buffer.from(bytes).toString());
  const { format, sectorSize, sizeSectors, objectSizeBytes } = now;
  const shape = { sectorSize, sizeSectors, objectSizeBytes, codec: 'none' };
  const old = Buffer.from(JSON.stringify({ format, version: 1, volumeId, ...shape, writerEpoch, changeId }));
  await store.client.send(new PutObjectCommand({ Bucket: at.bucket, Key, Body: old, Metadata: metadata }));
  const reader = await connect({ readOnly: true });
  expect(await read(reader, 31)).toBe(1);
  expect((await rootObject()).bytes).toEqual(new Uint8Array(old));
  const writer = await connect();
  expect(await read(writer, 31)).toBe(1);
  const upgraded = JSON.parse(Buffer.from((await rootObject()).bytes).toString());
  expect(upgraded).toMatchObject({ ...shape, version: 2, volumeId, writerEpoch: writerEpoch + 1, layout: 'chunks' });
  expect(upgraded.opening).toMatch(/^[0-9a-f]{32}$/);
});

test('a volume that was deleted and made anew under the same name fences the writer of the old one', async () => {
  await deleteVolume({ ...at, takeOver: true });
  await createVolume({ ...at, sectorSize: SECTOR, sizeSectors: SECTORS, objectSizeBytes: OBJECT_SECTORS * SECTOR });
  await expect(first.write(40, fill(9)).then(() => first.flush())).rejects.toEqual(FENCED);
});

test('a reader disturbs no writer, and reads what the writer stored', async () => {
  const reader = await connect({ readOnly: true });
  await first.write(0, fill(4));
  await first.flush();
  expect(await read(reader, 0)).toBe(4);
});

test('an object that this package did not write is CORRUPT', async () => {
  const Key = `${at.prefix}/data/000000000000`;
  await store.client.send(new PutObjectCommand({ Bucket: at.bucket, Key, Body: Buffer.alloc(100, 7) }));
  await expect(read(first, 0)).rejects.toMatchObject({ code: 'CORRUPT' });
  await expect(first.write(0, WHOLE)).rejects.toMatchObject({ code: 'CORRUPT' });
  await expect(first.write(1, fill(9))).rejects.toMatchObject({ code: 'CORRUPT' });
});

test('every data object carries the epoch of its writer', async () => {
  const epochOf = async (Key: string) => {
    const { Metadata } = await store.client.send(new HeadObjectCommand({ Bucket: at.bucket, Key }));
    return Metadata?.blockyard?.split('/')[3];
  };
  expect(await epochOf(`${at.prefix}/data/000000000000`)).toBe('1');
  const second = await connect();
  await second.write(0, fill(2));
  expect(await epochOf(`${at.prefix}/data/000000000000`)).toBe('2');
  expect(await epochOf(`${at.prefix}/data/000000000001`)).toBe('1');
});

test('writes at once to one object are put together: one GET and one PUT', async () => {
  const writer = await connect();
  proxy.requests.length = 0;
  await Promise.all(Array.from({ length: 6 }, (_, number) => writer.write(number, fill(10 + number))));
  expect(dataRequests()).toEqual(['GET data/000000000000', 'PUT data/000000000000']);
  for (let number = 0; number < 6; number++) expect(await read(writer, number)).toBe(10 + number);
  proxy.requests.length = 0;
  await Promise.all(Array.from({ length: 8 }, (_, number) => writer.write(number, fill(20 + number))));
  expect(dataRequests()).toEqual(['PUT data/000000000000']);
});
