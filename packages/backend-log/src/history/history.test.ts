import type { BlockDevice } from '@blockyard/block';
import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type ConnectLogOptions,
  checkLogVolume,
  connectLog,
  createClone,
  createLogVolume,
  deleteLogVolume,
  deleteSnapshot,
  inspectLogVolume,
  type LogDevice,
  listSnapshots,
  rollBack,
  takeSnapshot,
} from '../index.js';

const SECTOR = 4096;
let objects: MemoryObjects;
const at = (prefix = 'disk') => ({ store: new MemoryStore({ objects }), prefix });
const open = (prefix = 'disk', options: Partial<ConnectLogOptions> = {}): Promise<LogDevice> =>
  connectLog({ ...at(prefix), minDeleteDelayMs: 0, ...options });

beforeEach(async () => {
  objects = new Map();
  await createLogVolume({ ...at(), sizeSectors: 1000, segmentSizeBytes: 200_000 });
});

const filled = (value: number, sectors = 1) => [new Uint8Array(sectors * SECTOR).fill(value)];

async function valuesOf(device: BlockDevice, count = 100): Promise<number[]> {
  const buffer = new Uint8Array(count * SECTOR);
  await device.read(0, [buffer]);
  return Array.from({ length: count }, (_, sector) => buffer[sector * SECTOR] as number);
}

async function valuesAt(prefix = 'disk', options: Partial<ConnectLogOptions> = {}): Promise<number[]> {
  const device = await open(prefix, { readOnly: true, ...options });
  const values = await valuesOf(device);
  await device.disconnect();
  return values;
}

async function isWhole(prefix = 'disk'): Promise<void> {
  expect((await checkLogVolume(at(prefix))).problems).toEqual([]);
}

/** Overwrites sectors many times, so that there is something to clean. */
async function churn(device: LogDevice, rounds: number, base: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let sector = 0; sector < 100; sector++) await device.write(sector, filled((base + round + sector) % 250));
    await device.flush();
  }
}

