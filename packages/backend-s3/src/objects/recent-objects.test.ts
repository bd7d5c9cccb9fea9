import type { BlockDevice } from '@blockyard/block';
import { newId } from '@blockyard/object-store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ConnectS3Options, connectS3, createVolume } from '../index.js';
import { useOddStore } from '../testing/odd.js';
import { type DataObjectStamp, ObjectFormat } from './format.js';
import { ObjectImage } from './image.js';
import { RecentObjects } from './recent-objects.js';

const SECTOR = 4096;
const OBJECT_SECTORS = 4;
const OBJECT_BYTES = OBJECT_SECTORS * SECTOR;
const SECTORS = 64;

const used = useOddStore();
const opened: BlockDevice[] = [];

beforeEach(async () => {
  await createVolume({ ...used.at, sizeBytes: SECTORS * SECTOR, objectSizeBytes: OBJECT_BYTES });
  const device = await connectS3({ ...used.at, leaseMs: 0 });
  await device.write(0, fill(1, SECTORS));
  await device.disconnect();
});
afterEach(async () => {
  used.store.answer = (_, honest) => honest();
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});

async function connect(options: Partial<ConnectS3Options> = {}): Promise<BlockDevice> {
  const device = await connectS3({ ...used.at, leaseMs: 0, ...options });
  opened.push(device);
  used.store.requests.length = 0;
  return device;
}

const fill = (value: number, count = 1) => [new Uint8Array(count * SECTOR).fill(value)];

async function read(device: BlockDevice, start: number, count = 1): Promise<number[]> {
  const buffer = Buffer.alloc(count * SECTOR, 0xee);
  await device.read(start, [buffer]);
  return Array.from({ length: count }, (_, sector) => buffer[sector * SECTOR] ?? -1);
}

/** The requests for data since the last call: `GET 3` for object 3. */
function requests(): string[] {
  return used.store.requests
    .splice(0)
    .filter(({ key }) => key.includes('/data/'))
    .map(({ method, key }) => `${method} ${Number.parseInt(key.slice(-12), 16)}`);
}

test('of many small writes to one object, only the first reads it', async () => {
  const device = await connect();
  for (let write = 0; write < 20; write++) await device.write(4 + (write % 4), fill(10 + write));
  expect(requests()).toEqual(['GET 1', ...new Array(20).fill('PUT 1')]);
  expect(await read(device, 0, 12)).toEqual([1, 1, 1, 1, 26, 27, 28, 29, 1, 1, 1, 1]);
});

test('an object that was written whole, or made, or grew, is not read for the next small write', async () => {
  const device = await connect();
  await device.discard(0, SECTORS);
  requests();
  await device.write(0, fill(2, OBJECT_SECTORS));
  await device.write(1, fill(3));
  await device.write(8, fill(4));
  await device.write(11, fill(5));
  await device.write(10, fill(6));
  await device.discard(10, 2);
  await device.write(10, fill(7));
  expect(requests().filter((request) => request.startsWith('GET'))).toEqual([]);
  expect(await read(device, 0, 12)).toEqual([2, 3, 2, 2, 0, 0, 0, 0, 4, 0, 7, 0]);
});

test('no more is kept than there is room for: what was written longest ago goes first', async () => {
  const objectBytes = new ObjectFormat(SECTOR).objectBytes(OBJECT_BYTES);
  const device = await connect({ maxRecentBytes: 2 * objectBytes });
  for (const object of [0, 1, 2, 1, 2, 0, 2, 1]) await device.write(object * OBJECT_SECTORS, fill(9));
  const gets = requests().filter((request) => request.startsWith('GET'));
  expect(gets).toEqual(['GET 0', 'GET 1', 'GET 2', 'GET 0', 'GET 1']);
});

test.each([0, 1000])('with room for %i bytes nothing is kept', async (maxRecentBytes) => {
  const device = await connect({ maxRecentBytes });
  for (let write = 0; write < 3; write++) await device.write(write, fill(9));
  expect(requests()).toEqual(['GET 0', 'PUT 0', 'GET 0', 'PUT 0', 'GET 0', 'PUT 0']);
});

test('what has become another version is not overwritten with what is remembered', async () => {
  const device = await connect();
  await device.write(0, fill(2));
  const other = await connectS3({ ...used.at, leaseMs: 0 });
  await other.write(1, fill(3));
  await expect(device.write(2, fill(4))).rejects.toMatchObject({ code: 'FENCED' });
  expect(await read(other, 0, 4)).toEqual([2, 3, 1, 1]);
  await other.disconnect({ force: true });
});

test('a late write of the writer before is built upon, not overwritten', async () => {
  const before = used.store.objects.get(`${used.at.prefix}/data/000000000000`);
  const device = await connect();
  await device.write(0, fill(2));
  if (before === undefined) throw new Error('the object is not there');
  used.store.objects.set(`${used.at.prefix}/data/000000000000`, { ...before, etag: '"late"' });
  await device.write(1, fill(3));
  expect(await read(device, 0, 4)).toEqual([1, 3, 1, 1]);
});

test('what was stored in an attempt that was not answered is read again', async () => {
  const device = await connect({ maxAttempts: 3 });
  await device.write(0, fill(2));
  requests();
  let lost = 1;
  used.store.answer = ({ method }, honest) => {
    const answer = honest();
    return method === 'PUT' && lost-- > 0 ? 'reset' : answer;
  };
  await device.write(1, fill(3));
  await device.write(2, fill(4));
  expect(requests().filter((request) => request !== 'PUT 0')).toEqual(['HEAD 0', 'GET 0']);
  expect(await read(device, 0, 4)).toEqual([2, 3, 4, 1]);
});

test('what has changed in memory is not used', () => {
  const format = new ObjectFormat(SECTOR);
  const facts = { format, volumeId: newId(), sectorSize: SECTOR, objectSizeBytes: OBJECT_BYTES };
  const recent = new RecentObjects(1 << 20);
  const keep = () => {
    const image = new ObjectImage(facts, 5, 0);
    image.apply([{ offset: 0, lengthBytes: OBJECT_BYTES, buffers: fill(7, OBJECT_SECTORS) }]);
    const data = { index: 5, opening: newId(), dataBytes: image.dataBytes };
    const stamp: DataObjectStamp = { volumeId: facts.volumeId, epoch: 1, writeId: newId(), data };
    image.seal(stamp);
    recent.keep(5, { image, stamp, etag: '"e"' });
    return image;
  };
  const image = keep();
  expect(recent.heldBytes).toBe(image.byteLength);
  expect(recent.take(5)?.etag).toBe('"e"');
  expect(recent.take(5)).toBeUndefined();
  keep().buffer[9000] = 8;
  expect(recent.take(5)).toBeUndefined();
  expect(recent.heldBytes).toBe(0);
});
