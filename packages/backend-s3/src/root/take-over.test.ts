import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { BlockDevice } from '@blockyard/block';
import { type FaultProxy, startFaults, startTestStore, type TestStore } from '@blockyard/local-s3';
import { type Holder, RENEW_MS, takeOverWaitMs, thisProcess } from '@blockyard/volume-root';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ConnectS3Options, connectS3, createVolume, deleteVolume, type StoreOptions } from '../index.js';
import { brief } from '../testing/brief.js';
import { TAKE_OVER_MS, TestClock } from '../testing/clock.js';
import { gate } from '../testing/gate.js';
import { decodeRoot, encodeRoot } from './root.js';

const SECTOR = 512;
const OBJECT_SECTORS = 8;

let store: TestStore;
let proxy: FaultProxy & { volume: TestStore['volume'] };
let at: StoreOptions;
let clock: TestClock;
let first: BlockDevice;
const opened: BlockDevice[] = [];

beforeAll(async () => {
  store = await startTestStore();
  proxy = await startFaults(store);
});
beforeEach(async () => {
  proxy.onRequest = () => undefined;
  clock = new TestClock();
  clock.hurries = false;
  at = proxy.volume();
  await createVolume({ ...at, sectorSize: SECTOR, sizeSectors: 64, objectSizeBytes: OBJECT_SECTORS * SECTOR });
  first = await connect();
  await first.write(0, fill(1));
  await first.flush();
});
afterEach(async () => {
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});
afterAll(async () => {
  await proxy.stop();
  await store.stop();
});

async function connect(options: Partial<ConnectS3Options> = {}): Promise<BlockDevice> {
  const device = await connectS3({ ...at, clock, ...options });
  opened.push(device);
  return device;
}

const fill = (value: number) => [new Uint8Array(SECTOR).fill(value)];

async function read(device: BlockDevice, start: number): Promise<number | undefined> {
  const buffer = new Uint8Array(SECTOR);
  await device.read(start, [buffer]);
  return buffer[0];
}

async function rootOf(): Promise<{ holder: Holder | null; writerEpoch: number; opening: string }> {
  const Key = `${at.prefix}/volume.json`;
  const { Body } = await store.client.send(new GetObjectCommand({ Bucket: at.bucket, Key }));
  return JSON.parse((await Body?.transformToString()) ?? '');
}

/** Holds every PUT of data until `open`. */
function holdingPuts(): { readonly begun: Promise<void>; open(): void } {
  const { passed, open } = gate();
  const begun = gate();
  proxy.onRequest = ({ method, path }) => {
    if (method !== 'PUT' || !path.includes('/data/')) return undefined;
    begun.open();
    return { kind: 'hold', until: passed };
  };
  return { begun: begun.passed, open };
}

const FENCED = expect.objectContaining({ name: 'BlockError', code: 'FENCED' });

test('who takes over waits until the earlier writer no longer acknowledges anything, and sees all that it did acknowledge', async () => {
  await first.disconnect();
  // The dates in the store's answers are of real time: a longer lease lasts on a slow machine too.
  const leaseMs = 14_000;
  clock = new TestClock(leaseMs);
  clock.hurries = false;
  first = await connect({ leaseMs });
  proxy.requests.length = 0;
  const opening = connect();
  await clock.waiting;
  expect(proxy.requests.map(brief)).toContain('PUT volume.json');
  const requestsBefore = proxy.requests.length;
  const looks = gate();
  proxy.onRequest = (request) =>
    brief(request) === 'GET volume.json' ? { kind: 'hold', until: looks.passed } : undefined;
  // Its lease lasts, and the look that begins beside it is not answered yet.
  await first.write(56, fill(7));
  looks.open();
  expect(proxy.requests.slice(requestsBefore).map(brief)).not.toContain('GET ?list');
  clock.advance(takeOverWaitMs({ leaseMs }));
  const second = await opening;
  expect(await read(second, 56)).toBe(7);
  await expect(first.write(57, fill(8))).rejects.toEqual(FENCED);
  await expect(first.discard(0, OBJECT_SECTORS)).rejects.toEqual(FENCED);
  await second.write(57, fill(9));
  await second.flush();
});

