import { BlockError } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import { expect, onTestFinished, test } from 'vitest';
import { createLogVolume } from '../index.js';
import { Bucket, gate } from '../testing/bucket.js';
import { giveUp } from '../testing/history.js';

const SECTOR = 4096;

const bytesOf = (fill: number, sectors = 1) => new Uint8Array(sectors * SECTOR).fill(fill);

/**
 * A volume whose sectors are in four objects: 0 to 1023 in the first, written in order, but for 2, 5 and 9 in the second, 10 in
 * the third, 20 and 30 in the fourth.
 */
async function opened(maxConcurrency = 64) {
  const bucket = new Bucket();
  await createLogVolume({ ...bucket.at(), sizeSectors: 2048 });
  const writer = await bucket.connect();
  for (let sector = 0; sector < 1024; sector++) await writer.write(sector, [bytesOf(sector % 251)]);
  await writer.flush();
  for (const sectors of [[2, 5, 9], [10], [20, 30]]) {
    for (const sector of sectors) await writer.write(sector, [bytesOf(255)]);
    await writer.flush();
  }
  await writer.disconnect();
  const store = bucket.process();
  const device = await bucket.connect({ store, maxConcurrency });
  onTestFinished(() => giveUp(device));
  // The map is loaded on first use.
  await device.read(0, [bytesOf(0)]);
  store.requests.length = 0;
  const keys = bucket.keys('/log/') as [string, string, string, string];
  return { bucket, store, device, keys, gets: () => store.requests.filter(({ key }) => keys.includes(key)).length };
}

test('reads that begin at once, of what lies close together in one object, are one request', async () => {
  const { device, gets } = await opened();
  const buffers = [bytesOf(0, 2), bytesOf(0, 2), bytesOf(0, 3)];
  const [first, second, third] = buffers as [Uint8Array, Uint8Array, Uint8Array];
  await Promise.all([device.read(0, [first]), device.read(3, [second]), device.read(6, [third])]);
  expect([0, 1, 3, 4, 6, 7, 8]).toEqual(buffers.flatMap((buffer) => sectorsIn(buffer)));
  expect(gets()).toBe(1);
});

test('what lies in another object, or far away in the same, is a request of its own', async () => {
  const { device, gets } = await opened();
  await Promise.all([0, 2, 500].map((sector) => device.read(sector, [bytesOf(0)])));
  expect(gets()).toBe(3);
});

test('a read that begins later does not share, and waits for no earlier one', async () => {
  const { device, store, gets } = await opened();
  const held = gate();
  store.onRequest = () => (gets() === 1 ? { kind: 'hold', until: held.passed } : undefined);
  const early = device.read(0, [bytesOf(0)]);
  await settled();
  await device.read(1, [bytesOf(0)]);
  held.open();
  await early;
  expect(gets()).toBe(2);
});

test('a small read waits for no more than a mebibyte beside its own', async () => {
  const { device, gets } = await opened();
  await Promise.all([device.read(100, [bytesOf(0, 250)]), device.read(350, [bytesOf(0, 250)])]);
  expect(gets()).toBe(2);
  await Promise.all([device.read(100, [bytesOf(0, 100)]), device.read(200, [bytesOf(0, 100)])]);
  expect(gets()).toBe(3);
});

test('one sector, read several times at once, is right every time', async () => {
  const { device } = await opened();
  const buffers = Array.from({ length: 4 }, () => bytesOf(0, 2));
  await Promise.all(buffers.map((buffer, at) => device.read(6 + (at % 2), [buffer])));
  expect(buffers.map((buffer) => sectorsIn(buffer))).toEqual([
    [6, 7],
    [7, 8],
    [6, 7],
    [7, 8],
  ]);
});

test('of reads that share a request, damage fails the one that wants what is damaged', async () => {
  const { bucket, device, keys, gets } = await opened();
  const [key] = keys;
  const found = bucket.objects.get(key);
  const body = Uint8Array.from(found?.body ?? []);
  const at = body.indexOf(4, 64);
  body[at] = 77;
  if (found !== undefined) bucket.objects.set(key, { ...found, body });
  const [before, behind] = [bytesOf(0), bytesOf(0)];
  const outcomes = await Promise.allSettled([
    device.read(3, [before]),
    device.read(4, [bytesOf(0)]),
    device.read(6, [behind]),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(outcomes[1]).toMatchObject({ reason: { code: 'CORRUPT' } });
  expect([...sectorsIn(before), ...sectorsIn(behind)]).toEqual([3, 6]);
  expect(gets()).toBe(1);
});

test('a request that fails fails all who share it, each with an error of its own', async () => {
  const { device, store, gets } = await opened();
  store.onRequest = () => ({ kind: 'refuse', error: new BlockError('UNAVAILABLE', 'not now') });
  const outcomes = await Promise.allSettled([device.read(0, [bytesOf(0)]), device.read(3, [bytesOf(0)])]);
  const reasons = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason);
  expect(reasons).toMatchObject([
    { code: 'UNAVAILABLE', start: 0 },
    { code: 'UNAVAILABLE', start: 3 },
  ]);
  expect(gets()).toBe(1);
});

test('a read that has failed leaves its buffers alone, whatever those that it shared requests with do later', async () => {
  const { device, store, keys } = await opened(1);
  const held = gate();
  store.onRequest = ({ key }) => {
    if (key === keys[2]) return { kind: 'refuse', error: new BlockError('UNAVAILABLE', 'not now') };
    return key === keys[3] ? { kind: 'hold', until: held.passed } : undefined;
  };
  const [failing, other] = [bytesOf(9, 2), bytesOf(0, 2)];
  const first = device.read(30, [bytesOf(0)]);
  const reading = device.read(10, [failing]);
  // It shares a request of the first object with the one that fails, and comes to it when that has failed.
  const later = device.read(20, [other]);
  await expect(reading).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  failing.fill(111);
  held.open();
  await Promise.all([first, later]);
  expect(sectorsIn(other)).toEqual([255, 21]);
  expect(sectorsIn(failing)).toEqual([111, 111]);
});

test('a read that fails is over only when no request that it shares is under way', async () => {
  const { device, store, keys } = await opened(1);
  const held = gate();
  store.onRequest = ({ key }) => {
    if (key === keys[2]) return { kind: 'refuse', error: new BlockError('UNAVAILABLE', 'not now') };
    return key === keys[0] ? { kind: 'hold', until: held.passed } : undefined;
  };
  const outcomes: string[] = [];
  const failing = device.read(10, [bytesOf(0, 2)]).catch(() => outcomes.push('failed'));
  const other = device.read(21, [bytesOf(0)]).then(() => outcomes.push('read'));
  await settled();
  expect(outcomes).toEqual([]);
  held.open();
  await Promise.all([failing, other]);
  expect(outcomes.sort()).toEqual(['failed', 'read']);
});

/** The first byte of each sector. Throws if a sector is not all of one byte. */
function sectorsIn(buffer: Uint8Array): number[] {
  return Array.from({ length: buffer.byteLength / SECTOR }, (_, index) => {
    const sector = buffer.subarray(index * SECTOR, (index + 1) * SECTOR);
    expect(new Set(sector).size).toBe(1);
    return sector[0] ?? Number.NaN;
  });
}
