import type { BlockDevice } from '@blockyard/block';
import { startTestStore, type TestStore } from '@blockyard/local-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectS3, createVolume } from '../index.js';
import { TestClock } from '../testing/clock.js';
import { type StoredObject, StoredObjects } from '../testing/stored-objects.js';

const SECTOR = 4096;
const OBJECT_SECTORS = 8;
const OBJECT_BYTES = OBJECT_SECTORS * SECTOR;
const OBJECTS = 4;
/** Bytes that an object begins with before its data, and behind each part. */
const [HEADER, CHECK] = [96, 4];

let store: TestStore;
let at: ReturnType<TestStore['volume']>;
let stored: StoredObjects;
const opened: BlockDevice[] = [];

beforeAll(async () => {
  store = await startTestStore();
});
beforeEach(async () => {
  at = store.volume();
  stored = new StoredObjects(store, at);
  await createVolume({
    ...at,
    sectorSize: SECTOR,
    sizeSectors: OBJECTS * OBJECT_SECTORS,
    objectSizeBytes: OBJECT_BYTES,
  });
});
afterEach(async () => {
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});
afterAll(() => store.stop());

async function connect(options: { readOnly?: boolean } = {}): Promise<BlockDevice> {
  const device = await connectS3({ ...at, clock: new TestClock(), ...options });
  opened.push(device);
  return device;
}

const fill = (value: number, count = 1) => [new Uint8Array(count * SECTOR).fill(value)];

/** The value that each sector is filled with. */
async function read(device: BlockDevice, start: number, count = 1): Promise<number[]> {
  const buffer = Buffer.alloc(count * SECTOR, 0xee);
  await device.read(start, [buffer]);
  return Array.from({ length: count }, (_, sector) => {
    const bytes = buffer.subarray(sector * SECTOR, (sector + 1) * SECTOR);
    expect(new Set(bytes).size, 'a sector has one value').toBe(1);
    return bytes[0] ?? -1;
  });
}

/** Object 0 has sectors 1 to 8, object 1 sectors 9 to 16, object 2 is half full, and object 3 is not there. */
async function fillVolume(): Promise<void> {
  const device = await connect();
  await Promise.all(Array.from({ length: 20 }, (_, sector) => device.write(sector, fill(sector + 1))));
  await device.disconnect();
}

const corrupt = (index: number) =>
  expect.objectContaining({
    name: 'BlockError',
    code: 'CORRUPT',
    message: expect.stringContaining(stored.keyOf(index)),
  });

const byteOf = (sector: number) => HEADER + sector * (SECTOR + CHECK);
const flip = (byte: number) => (object: StoredObject) => {
  const body = Buffer.from(object.body);
  body[byte] = (body[byte] ?? 0) ^ 8;
  return { ...object, body };
};
const cut = (bytes: number) => (object: StoredObject) => ({ ...object, body: object.body.subarray(0, bytes) });
const grow = (bytes: number) => (object: StoredObject) => ({
  ...object,
  body: Buffer.concat([object.body, Buffer.alloc(bytes, 7)]),
});
const stamp = (change: (fields: string[]) => void) => (object: StoredObject) => {
  const fields = object.metadata.blockyard?.split('/') ?? [];
  change(fields);
  return { ...object, metadata: { blockyard: fields.join('/') } };
};

interface Damage {
  readonly name: string;
  readonly damage: (object: StoredObject) => StoredObject;
  /** Sectors of the object that are read as they were, since nothing that belongs to them is damaged. */
  readonly unhurt?: readonly number[];
}

const ALL_BUT_FIRST = [1, 2, 3, 4, 5, 6, 7];