test.each([
  ['a write', () => first.write(56, fill(7))],
  ['a write and its flush', () => first.write(56, fill(7)).then(() => first.flush())],
])('%s whose PUT the network held until after a takeover is not acknowledged', async (_, change) => {
  // So that the look at the root is made beside the PUT, and answered before the takeover.
  for (let round = 0; round < 2; round++) {
    await first.write(8, fill(2));
    await first.flush();
  }
  const { begun, open } = holdingPuts();
  const changing = change();
  changing.catch(() => {});
  await begun;
  clock.hurries = true;
  const second = await connect();
  expect(await read(second, 56)).toBe(0);
  open();
  await expect(changing).rejects.toEqual(FENCED);
});

test('a write whose PUT the network held beyond its lease is acknowledged after another look', async () => {
  const { begun, open } = holdingPuts();
  const writing = first.write(56, fill(7));
  await begun;
  clock.advance(TAKE_OVER_MS);
  proxy.requests.length = 0;
  open();
  await writing;
  expect(proxy.requests.map(brief)).toContain('GET volume.json');
});

test('a clean end says that no one has the volume, and the next writer waits for no one', async () => {
  const { holder } = await rootOf();
  expect(holder).toMatchObject({ process: process.pid, settled: true, leaseMs: 3000, renewMs: RENEW_MS });
  await first.disconnect();
  expect((await rootOf()).holder).toBeNull();
  await connect({ takeOver: false });
});

test('an end that cannot tell the store waits for it no longer than some seconds', async () => {
  const held = gate();
  const never = new Promise<void>(() => {});
  proxy.onRequest = ({ method, path }) => {
    if (method !== 'PUT' || !path.endsWith('/volume.json')) return undefined;
    held.open();
    return { kind: 'hold', until: never };
  };
  const ending = first.disconnect();
  await held.passed;
  clock.advance(5000);
  await ending;
});

test('a forced end leaves the root alone, and does not wait', async () => {
  proxy.requests.length = 0;
  await first.disconnect({ force: true });
  expect(proxy.requests).toEqual([]);
  expect((await rootOf()).holder).not.toBeNull();
});

test('a volume that a live process has open is LOCKED to who does not want to take it over, and stays as it was', async () => {
  const before = await rootOf();
  const error = await connect({ takeOver: false }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'LOCKED' });
  expect((error as Error).message).toContain(`process ${process.pid} on ${before.holder?.host}`);
  expect(await rootOf()).toEqual(before);
  await first.write(8, fill(2));
  await first.flush();
});

test('reading disturbs no one', async () => {
  const before = await rootOf();
  const reader = await connect({ readOnly: true, takeOver: false });
  expect(await read(reader, 0)).toBe(1);
  await reader.disconnect();
  expect(await rootOf()).toEqual(before);
});

test('an open volume says from time to time that it is open', async () => {
  const before = await rootOf();
  const renewed = gate();
  proxy.onRequest = ({ method, path }) => {
    if (method === 'PUT' && path.endsWith('/volume.json')) renewed.open();
    return undefined;
  };
  clock.advance(RENEW_MS);
  await renewed.passed;
  await first.write(8, fill(2));
  // Its look at the root comes after the one that renews.
  await first.flush();
  const after = await rootOf();
  expect(after).toMatchObject({ opening: before.opening, holder: { since: before.holder?.since } });
  expect(Date.parse(after.holder?.renewed ?? '') - Date.parse(before.holder?.renewed ?? '')).toBe(RENEW_MS);
});

test('an idle writer learns that it was replaced, and by whom', async () => {
  const lost = new Promise<unknown>((resolve) => {
    first.lost?.addEventListener('abort', () => resolve(first.lost?.reason));
  });
  const elsewhere = new TestClock();
  await connect({ clock: elsewhere });
  expect(first.lost?.aborted).toBe(false);
  clock.advance(RENEW_MS);
  const reason = await lost;
  expect(reason).toMatchObject({ code: 'FENCED' });
  const { holder } = await rootOf();
  expect((reason as Error).message).toContain(`process ${process.pid} on ${holder?.host}, since ${holder?.since}`);
});

