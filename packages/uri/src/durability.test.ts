import { mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectFile } from '@blockyard/backend-file';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ConnectUriOptions,
  compactUri,
  connectUri,
  createUri,
  deleteUri,
  rollBackUri,
  snapshotUri,
  type TierLoss,
  tierOfUri,
  type UriDevice,
} from './index.js';

const SECTOR = 4096;
const MIB = 2 ** 20;
const VOLUME_BYTES = 8 * MIB;
let folder: string;
let made = 0;

beforeAll(async () => {
  // In memory where that can be: no power fails here, and hundreds of flushes need not wait for a disk.
  const memory = await stat('/dev/shm').then(
    () => '/dev/shm',
    () => tmpdir(),
  );
  folder = await mkdtemp(join(memory, 'blockyard-durability-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Scene {
  readonly uri: string;
  /** Of the tier; not there yet. */
  readonly directory: string;
  readonly tier: { readonly directory: string; readonly maxSizeBytes: number; readonly durability: 'local' };
}

async function makeScene(): Promise<Scene> {
  const place = join(folder, String(made++));
  const uri = `dir:${place}/store/web-1`;
  await createUri(uri, { sizeBytes: VOLUME_BYTES });
  const directory = join(place, 'tier');
  return { uri, directory, tier: { directory, maxSizeBytes: 16 * MIB, durability: 'local' } };
}

/** A volume whose process died after a flush to the tier: its first sector is of sevens there, and of zeroes in the store. */
async function undrained(): Promise<Scene> {
  const scene = await makeScene();
  const device = await connectUri(scene.uri, { tier: scene.tier, cacheSizeBytes: MIB });
  await write(device, 7);
  await device.flush();
  await device.disconnect({ force: true });
  return scene;
}

function write(device: UriDevice, value: number): Promise<void> {
  return device.write(0, [new Uint8Array(SECTOR).fill(value)]);
}

async function firstByte(device: UriDevice): Promise<number | undefined> {
  const bytes = new Uint8Array(SECTOR);
  await device.read(0, [bytes]);
  return bytes[0];
}

/** What is read, once it is opened with these options. It is ended then. */
async function readWith(uri: string, options: ConnectUriOptions): Promise<number | undefined> {
  const device = await connectUri(uri, options);
  const byte = await firstByte(device);
  await device.disconnect();
  return byte;
}

/** The process that died is this one, which is alive. */
const takeOver = { takeOver: true } as const;

const attachedOf = async (uri: string) => (await tierOfUri(uri)).attached;

describe('with durability local', () => {
  test('a flush is durable on the tier, and the store gets all of it at the latest at the end', async () => {
    const { uri, directory, tier } = await makeScene();
    const device = await connectUri(uri, { tier, cacheSizeBytes: MIB });
    expect(device.durability).toEqual({ write: 'memory', flush: 'local' });
    await write(device, 5);
    await device.flush();
    expect(device.tier?.().writeLog).toMatchObject({ durability: 'medium', isAttached: true, undrainedBytes: SECTOR });
    expect(await attachedOf(uri)).toMatchObject({ place: `${hostname()}:${directory}` });
    await device.disconnect();
    expect(await attachedOf(uri)).toBeNull();
    expect(await readWith(uri, {})).toBe(5);
    const log = await connectFile({ path: join(directory, 'write-log'), readOnly: true });
    const sizeSectors = (4 * MIB) / 512;
    expect(log.info).toMatchObject({ sizeSectors });
    // All of it was written once: no flush waits for the file system to give it space.
    expect(await log.extents(0, sizeSectors)).toEqual([{ start: 0, count: sizeSectors, type: 'data' }]);
    await log.disconnect();
  });

  test('what the store does not have is told of, and found again by the same tier, whatever is asked of that', async () => {
    const { uri, directory, tier } = await undrained();
    expect(await tierOfUri(uri)).toEqual({
      attached: expect.objectContaining({ place: `${hostname()}:${directory}` }),
      directory,
      found: 'own',
      undrained: { bytes: SECTOR, changes: 1, oldestMs: expect.any(Number) },
    });
    const { durability: _, ...toStore } = tier;
    expect(await readWith(uri, { readOnly: true, tier: { directory } })).toBe(7);
    expect(await attachedOf(uri)).not.toBeNull();
    const device = await connectUri(`${uri}?tier=${directory}`);
    expect(device.durability).toEqual({ write: 'memory', flush: 'local' });
    expect(device.tier?.().writeLog).toMatchObject({ durability: 'base' });
    expect(await firstByte(device)).toBe(7);
    await device.drain?.();
    expect(device.tier?.().writeLog).toMatchObject({ undrainedBytes: 0 });
    await device.disconnect();
    expect(await attachedOf(uri)).toBeNull();
    // Nothing is left for a log to do.
    await using again = await connectUri(uri, { tier: toStore });
    expect(again.tier?.().writeLog).toBeNull();
    expect(again.drain).toBeUndefined();
    expect(await firstByte(again)).toBe(7);
  });

  test('the size of the log changes only when nothing is in it', async () => {
    const { uri, directory, tier } = await undrained();
    const sizeOf = async () => (await stat(join(directory, 'write-log'))).size;
    const larger = { ...tier, maxSizeBytes: 64 * MIB };
    expect(await readWith(uri, { tier: larger })).toBe(7);
    expect(await sizeOf()).toBe(4 * MIB);
    expect(await readWith(uri, { tier: larger })).toBe(7);
    expect(await sizeOf()).toBe(8 * MIB);
  });

  test('is refused for what would be opened without its tier', async () => {
    const { uri, directory, tier } = await makeScene();
    const file = `file:${directory}.img`;
    await createUri(file, { sizeBytes: MIB });
    const refused = { code: 'UNSUPPORTED', message: expect.stringContaining('durability local is for log volumes') };
    await expect(connectUri(file, { tier })).rejects.toMatchObject(refused);
    await expect(connectUri(`${uri}?durability=local`)).rejects.toThrow('a durability of a tier without a tier');
    await expect(connectUri(`${uri}?tier=${directory}&durability=disk`)).rejects.toThrow('must be base or local');
    await expect(connectUri(`${uri}?tier=${directory}&durability=base`, { tier })).rejects.toThrow(
      'is not the one that was asked for',
    );
  });
});

describe('a volume whose tier has what its store has not', () => {
  test('is opened for nothing without it, and the message says where that is', async () => {
    const { uri, directory, tier } = await undrained();
    const missing = {
      code: 'TIER_MISSING',
      message: expect.stringContaining(`which was at ${hostname()}:${directory} from 2`),
    };
    await snapshotUri(uri, 'daily');
    await expect(connectUri(uri)).rejects.toMatchObject(missing);
    await expect(connectUri(uri, { readOnly: true })).rejects.toMatchObject(missing);
    await expect(connectUri(uri, { tier: { directory: `${directory}-2` } })).rejects.toMatchObject(missing);
    const elsewhere = { ...tier, directory: `${directory}-2` };
    await expect(connectUri(uri, { tier: elsewhere })).rejects.toMatchObject(missing);
    await expect(stat(`${directory}-2`)).rejects.toThrow('ENOENT');
    await expect(deleteUri(uri, takeOver)).rejects.toMatchObject(missing);
    await expect(compactUri(uri, takeOver)).rejects.toMatchObject(missing);
    await expect(rollBackUri(`${uri}@daily`, takeOver)).rejects.toMatchObject(missing);
    // Of the past nothing is missing.
    expect(await readWith(`${uri}@daily`, {})).toBe(0);
    expect(await readWith(uri, { tier })).toBe(7);
  });

  test('is not opened with another tier, and neither is touched', async () => {
    const { uri, tier } = await undrained();
    const other = await makeScene();
    await (await connectUri(other.uri, { tier: other.tier })).disconnect();
    await expect(connectUri(uri, { tier: other.tier })).rejects.toMatchObject({
      code: 'TIER_MISSING',
      message: expect.stringContaining(`the one in ${other.directory} is another`),
    });
    expect(await readWith(uri, { tier })).toBe(7);
  });

  test('is not opened with that of another such volume, whichever way they are swapped, and nothing is lost', async () => {
    const [first, second] = [await undrained(), await undrained()];
    for (const [volume, tier] of [
      [first, second.tier],
      [second, first.tier],
    ] as const) {
      for (const options of [{ tier }, { tier, readOnly: true }]) {
        await expect(connectUri(volume.uri, options)).rejects.toMatchObject({ code: 'TIER_MISSING' });
      }
      // Nor does the other volume lose what it flushed because this one's loss is accepted.
      await expect(connectUri(volume.uri, { tier, acceptLoss: true })).rejects.toMatchObject({ code: 'TIER_MISSING' });
    }
    for (const { uri, tier } of [first, second]) expect(await readWith(uri, { tier })).toBe(7);
  });

  test('keeps it from other volumes, which can have it afterwards', async () => {
    const { uri, tier } = await undrained();
    const other = await makeScene();
    const taken = { code: 'TIER_MISSING', message: expect.stringContaining('drain that one first') };
    await expect(connectUri(other.uri, { tier, acceptLoss: true })).rejects.toMatchObject(taken);
    expect(await readWith(uri, { tier })).toBe(7);
    expect(await readWith(other.uri, { tier })).toBe(0);
    expect(await tierOfUri(uri, tier)).toMatchObject({ attached: null, found: 'other' });
  });

  test('is opened without it if the loss is accepted, which says what is lost, and is final', async () => {
    const { uri, directory, tier } = await undrained();
    const losses: TierLoss[] = [];
    const onTierLoss = (loss: TierLoss) => losses.push(loss);
    // To read is not to lose.
    expect(await readWith(`${uri}?accept-loss=true`, { readOnly: true, onTierLoss })).toBe(0);
    expect(losses).toEqual([]);
    expect(await readWith(`${uri}?accept-loss=true`, { onTierLoss })).toBe(0);
    expect(losses).toEqual([
      {
        attached: expect.objectContaining({ place: `${hostname()}:${directory}` }),
        undrained: { bytes: SECTOR, changes: 1, oldestMs: expect.any(Number) },
      },
    ]);
    await expect(connectUri(uri, { tier })).rejects.toMatchObject({ code: 'TIER_MISSING' });
    expect(await readWith(uri, { tier, acceptLoss: true })).toBe(0);
    expect(await readWith(uri, { tier })).toBe(0);
  });

  test('whose disk is gone is opened with a new one if the loss is accepted', async () => {
    const { uri, directory, tier } = await undrained();
    await rm(directory, { recursive: true });
    const losses: TierLoss[] = [];
    await expect(connectUri(uri, { tier })).rejects.toMatchObject({ code: 'TIER_MISSING' });
    const device = await connectUri(uri, { tier, acceptLoss: true, onTierLoss: (loss) => losses.push(loss) });
    expect(losses).toMatchObject([{ undrained: null }]);
    await write(device, 9);
    await device.flush();
    await device.disconnect({ force: true });
    expect(await readWith(uri, { tier })).toBe(9);
  });

  test('is deleted, compacted and rolled back if the loss is accepted', async () => {
    const { uri } = await undrained();
    await compactUri(uri, { ...takeOver, acceptLoss: true });
    expect(await attachedOf(uri)).toBeNull();
    const second = await undrained();
    await snapshotUri(second.uri, 'daily');
    await rollBackUri(`${second.uri}@daily?accept-loss=true`, takeOver);
    expect(await attachedOf(second.uri)).toBeNull();
    const third = await undrained();
    await deleteUri(`${third.uri}?accept-loss=true`, takeOver);
    await expect(connectUri(third.uri)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('is one process’s, and so is the volume: no other one opens either', async () => {
    const { uri, directory, tier } = await makeScene();
    const device = await connectUri(uri, { tier });
    await write(device, 3);
    await device.flush();
    const locked = { code: 'LOCKED' };
    await expect(connectUri(uri, { tier, takeOver: true })).rejects.toMatchObject(locked);
    await expect(connectUri(uri, { tier, readOnly: true })).rejects.toMatchObject(locked);
    await expect(connectUri(uri, { takeOver: true })).rejects.toMatchObject({ code: 'TIER_MISSING' });
    // Beside it, what it has is told of.
    expect(await tierOfUri(uri)).toMatchObject({ directory, found: 'own', undrained: { changes: 1 } });
    await write(device, 4);
    await device.disconnect();
    expect(await readWith(uri, {})).toBe(4);
  });

  test('and whose log is damaged says so, and gets a new one if the loss is accepted', async () => {
    const { uri, directory, tier } = await undrained();
    await truncate(join(directory, 'write-log'), 2 * MIB);
    await expect(connectUri(uri, { tier })).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(await readWith(uri, { tier, readOnly: true, acceptLoss: true })).toBe(0);
    expect(await readWith(uri, { tier, acceptLoss: true })).toBe(0);
    expect((await stat(join(directory, 'write-log'))).size).toBe(4 * MIB);
    expect(await readWith(uri, { tier })).toBe(0);
  });
});

test('every device says where data are when a write has resolved, and when a flush has', async () => {
  const { uri, directory } = await makeScene();
  const file = `file:${directory}.img`;
  await createUri(file, { sizeBytes: MIB });
  const told: unknown[] = [];
  for (const each of ['memory:?size=1M', file, uri]) {
    await using device = await connectUri(each);
    told.push(device.durability);
  }
  expect(told).toEqual([
    { write: 'memory', flush: 'memory' },
    { write: 'memory', flush: 'local' },
    { write: 'memory', flush: 'local' },
  ]);
});