describe('A snapshot', () => {
  test('is what the volume was, whatever comes later, however much is cleaned', async () => {
    const device = await open();
    const expected: number[][] = [];
    for (let each = 0; each < 4; each++) {
      await churn(device, 3, each * 20);
      expected.push(await valuesOf(device));
      await device.takeSnapshot(`s${each}`);
      await device.discard(each * 10, 5);
      await device.compact();
    }
    for (let each = 0; each < 4; each++)
      expect(await valuesAt('disk', { snapshot: `s${each}` })).toEqual(expected[each]);
    await isWhole();
    await device.disconnect();
    for (let each = 0; each < 4; each++)
      expect(await valuesAt('disk', { snapshot: `s${each}` })).toEqual(expected[each]);
    await isWhole();
  });

  test('is taken beside a writer, which carries on', async () => {
    const device = await open();
    await churn(device, 2, 0);
    const expected = await valuesOf(device);
    await takeSnapshot(at(), 'beside');
    await churn(device, 2, 100);
    const later = await valuesOf(device);
    await device.takeSnapshot('later');
    await device.compact();
    await device.disconnect();
    expect(await valuesAt('disk', { snapshot: 'beside' })).toEqual(expected);
    expect(await valuesAt('disk', { snapshot: 'later' })).toEqual(later);
    expect(await valuesAt()).toEqual(later);
    expect((await listSnapshots(at())).map(({ name }) => name)).toEqual(['beside', 'later']);
    await isWhole();
  });

  test('gives its space back once it is deleted', async () => {
    const device = await open();
    await churn(device, 2, 0);
    await device.takeSnapshot('old');
    await churn(device, 2, 100);
    await device.compact();
    const before = (await inspectLogVolume(at())).space.dataBytes;
    await deleteSnapshot(at(), 'old');
    await device.compact();
    expect((await inspectLogVolume(at())).space.dataBytes).toBeLessThan(before * 0.7);
    await device.disconnect();
    await isWhole();
  });

  test.each([
    ['of a name that is taken', 'a', 'ALREADY_EXISTS'],
    ['of a name that cannot be', 'a/b', 'INVALID_ARGUMENT'],
  ])('%s is refused', async (_, name, code) => {
    await takeSnapshot(at(), 'a');
    await expect(takeSnapshot(at(), name)).rejects.toMatchObject({ code });
    await expect(deleteSnapshot(at(), 'none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(open('disk', { snapshot: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('Rolled back', () => {
  test('the volume is what it was, and goes on from there', async () => {
    const device = await open();
    await churn(device, 2, 0);
    const expected = await valuesOf(device);
    await device.takeSnapshot('good');
    await churn(device, 3, 100);
    const bad = await valuesOf(device);
    await device.takeSnapshot('bad');
    await device.disconnect();
    await rollBack(at(), 'good');
    expect(await valuesAt()).toEqual(expected);
    expect(await valuesAt('disk', { snapshot: 'bad' })).toEqual(bad);
    const again = await open();
    await again.write(7, filled(251));
    await again.compact();
    await again.disconnect();
    expect((await valuesAt())[7]).toBe(251);
    await rollBack(at(), 'bad');
    await isWhole();
    expect(await valuesAt()).toEqual(bad);
  });

  test('not while someone has it open', async () => {
    const device = await open();
    await device.takeSnapshot('good');
    await expect(rollBack(at(), 'good')).rejects.toMatchObject({ code: 'LOCKED' });
    await device.write(0, filled(9));
    await device.disconnect();
    expect((await valuesAt())[0]).toBe(9);
  });
});

describe('A clone', () => {
  test('begins as the snapshot, and neither sees what the other writes', async () => {
    const device = await open();
    await churn(device, 2, 0);
    await takeSnapshot(at(), 'origin');
    const expected = await valuesOf(device);
    await createClone(at(), 'origin', { prefix: 'copy' });
    const clone = await open('copy');
    expect(await valuesOf(clone)).toEqual(expected);
    await clone.write(3, filled(200));
    await device.write(4, filled(201));
    await device.compact();
    await clone.compact();
    await clone.takeSnapshot('own');
    await createClone(at('copy'), 'own', { prefix: 'copy-of-copy' });
    await clone.disconnect();
    await device.disconnect();
    for (const prefix of ['copy', 'copy-of-copy']) {
      const values = await valuesAt(prefix);
      expect([values[3], values[4]]).toEqual([200, expected[4]]);
      await isWhole(prefix);
    }
    expect((await inspectLogVolume(at('copy'))).cloneOf).toEqual({ prefix: 'disk', snapshot: 'origin' });
  });

  test('counts as its own what it stores, and what it shares apart', async () => {
    const device = await open();
    await device.write(0, filled(1, 80));
    await device.takeSnapshot('origin');
    await device.disconnect();
    const { space: parent } = await inspectLogVolume(at());
    expect(parent).toMatchObject({ objects: expect.any(Number), sharedBytes: 0 });
    await createClone(at(), 'origin', { prefix: 'copy' });
    const shared = { sharedBytes: parent.dataBytes };
    expect((await inspectLogVolume(at('copy'))).space).toEqual({
      dataBytes: 0,
      mapBytes: 0,
      liveBytes: 0,
      objects: 0,
      ...shared,
    });
    const clone = await open('copy');
    await clone.write(0, filled(2));
    await clone.disconnect();
    const { space } = await inspectLogVolume(at('copy'));
    expect(space).toMatchObject({ liveBytes: SECTOR, ...shared });
    const isOwn = (key: string) => /^copy\/(log|pack|map)\//.test(key);
    expect(space.objects).toBe([...objects.keys()].filter(isOwn).length);
  });

  test('keeps its snapshot, and its parent, as long as it lives', async () => {
    await takeSnapshot(at(), 'origin');
    await createClone(at(), 'origin', { prefix: 'copy' });
    await expect(deleteSnapshot(at(), 'origin')).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(deleteLogVolume(at())).rejects.toMatchObject({ code: 'LOCKED' });
    expect((await listSnapshots(at())).map(({ isDeleting }) => isDeleting)).toEqual([false]);
    await deleteLogVolume(at('copy'));
    await deleteSnapshot(at(), 'origin');
    await deleteLogVolume(at());
    expect([...objects.keys()]).toEqual([]);
  });
});

test('a volume that is open is not deleted, unless it is taken over; then its writer stops', async () => {
  const device = await open();
  await device.write(0, filled(1));
  await device.flush();
  await expect(deleteLogVolume(at())).rejects.toMatchObject({ code: 'LOCKED' });
  await deleteLogVolume(at(), { takeOver: true });
  await device.write(0, filled(2));
  await expect(device.flush()).rejects.toMatchObject({ code: 'FENCED' });
  await device.disconnect({ force: true });
});
