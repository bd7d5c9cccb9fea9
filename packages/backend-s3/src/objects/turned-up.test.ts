import type { BlockDevice } from '@blockyard/block';
import { listingXml, type StoredObject, xmlAnswer } from '@blockyard/local-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectS3, createVolume } from '../index.js';
import { dataKey, keysOf } from '../layout/keys.js';
import { decodeStamp, encodeStamp } from '../layout/stamp.js';
import { isListing, useOddStore } from '../testing/odd.js';

const SECTOR = 4096;
const OBJECT_SECTORS = 4;
const SECTORS = 16;

const used = useOddStore();
const opened: BlockDevice[] = [];
/** Keys that no listing shows. */
const hidden = new Set<string>();

beforeEach(async () => {
  hidden.clear();
  used.store.answer = (request, honest) => {
    const answer = honest();
    if (!isListing(request) || hidden.size === 0) return answer;
    const keys = [...String(answer.body).matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = '']) => key);
    const page = { bucket: request.bucket, prefix: request.query.get('prefix') ?? '' };
    return xmlAnswer(listingXml({ ...page, keys: keys.filter((key) => !hidden.has(key)) }, used.store.objects));
  };
  await createVolume({ ...used.at, sizeBytes: SECTORS * SECTOR, objectSizeBytes: OBJECT_SECTORS * SECTOR });
});
afterEach(async () => {
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});

async function connect(): Promise<BlockDevice> {
  const device = await connectS3({ ...used.at, leaseMs: 0 });
  opened.push(device);
  return device;
}

const fill = (value: number, count = 1) => [new Uint8Array(count * SECTOR).fill(value)];
const keyOf = (index: number) => dataKey(keysOf(used.at.prefix), index);

async function read(device: BlockDevice, start = 0, count = SECTORS): Promise<number[]> {
  const buffer = Buffer.alloc(count * SECTOR, 0xee);
  await device.read(start, [buffer]);
  return Array.from({ length: count }, (_, sector) => buffer[sector * SECTOR] ?? -1);
}

function object(index: number): StoredObject {
  const found = used.store.objects.get(keyOf(index));
  if (found === undefined) throw new Error(`object ${index} is not there`);
  return found;
}

/** A process that wrote the whole volume and then died: no one has counted. */
async function writeAndDie(): Promise<void> {
  const device = await connectS3({ ...used.at, leaseMs: 0 });
  await device.write(0, fill(1, SECTORS));
  await device.flush();
  await device.disconnect({ force: true });
}

