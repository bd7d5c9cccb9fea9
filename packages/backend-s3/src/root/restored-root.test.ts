import type { BlockDevice } from '@blockyard/block';
import { type FaultProxy, startFaults, startTestStore, type TestStore } from '@blockyard/local-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectS3, createVolume, type StoreOptions } from '../index.js';
import { brief } from '../testing/brief.js';
import { TestClock } from '../testing/clock.js';
import { type StoredObject, StoredObjects } from '../testing/stored-objects.js';

const SECTOR = 512;
const OBJECT_SECTORS = 8;
const SECTORS = 64;

let store: TestStore;
let proxy: FaultProxy & { volume: TestStore['volume'] };
let at: StoreOptions;
let stored: StoredObjects;
let rootBefore: StoredObject;
const opened: BlockDevice[] = [];
/** The writer whose root was taken away from it. */
let displaced: BlockDevice;
/** The one that opened the volume from the earlier root. */
let owner: BlockDevice;

beforeAll(async () => {
  store = await startTestStore();
  proxy = await startFaults(store);
});
beforeEach(async () => {
  at = proxy.volume();
  stored = new StoredObjects(store, at);
  await createVolume({ ...at, sectorSize: SECTOR, sizeSectors: SECTORS, objectSizeBytes: OBJECT_SECTORS * SECTOR });
  const first = await connect();
  await first.write(0, fill(1, 32));
  await first.disconnect();
  rootBefore = await stored.get(stored.rootKey);
});
afterEach(async () => {
  for (const device of opened.splice(0)) await device.disconnect({ force: true });
});
afterAll(async () => {
  await proxy.stop();
  await store.stop();
});

async function connect(options: { readOnly?: boolean } = {}): Promise<BlockDevice> {
  const device = await connectS3({ ...at, clock: new TestClock(), ...options });
  opened.push(device);
  return device;
}

const fill = (value: number, count = 1) => [new Uint8Array(count * SECTOR).fill(value)];
const whole = (value: number) => fill(value, OBJECT_SECTORS);

/** The value of the first byte of each sector. */
async function read(device: BlockDevice, start: number, count = 1): Promise<(number | undefined)[]> {
  const buffer = new Uint8Array(count * SECTOR);
  await device.read(start, [buffer]);
  return Array.from({ length: count }, (_, sector) => buffer[sector * SECTOR]);
}

const rootLooks = () => proxy.requests.map(brief).filter((request) => request === 'GET volume.json').length;

const FENCED = expect.objectContaining({ name: 'BlockError', code: 'FENCED' });

/** Puts the root back and opens the volume from there. `epochsAhead`: how many the displaced writer is in front then. */
async function putBack(epochsAhead: number): Promise<void> {
  for (let opening = 0; opening < epochsAhead; opening++) await (await connect()).disconnect();
  displaced = await connect();
  await displaced.write(0, fill(2, 24));
  await displaced.write(40, whole(2));
  await displaced.flush();
  await stored.put(stored.rootKey, rootBefore);
  owner = await connect();
}

describe.each([
  ['the same epoch', 0],
  ['a higher epoch', 2],
])('after a root was put back, with a displaced writer of %s, the new one', (_, epochsAhead) => {
  beforeEach(() => putBack(epochsAhead));
  afterEach(async () => {
    await owner.flush();
    await expect(displaced.write(56, fill(9)).then(() => displaced.flush())).rejects.toEqual(FENCED);
    await expect(displaced.write(0, whole(9))).rejects.toEqual(FENCED);
    expect((await read(owner, 0))[0]).not.toBe(9);
  });

  test('reads what the other one stored, and asks the root once about all of it', async () => {
    proxy.requests.length = 0;
    expect(await read(owner, 0, 25)).toEqual([...Array(24).fill(2), 1]);
    expect(await read(owner, 40)).toEqual([2]);
    expect(rootLooks()).toBeLessThanOrEqual(2);
    proxy.requests.length = 0;
    await read(owner, 8, 8);
    expect(rootLooks()).toBe(0);
  });

  test('merges a part of an object into what it holds', async () => {
    await owner.write(1, fill(3));
    await owner.write(41, fill(3));
    expect(await read(owner, 0, 3)).toEqual([2, 3, 2]);
    expect(await read(owner, 40, 3)).toEqual([2, 3, 2]);
  });

  test('overwrites whole objects, those too that the other one changed meanwhile', async () => {
    await owner.write(0, whole(3));
    await displaced.write(8, whole(4)).catch(() => {});
    expect((await stored.get(stored.keyOf(1))).body.includes(4)).toBe(true);
    await owner.write(8, whole(5));
    expect(await read(owner, 0, 16)).toEqual([...Array(8).fill(3), ...Array(8).fill(5)]);
  });

  test('deletes objects, those too that the other one changed meanwhile', async () => {
    await owner.discard(0, OBJECT_SECTORS);
    await displaced.write(8, whole(4)).catch(() => {});
    await owner.discard(8, OBJECT_SECTORS);
    expect(await read(owner, 0, 17)).toEqual([...Array(16).fill(0), 2]);
    expect(await stored.find(stored.keyOf(0))).toBeUndefined();
    expect(await stored.find(stored.keyOf(1))).toBeUndefined();
  });

  test('builds upon an object that the other one made where it had found nothing', async () => {
    await displaced.write(48, whole(4)).catch(() => {});
    await owner.write(49, fill(5));
    expect(await read(owner, 48, 3)).toEqual([4, 5, 4]);
  });

  test('shrinks into an object of the other one, and grows with zeroes', async () => {
    await owner.resize(4);
    await owner.resize(SECTORS);
    expect(await read(owner, 0, 9)).toEqual([2, 2, 2, 2, 0, 0, 0, 0, 0]);
  });
});

describe.each([
  ['the same epoch', 0],
  ['a higher epoch', 2],
])('once it has met a displaced writer of %s', (_, epochsAhead) => {
  test.each<[string, (device: BlockDevice) => Promise<unknown>]>([
    ['a read', (device) => read(device, 0)],
    ['a merge', (device) => device.write(1, fill(9))],
    ['a whole overwrite', (device) => device.write(0, whole(9))],
    ['a delete', (device) => device.discard(0, OBJECT_SECTORS)],
  ])('a real later writer still fences %s, and nothing changes', async (_, act) => {
    await putBack(epochsAhead);
    expect(await read(owner, 0)).toEqual([2]);
    const later = await connect();
    await later.write(0, whole(7));
    await expect(act(owner)).rejects.toEqual(FENCED);
    await expect(owner.write(56, fill(9))).rejects.toEqual(FENCED);
    expect(await read(later, 0, OBJECT_SECTORS)).toEqual(Array(OBJECT_SECTORS).fill(7));
  });
});

test('a writer of a root that was put back twice fences the one that was displaced first', async () => {
  await putBack(0);
  await owner.write(0, whole(3));
  await stored.put(stored.rootKey, rootBefore);
  const last = await connect();
  await last.write(0, fill(4));
  expect(await read(last, 0, 2)).toEqual([4, 3]);
  await expect(owner.write(0, whole(9))).rejects.toEqual(FENCED);
  await expect(displaced.write(0, whole(9))).rejects.toEqual(FENCED);
  expect(await read(last, 0, 2)).toEqual([4, 3]);
  await last.flush();
});

test('a read-only connection reads whatever there is', async () => {
  await putBack(2);
  await owner.write(0, fill(3));
  const reader = await connect({ readOnly: true });
  expect(await read(reader, 0, 2)).toEqual([3, 2]);
});