const DAMAGES: readonly Damage[] = [
  { name: 'a bit of the data flipped', damage: flip(byteOf(3) + 77), unhurt: [0, 1, 2, 4, 5, 6, 7] },
  { name: 'a bit of a checksum flipped', damage: flip(byteOf(3) + SECTOR), unhurt: [0, 1, 2, 4, 5, 6, 7] },
  { name: 'the last bit of the data flipped', damage: flip(byteOf(8) - CHECK - 1), unhurt: [0, 1, 2, 3, 4, 5, 6] },
  { name: 'a bit of the magic flipped', damage: flip(3), unhurt: ALL_BUT_FIRST },
  { name: 'a bit of the write id flipped', damage: flip(70), unhurt: ALL_BUT_FIRST },
  { name: 'a bit of the length flipped', damage: flip(81), unhurt: ALL_BUT_FIRST },
  { name: 'a bit of the header check flipped', damage: flip(95), unhurt: ALL_BUT_FIRST },
  { name: 'cut by a byte', damage: cut(byteOf(8) - 1) },
  { name: 'cut between two parts', damage: cut(byteOf(5)) },
  { name: 'cut within a part', damage: cut(byteOf(2) + 100) },
  { name: 'cut between a part and its checksum', damage: cut(byteOf(7) + SECTOR) },
  { name: 'cut behind the header', damage: cut(HEADER) },
  { name: 'cut within the header', damage: cut(10) },
  { name: 'emptied', damage: cut(0) },
  { name: 'grown by a byte', damage: grow(1) },
  { name: 'grown by a part', damage: grow(SECTOR + CHECK) },
  { name: 'without metadata', damage: (object) => ({ ...object, metadata: {} }) },
  { name: 'with a digit of the epoch changed', damage: stamp((fields) => fields.splice(3, 1, '9')) },
  { name: 'with a digit of the length changed', damage: stamp((fields) => fields.splice(6, 1, '4096')) },
  {
    name: 'with the stamp of version 1',
    damage: stamp((fields) => {
      const [, volumeId = '', , epoch = '', , writeId = ''] = fields.splice(0);
      fields.push(volumeId, epoch, writeId);
    }),
  },
  {
    name: 'with two parts that changed places',
    damage: (object) => {
      const body = Buffer.from(object.body);
      object.body.copy(body, byteOf(1), byteOf(2), byteOf(3));
      object.body.copy(body, byteOf(2), byteOf(1), byteOf(2));
      return { ...object, body };
    },
    unhurt: [0, 3, 4, 5, 6, 7],
  },
];

