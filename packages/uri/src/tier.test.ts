import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cloneUri,
  connectUri,
  createUri,
  deleteUri,
  type LoadedDevice,
  loadUri,
  snapshotUri,
  type UriDevice,
} from './index.js';

const SECTOR = 4096;
const MIB = 2 ** 20;
const VOLUME_BYTES = 8 * MIB;
let folder: string;
let made = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'blockyard-tier-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A new volume in a store of its own, with nothing in it, and a folder for a tier, which is not there yet. */
async function makeScene(): Promise<{ readonly uri: string; readonly directory: string }> {
  const place = join(folder, String(made++));
  const uri = `dir:${place}/store/web-1`;
  await createUri(uri, { sizeBytes: VOLUME_BYTES });
  return { uri, directory: join(place, 'tier') };
}

async function write(device: UriDevice, value: number, sectors = 512): Promise<void> {
  await device.write(0, [new Uint8Array(sectors * SECTOR).fill(value)]);
  await device.flush();
}

async function expectAll(device: UriDevice, value: number, sectors = 512): Promise<void> {
  const bytes = new Uint8Array(sectors * SECTOR);
  await device.read(0, [bytes]);
  expect(bytes.every((byte) => byte === value)).toBe(true);
}

/** Bytes of segments that came from the store. */
function fetchedBytes(device: UriDevice): number {
  return device.storeTraffic?.().classes.log?.downloadBytes ?? 0;
}

/** Once what is on the tier is known: until then the store answers. */
async function whenLoaded(device: UriDevice): Promise<UriDevice> {
  while (device.tier?.().objectCache?.isLoading) await new Promise((resolve) => setImmediate(resolve));
  return device;
}

async function sizeOf(directory: string): Promise<number> {
  return (await stat(join(directory, 'object-cache'))).size;
}