test('a writer that an object tells of its successor says who that is', async () => {
  const lost = new Promise<unknown>((resolve) => {
    first.lost?.addEventListener('abort', () => resolve(first.lost?.reason));
  });
  const second = await connect({ clock: new TestClock() });
  await second.write(0, fill(2));
  await expect(read(first, 0)).rejects.toEqual(FENCED);
  expect(((await lost) as Error).message).toContain(`process ${process.pid} on `);
});

test('who waits for a lease says so in the root, until the wait is over', async () => {
  const opening = connect();
  await clock.waiting;
  expect((await rootOf()).holder?.settled).toBe(false);
  clock.advance(TAKE_OVER_MS);
  const second = await opening;
  await second.write(8, fill(2));
  await second.flush();
  expect((await rootOf()).holder?.settled).toBe(true);
});

/** Puts another process in the place of the one that the root names. */
async function rewriteHolder(change: Partial<Holder>): Promise<void> {
  const Key = `${at.prefix}/volume.json`;
  const { Body, Metadata } = await store.client.send(new GetObjectCommand({ Bucket: at.bucket, Key }));
  const root = decodeRoot((await Body?.transformToByteArray()) ?? new Uint8Array(), Key);
  if (root.holder === null) throw new Error('no one has the volume');
  const bytes = encodeRoot({ ...root, holder: { ...root.holder, ...change } });
  await store.client.send(new PutObjectCommand({ Bucket: at.bucket, Key, Body: bytes, Metadata }));
}

test('who opens a volume learns who has it, without a further request, and disturbs no one', async () => {
  const { host, pid } = { host: thisProcess().host, pid: process.pid };
  const { holder } = await rootOf();
  proxy.requests.length = 0;
  const reader = await connectS3({ ...at, clock, readOnly: true });
  opened.push(reader);
  expect(proxy.requests.map(brief)).toEqual(['GET volume.json', 'GET ?list', 'GET ?list']);
  const { since, renewed } = holder ?? {};
  expect(reader.heldBy).toEqual({ host, process: pid, since, renewed, state: 'alive', silentMs: expect.any(Number) });
  expect((await rootOf()).holder).toEqual(holder);
  await first.write(1, fill(2));
  await first.flush();
  const dead = { process: 2 ** 22 + 1 };
  await rewriteHolder(dead);
  const next = await connectS3({ ...at, clock, readOnly: true });
  opened.push(next);
  expect(next.heldBy).toMatchObject({ ...dead, state: 'dead' });
});

test('after a clean end no one has the volume', async () => {
  await first.disconnect();
  const writer = await connectS3({ ...at, clock });
  opened.push(writer);
  expect(writer.heldBy).toBeNull();
});

test('a volume that a live process has open is deleted only where that is asked for, and stays whole otherwise', async () => {
  const refused = await deleteVolume(at).catch((thrown: unknown) => thrown);
  expect(refused).toMatchObject({ code: 'LOCKED', device: `s3://${at.bucket}/${at.prefix}` });
  expect((refused as Error).message).toContain(`open for writing by process ${process.pid} on `);
  expect(await read(first, 0)).toBe(1);
  await first.write(1, fill(2));
  await first.flush();
  await deleteVolume({ ...at, takeOver: true });
  await expect(deleteVolume(at)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test.each([
  ['a process that is known to be dead had open', () => rewriteHolder({ process: 2 ** 22 + 1 })],
  ['was ended cleanly', () => first.disconnect()],
  ['has a damaged root', () => replaceRoot('{"format":')],
])('a volume that %s is deleted without being told twice', async (_, before) => {
  await before();
  await deleteVolume(at);
  await expect(deleteVolume(at)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a volume of a later version, which may be held, is deleted only where that is asked for', async () => {
  await replaceRoot('{"format":"blockyard-volume","version":3}');
  await expect(deleteVolume(at)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(connectS3({ ...at, readOnly: true })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await deleteVolume({ ...at, takeOver: true });
  await expect(deleteVolume(at)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

async function replaceRoot(Body: string): Promise<void> {
  await store.client.send(new PutObjectCommand({ Bucket: at.bucket, Key: `${at.prefix}/volume.json`, Body }));
}