describe.each(DAMAGES)('an object $name', ({ damage, unhurt = [] }) => {
  beforeEach(async () => {
    await fillVolume();
    await stored.put(stored.keyOf(1), damage(await stored.get(stored.keyOf(1))));
  });

  test('is CORRUPT to reads of what is damaged, and to a write of any part of it, and stays as it is', async () => {
    const before = await stored.get(stored.keyOf(1));
    const device = await connect();
    await expect(read(device, 6, 12)).rejects.toEqual(corrupt(1));
    await Promise.all(
      Array.from({ length: OBJECT_SECTORS }, async (_, sector) => {
        if (unhurt.includes(sector)) expect(await read(device, 8 + sector)).toEqual([9 + sector]);
        else await expect(read(device, 8 + sector), `sector ${sector}`).rejects.toEqual(corrupt(1));
      }),
    );
    expect(await read(device, 0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await expect(device.write(9, fill(99))).rejects.toEqual(corrupt(1));
    await expect(device.write(15, fill(99))).rejects.toEqual(corrupt(1));
    await expect(device.discard(9, 2)).rejects.toEqual(corrupt(1));
    expect((await stored.get(stored.keyOf(1))).body.equals(before.body)).toBe(true);
    const reader = await connect({ readOnly: true });
    await expect(read(reader, 8, 8)).rejects.toEqual(corrupt(1));
  });
});

test('objects that changed places are CORRUPT, to reads of any part and to writes', async () => {
  await fillVolume();
  const [one, other] = [await stored.get(stored.keyOf(0)), await stored.get(stored.keyOf(1))];
  await stored.put(stored.keyOf(0), other);
  await stored.put(stored.keyOf(1), one);
  const device = await connect();
  for (const index of [0, 1]) {
    await expect(read(device, index * OBJECT_SECTORS + 3)).rejects.toEqual(corrupt(index));
    await expect(device.write(index * OBJECT_SECTORS + 3, fill(99))).rejects.toEqual(corrupt(index));
    await expect(device.write(index * OBJECT_SECTORS, fill(99, OBJECT_SECTORS))).resolves.toBeUndefined();
  }
});

test('the body of another object under a stamp of its own is CORRUPT', async () => {
  await fillVolume();
  const { body } = await stored.get(stored.keyOf(0));
  const { metadata } = await stored.get(stored.keyOf(1));
  await stored.put(stored.keyOf(1), { body, metadata });
  const device = await connect();
  for (let sector = 8; sector < 16; sector++) await expect(read(device, sector)).rejects.toEqual(corrupt(1));
  await expect(device.write(9, fill(99))).rejects.toEqual(corrupt(1));
});

test('an object of another volume is CORRUPT', async () => {
  await fillVolume();
  const own = at;
  at = store.volume();
  await createVolume({
    ...at,
    sectorSize: SECTOR,
    sizeSectors: OBJECTS * OBJECT_SECTORS,
    objectSizeBytes: OBJECT_BYTES,
  });
  await fillVolume();
  const foreign = await stored.get(new StoredObjects(store, at).keyOf(1));
  at = own;
  await stored.put(stored.keyOf(1), foreign);
  const device = await connect();
  await expect(read(device, 12)).rejects.toEqual(corrupt(1));
  await expect(device.write(12, fill(99))).rejects.toEqual(corrupt(1));
});

test('what lies behind the end of the data is zeroes, and only that', async () => {
  await fillVolume();
  const device = await connect();
  expect(await read(device, 16, 16)).toEqual([17, 18, 19, 20, ...new Array(12).fill(0)]);
  expect(await read(device, 20)).toEqual([0]);
  await stored.put(stored.keyOf(2), cut(0)(await stored.get(stored.keyOf(2))));
  await expect(read(device, 20)).rejects.toEqual(corrupt(2));
  await expect(read(device, 23)).rejects.toEqual(corrupt(2));
});

describe('objects of version 1', () => {
  const data = (values: readonly number[]) => Buffer.concat(values.flatMap((value) => fill(value)));

  beforeEach(async () => {
    await (await connect()).disconnect();
    await stored.putDataV1(0, data([1, 2, 3, 4, 5, 6, 7, 8]));
    await stored.putDataV1(1, data([9, 0, 11]));
    await stored.putDataV1(2, data([]));
    await stored.putRootV1();
  });

  test('are read in a volume of version 1, which is left as it is', async () => {
    const root = await stored.get(stored.rootKey);
    const device = await connect({ readOnly: true });
    expect(await read(device, 0, 32)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 11, ...new Array(21).fill(0)]);
    for (let sector = 0; sector < 8; sector++) expect(await read(device, sector)).toEqual([sector + 1]);
    expect(await read(device, 12)).toEqual([0]);
    await device.disconnect();
    expect((await stored.get(stored.rootKey)).body.equals(root.body)).toBe(true);
  });

  test('are read, changed and deleted by a writer, who writes version 2', async () => {
    const device = await connect();
    expect(await read(device, 0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await device.write(2, fill(99));
    await device.write(13, fill(98));
    await device.write(17, fill(97));
    expect(await read(device, 0, 24)).toEqual([
      1,
      2,
      99,
      4,
      5,
      6,
      7,
      8,
      9,
      0,
      11,
      0,
      0,
      98,
      0,
      0,
      0,
      97,
      ...new Array(6).fill(0),
    ]);
    for (const index of [0, 1, 2]) {
      expect((await stored.get(stored.keyOf(index))).metadata.blockyard).toMatch(/^2\//);
    }
    await stored.putDataV1(3, data([1, 2, 3, 4, 5, 6, 7, 8]));
    await device.disconnect();
    const mixed = await connect();
    expect(await read(mixed, 0, 32)).toEqual([
      ...[1, 2, 99, 4, 5, 6, 7, 8, 9, 0, 11, 0, 0, 98, 0, 0, 0, 97, 0, 0, 0, 0, 0, 0],
      ...[1, 2, 3, 4, 5, 6, 7, 8],
    ]);
    await mixed.discard(24, 8);
    await mixed.disconnect();
    expect(await stored.find(stored.keyOf(3))).toBeUndefined();
  });

  test.each([
    ['emptied', (object: StoredObject) => cut(0)(object)],
    ['cut within the write id', (object: StoredObject) => cut(10)(object)],
    ['cut within a sector', (object: StoredObject) => cut(16 + 5000)(object)],
    ['too large', (object: StoredObject) => grow(SECTOR)(object)],
    ['grown by a byte', (object: StoredObject) => grow(1)(object)],
  ])('are CORRUPT when they are %s', async (_, damage) => {
    await stored.put(stored.keyOf(0), damage(await stored.get(stored.keyOf(0))));
    const device = await connect();
    for (const sector of [0, 3, 7]) {
      await expect(read(device, sector)).rejects.toEqual(corrupt(0));
      await expect(device.write(sector, fill(99))).rejects.toEqual(corrupt(0));
    }
  });

  test('are CORRUPT to a write when their write id is not that of their stamp', async () => {
    await stored.put(stored.keyOf(0), flip(3)(await stored.get(stored.keyOf(0))));
    const device = await connect();
    await expect(device.write(0, fill(99))).rejects.toEqual(corrupt(0));
  });
});