describe('an object of the opening before, which no listing has', () => {
  let device: BlockDevice;

  beforeEach(async () => {
    await writeAndDie();
    hidden.add(keyOf(1));
    device = await connect();
  });

  test('keeps what a write of a part of it leaves alone', async () => {
    await device.write(5, fill(9));
    expect(await read(device)).toEqual([1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    await device.disconnect({ force: true });
    hidden.clear();
    expect(await read(await connect())).toEqual([1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  test('keeps what writes at once leave alone', async () => {
    await Promise.all([device.write(5, fill(9)), device.write(7, fill(8)), device.discard(4, 1)]);
    expect(await read(device, 4, 4)).toEqual([0, 9, 1, 8]);
  });

  test('is replaced by a write of all of it', async () => {
    await device.write(4, fill(9, OBJECT_SECTORS));
    expect(await read(device, 4, 4)).toEqual([9, 9, 9, 9]);
  });

  test('is CORRUPT, and stays as it is, if it is not of this volume', async () => {
    const { body, etag } = object(1);
    const other = encodeStamp({
      volumeId: 'd'.repeat(32),
      epoch: 1,
      writeId: 'e'.repeat(32),
      data: { index: 1, opening: 'f'.repeat(32), dataBytes: OBJECT_SECTORS * SECTOR },
    });
    used.store.objects.set(keyOf(1), { body, etag, metadata: { 'x-amz-meta-blockyard': other } });
    for (const write of [() => device.write(5, fill(9)), () => device.write(4, fill(9, OBJECT_SECTORS))]) {
      await expect(write()).rejects.toMatchObject({ code: 'CORRUPT', message: expect.stringContaining(keyOf(1)) });
    }
    expect(object(1).body).toBe(body);
  });

  test('is CORRUPT, and stays as it is, if it is damaged', async () => {
    const found = object(1);
    const body = Buffer.from(found.body);
    body[3000] = 77;
    used.store.objects.set(keyOf(1), { ...found, body });
    await expect(device.write(5, fill(9))).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(object(1).body).toBe(body);
  });
});

test('what this opening deleted does not come back, though the store still has it', async () => {
  await writeAndDie();
  const device = await connect();
  const before = object(1);
  await device.discard(4, OBJECT_SECTORS);
  await device.flush();
  used.store.objects.set(keyOf(1), before);
  expect(await read(device, 4, 4)).toEqual([0, 0, 0, 0]);
  await device.write(5, fill(9));
  expect(await read(device, 4, 4)).toEqual([0, 9, 0, 0]);
});

test('what this opening wrote and deleted does not come back either', async () => {
  const device = await connect();
  await device.write(4, fill(1, OBJECT_SECTORS));
  const before = object(1);
  await device.discard(4, OBJECT_SECTORS);
  used.store.objects.set(keyOf(1), before);
  await device.write(5, fill(9));
  expect(await read(device, 4, 4)).toEqual([0, 9, 0, 0]);
});

test('what no listing had past the end does not come into the space that is added', async () => {
  await writeAndDie();
  const device = await connect();
  const before = object(2);
  await device.resize(8);
  used.store.objects.set(keyOf(2), before);
  await device.disconnect({ force: true });
  hidden.add(keyOf(2));
  const again = await connect();
  await again.resize(SECTORS);
  await again.write(9, fill(9));
  expect(await read(again)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 9, 0, 0, 0, 0, 0, 0]);
});

test('an object of the same epoch and another opening is one of an earlier writer, if the root is ours', async () => {
  await writeAndDie();
  const device = await connect();
  const { body, etag, metadata } = object(0);
  const stamp = decodeStamp(metadata['x-amz-meta-blockyard']);
  if (stamp?.data === undefined) throw new Error('the object has no stamp');
  const rival = encodeStamp({ ...stamp, epoch: 2, data: { ...stamp.data, opening: 'f'.repeat(32) } });
  used.store.objects.set(keyOf(0), { body, etag, metadata: { 'x-amz-meta-blockyard': rival } });
  expect(await read(device, 2, 1)).toEqual([1]);
  await device.write(0, fill(9, OBJECT_SECTORS));
  expect(await read(device, 0, 4)).toEqual([9, 9, 9, 9]);
});

test('a PUT that was to replace an object, and was not answered, does not make it one that may be missing', async () => {
  await writeAndDie();
  const device = await connect();
  used.store.answer = ({ method, key }, honest) => (method === 'GET' || key === '' ? honest() : 'reset');
  await expect(device.write(5, fill(9))).rejects.toMatchObject({ name: 'BlockError' });
  used.store.answer = (_, honest) => honest();
  used.store.objects.delete(keyOf(1));
  await expect(read(device, 6, 1)).rejects.toMatchObject({ code: 'CORRUPT' });
  await expect(device.write(5, fill(9))).rejects.toMatchObject({ code: 'CORRUPT' });
});

describe('after a clean end', () => {
  beforeEach(async () => {
    const device = await connectS3({ ...used.at, leaseMs: 0 });
    await device.write(0, fill(1, SECTORS));
    await device.discard(8, OBJECT_SECTORS);
    await device.disconnect();
  });

  test('the root says how many objects there are, and one listing that fits is enough', async () => {
    expect(JSON.parse(String(used.store.objects.get(`${used.at.prefix}/volume.json`)?.body)).objectCount).toBe(3);
    used.store.requests.length = 0;
    const reader = await connectS3({ ...used.at, leaseMs: 0, readOnly: true });
    expect(used.store.requests.filter(isListing)).toHaveLength(1);
    expect(await read(reader)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]);
    await reader.disconnect();
  });

  test.each([false, true])(
    'an object that no listing has is CORRUPT each time it is opened, read-only: %s',
    async (readOnly) => {
      hidden.add(keyOf(1));
      for (let opening = 0; opening < 3; opening++) {
        await expect(connectS3({ ...used.at, leaseMs: 0, readOnly })).rejects.toMatchObject({
          code: 'CORRUPT',
          message: expect.stringMatching(/2 objects are there, and 3 were there at the last clean end/),
        });
      }
      hidden.clear();
      expect(await read(await connect(), 4, 4)).toEqual([1, 1, 1, 1]);
    },
  );

  test('a lost object locks no one out: with acceptMissingObjects it reads as zeroes, read-only and for writing', async () => {
    used.store.objects.delete(keyOf(1));
    const accepting = { ...used.at, leaseMs: 0, acceptMissingObjects: true };
    const withZeroes = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1];
    await expect(connectS3({ ...used.at, leaseMs: 0 })).rejects.toThrow('with acceptMissingObjects the volume opens');
    const reader = await connectS3({ ...accepting, readOnly: true });
    expect(await read(reader)).toEqual(withZeroes);
    await reader.disconnect();
    // A reader changes nothing, so the count is wrong still.
    await expect(connectS3({ ...used.at, leaseMs: 0 })).rejects.toMatchObject({ code: 'CORRUPT' });
    const writer = await connectS3(accepting);
    expect(await read(writer)).toEqual(withZeroes);
    await writer.disconnect();
    const after = await connect();
    expect(await read(after)).toEqual(withZeroes);
    await after.write(5, fill(9));
    await after.disconnect();
    expect(await read(await connect(), 4, 4)).toEqual([0, 9, 0, 0]);
  });

  test('an object that was only left out of the listings is built upon, though it was accepted as missing', async () => {
    hidden.add(keyOf(1));
    const writer = await connectS3({ ...used.at, leaseMs: 0, acceptMissingObjects: true });
    await writer.write(5, fill(9));
    await writer.disconnect();
    hidden.clear();
    expect(await read(await connect(), 4, 4)).toEqual([1, 9, 1, 1]);
  });

  test('a listing that still has what was deleted does not make it come back, nor an error', async () => {
    const before = object(0);
    await (await connect()).disconnect();
    used.store.answer = (request, honest) => {
      if (!isListing(request)) return honest();
      used.store.objects.set(keyOf(2), before);
      const answer = honest();
      used.store.objects.delete(keyOf(2));
      return answer;
    };
    const device = await connect();
    expect(await read(device, 8, 4)).toEqual([0, 0, 0, 0]);
    await device.write(9, fill(9));
    await device.disconnect();
    used.store.answer = (_, honest) => honest();
    expect(await read(await connect())).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 9, 0, 0, 1, 1, 1, 1]);
  });
});