describe('a log volume with a tier', () => {
  test('reads from it what was written, after a restart too, and tells what it has', async () => {
    const { uri, directory } = await makeScene();
    const withTier = `${uri}?tier=${directory}&tier-size=16M`;
    const first = await connectUri(withTier, { cacheSizeBytes: MIB });
    await write(first, 7);
    await first.disconnect();
    await using again = await whenLoaded(await connectUri(withTier, { readOnly: true }));
    await expectAll(again, 7);
    expect(fetchedBytes(again)).toBe(0);
    expect(again.tier?.()).toMatchObject({
      directory,
      objectCache: { hitBytes: expect.any(Number), medium: { state: 'good' } },
    });
    expect(again.tier?.().objectCache?.hitBytes).toBeGreaterThanOrEqual(512 * SECTOR);
    expect(await sizeOf(directory)).toBe(12 * MIB);
  });

  test('that is left for an opening that follows at once is flushed, and read no more than it must be', async () => {
    const { uri, directory } = await makeScene();
    const withTier = `${uri}?tier=${directory}&tier-size=16M&durability=local`;
    const options = { cacheSizeBytes: MIB, warmStart: {} };
    const first = await connectUri(withTier, options);
    await write(first, 7);
    const loading = await loadUri(withTier);
    await first.prepareToLeave?.();
    await loading?.catchUp();
    await write(first, 8, 100);
    await first.prepareToLeave?.();
    await write(first, 9, 50);
    await first.disconnect();
    loading?.close();
    const left = first.left?.();
    if (loading === undefined || left === undefined) throw new Error('it is a log volume');
    expect([loading.loaded, left]).toMatchObject(
      Array(2).fill({ volume: expect.anything(), records: expect.anything() }),
    );
    const records = {} as NonNullable<LoadedDevice['records']>;
    await expect(connectUri(withTier, { loaded: { volume: undefined, records } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    const check = async (device: UriDevice) => {
      const bytes = new Uint8Array(512 * SECTOR);
      await device.read(0, [bytes]);
      expect([0, 49, 50, 99, 100, 511].map((sector) => bytes[sector * SECTOR])).toEqual([9, 9, 8, 8, 7, 7]);
    };
    // Another one has taken it, and died; then it goes on where it was.
    const other = await connectUri(withTier, { ...options, loaded: loading.loaded });
    await check(other);
    expect(other.tier?.().writeLog?.undrainedBytes).toBeGreaterThanOrEqual(50 * SECTOR);
    await other.disconnect({ force: true });
    const again = await connectUri(withTier, { ...options, loaded: left });
    await check(again);
    await again.drain?.();
    await again.disconnect();
    await using without = await connectUri(uri, { readOnly: true });
    await check(without);
  });

  test('tells which sectors are on it and in no cache above: those are read without the store', async () => {
    const { uri, directory } = await makeScene();
    const withTier = `${uri}?tier=${directory}&tier-size=16M`;
    const first = await connectUri(withTier);
    await write(first, 7, 1024);
    await first.disconnect();
    // Without the tier, so that the store alone has these.
    const without = await connectUri(uri);
    await without.write(300, [new Uint8Array(40 * SECTOR).fill(8)]);
    await without.disconnect();
    const again = await whenLoaded(await connectUri(withTier, { cacheSizeBytes: 2 * MIB }));
    const onTier = () => [...(again.onTier?.(0, 1024) ?? [])].filter((range) => range !== undefined);
    const sectorsOf = (ranges: ReturnType<typeof onTier>) =>
      ranges.flatMap(({ start, count }) => Array.from({ length: count }, (_, at) => start + at));
    expect(onTier()).toEqual([]);
    // The map is loaded by what is read.
    await again.read(900, [new Uint8Array(SECTOR)]);
    const found = sectorsOf(onTier());
    expect(new Set(found).size).toBe(found.length);
    expect(found.filter((sector) => sector >= 300 && sector < 340)).toEqual([]);
    expect(found).not.toContain(900);
    expect(found.length).toBeGreaterThan(900);
    const ranges = onTier();
    await again.disconnect();
    // Without a cache, which would fetch more than it is asked for.
    await using bare = await whenLoaded(await connectUri(withTier));
    await bare.read(900, [new Uint8Array(SECTOR)]);
    const before = fetchedBytes(bare);
    for (const range of ranges) await bare.read(range.start, [new Uint8Array(range.count * SECTOR)]);
    expect(fetchedBytes(bare)).toBe(before);
  });

  test('has it in a folder that no one else can read', async () => {
    const { uri, directory } = await makeScene();
    await (await connectUri(uri, { tier: { directory, maxSizeBytes: 16 * MIB } })).disconnect();
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, 'object-cache'))).mode & 0o777).toBe(0o600);
  });

  test('whose size is not said keeps it, grows with what it has, and shrinks by beginning anew', async () => {
    const { uri, directory } = await makeScene();
    const first = await connectUri(`${uri}?tier=${directory}&tier-size=16M`);
    await write(first, 3);
    await first.disconnect();
    const sizes = [undefined, 32, undefined, 16].map((mib) => (mib === undefined ? {} : { maxSizeBytes: mib * MIB }));
    const fetched: number[] = [];
    const bytes: number[] = [];
    for (const size of sizes) {
      const device = await whenLoaded(await connectUri(uri, { readOnly: true, tier: { directory, ...size } }));
      await expectAll(device, 3);
      fetched.push(fetchedBytes(device));
      await device.disconnect();
      bytes.push(await sizeOf(directory));
    }
    expect(bytes).toEqual([12 * MIB, 28 * MIB, 28 * MIB, 12 * MIB]);
    expect(fetched.slice(0, 3)).toEqual([0, 0, 0]);
    expect(fetched[3]).toBeGreaterThanOrEqual(512 * SECTOR);
  });

  test('does not take one from the process that has it, and is not taken from that one either', async () => {
    const { uri, directory } = await makeScene();
    const tier = { directory, maxSizeBytes: 16 * MIB };
    const first = await connectUri(uri, { tier });
    await write(first, 1);
    const busy = expect.objectContaining({
      code: 'LOCKED',
      message: `tier ${directory}: another process has it, and a tier is of one process at a time`,
    });
    await expect(connectUri(uri, { tier, takeOver: true })).rejects.toEqual(busy);
    const { uri: other } = await makeScene();
    await expect(connectUri(other, { tier })).rejects.toEqual(busy);
    await write(first, 2);
    await first.disconnect();
    // It is free at once.
    await using second = await connectUri(other, { tier });
    await write(second, 9);
  });

  test('that is deleted and made again gets nothing of what it was', async () => {
    const { uri, directory } = await makeScene();
    const withTier = `${uri}?tier=${directory}&tier-size=16M`;
    for (const value of [5, 6]) {
      const device = await connectUri(withTier);
      await write(device, value);
      await device.disconnect();
      await using again = await connectUri(withTier);
      await expectAll(again, value);
      await again.disconnect();
      if (value === 6) break;
      await deleteUri(withTier);
      await createUri(withTier, { sizeBytes: VOLUME_BYTES });
    }
  });

  test('shares it with its clones and its past', async () => {
    const { uri, directory } = await makeScene();
    const first = await connectUri(`${uri}?tier=${directory}&tier-size=16M`);
    await write(first, 8);
    await first.disconnect();
    await snapshotUri(uri, 'daily');
    await cloneUri(`${uri}@daily`, `${uri}-clone`);
    for (const each of [`${uri}-clone`, `${uri}@daily`]) {
      await using device = await whenLoaded(await connectUri(`${each}?tier=${directory}`));
      await expectAll(device, 8);
      expect(fetchedBytes(device), each).toBe(0);
    }
  });

  test('that cannot be opened leaves neither a folder nor a lock behind', async () => {
    const { uri, directory } = await makeScene();
    await expect(connectUri(`${uri}-none?tier=${directory}`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(stat(directory)).rejects.toThrow('ENOENT');
    const holder = await connectUri(uri);
    const tier = { directory, maxSizeBytes: 16 * MIB };
    await expect(connectUri(uri, { tier, takeOver: false })).rejects.toThrow(/open/);
    await expect(connectUri(uri, { tier: { ...tier }, cacheSizeBytes: 1 })).rejects.toThrow(/maxSizeBytes/);
    await expect(connectUri(`${uri}?sector=512`, { tier })).rejects.toThrow(/was created with/);
    await expect(connectUri(uri, { tier: { directory: '/proc/blockyard' } })).rejects.toThrow('tier /proc/blockyard:');
    await (await connectUri(uri, { tier })).disconnect();
    await holder.disconnect({ force: true });
  });
});

describe('a tier', () => {
  test.each([
    ['tier=DIR&tier-size=15M', /size of a tier must be a safe integer of at least 16777216/],
    ['tier=DIR&tier-size=lots', /\?tier-size= must be a size/],
    ['tier-size=16M', /a size of a tier without a tier/],
    ['tier=', /\?tier= must be the path of a folder/],
  ])('%s is refused before anything is made', async (query, message) => {
    const { uri, directory } = await makeScene();
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
    await expect(connectUri(`${uri}?${query.replace('DIR', directory)}`)).rejects.toEqual(refused);
    await expect(stat(directory)).rejects.toThrow('ENOENT');
  });

  test('in the URI and in the options must be the same', async () => {
    const { uri, directory } = await makeScene();
    const withTier = `${uri}?tier=${directory}&tier-size=16M`;
    const other = connectUri(withTier, { tier: { directory: `${directory}-2` } });
    await expect(other).rejects.toThrow('is not the folder that was asked for');
    const large = connectUri(withTier, { tier: { directory, maxSizeBytes: 32 * MIB } });
    await expect(large).rejects.toThrow('is not the size that was asked for');
    await expect(connectUri(uri, { tier: { directory: '' } })).rejects.toThrow('the path of a folder');
    await expect(connectUri(uri, { tier: { directory, size: 1 } as object as { directory: string } })).rejects.toThrow(
      'unknown option "size" in tier',
    );
    await (
      await connectUri(withTier, { tier: { directory: join(directory, '.'), maxSizeBytes: 16 * MIB } })
    ).disconnect();
  });

  test('where a file is, or the file of something else, is refused, and that one left alone', async () => {
    const { uri, directory } = await makeScene();
    await writeFile(directory, 'mine');
    await expect(connectUri(`${uri}?tier=${directory}`)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('is no folder'),
    });
    await expect(connectUri(`${uri}?tier=${directory}/below`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await rm(directory);
    await mkdir(directory);
    await writeFile(join(directory, 'object-cache'), new Uint8Array(MIB).fill(1));
    await expect(connectUri(`${uri}?tier=${directory}`)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(connectUri(`${uri}?tier=${directory}`)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await sizeOf(directory)).toBe(MIB);
  });

  test('whose making was cut short is made', async () => {
    const { uri, directory } = await makeScene();
    await mkdir(directory);
    await writeFile(join(directory, 'object-cache'), '');
    await truncate(join(directory, 'object-cache'), 0);
    await using device = await connectUri(`${uri}?tier=${directory}&tier-size=16M`);
    expect(device.tier?.().objectCache?.medium.state).toBe('good');
  });

  test('has nothing to keep of what has no objects that never change, and says so', async () => {
    const { directory } = await makeScene();
    const uri = `file:${directory}.img`;
    await createUri(`${uri}?tier=${directory}`, { sizeBytes: MIB });
    await using device = await connectUri(`${uri}?tier=${directory}`, { cacheSizeBytes: MIB });
    expect(device.tier?.()).toEqual({ directory, objectCache: null, writeLog: null });
    await expect(readdir(directory)).rejects.toThrow('ENOENT');
    const memory = connectUri('memory:?size=1M', { tier: { directory } });
    await expect(memory).rejects.toThrow('memory: ends with its process');
  });
});
