import { connectLog, createLogVolume, type LogDevice } from '@blockyard/backend-log';
import { connectCache } from '@blockyard/cache';
import { type MemoryObjects, MemoryStore } from '@blockyard/object-store';
import { beforeAll, describe, expect, test } from 'vitest';

const SECTOR = 4096;
const MIB = 2 ** 20;
const AREA_SECTORS = (16 * MIB) / SECTOR;
const PREFIX = 'disk';

/** Numbers below 1 that are the same in every run (the generator of Numerical Recipes). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What each sector is filled with. */
const contents = new Uint8Array(AREA_SECTORS);

class CountingStore extends MemoryStore {
  gets = 0;

  override get(...parameters: Parameters<MemoryStore['get']>) {
    this.gets++;
    return super.get(...parameters);
  }
}

type Read = (sector: number, count: number) => Promise<void>;

/** Requests for data that a cache over the volume makes for some reads, each of which finds what is there. */
async function requestsOf(
  objects: MemoryObjects,
  work: (read: Read, requests: () => number) => Promise<void>,
  change: (device: LogDevice) => void = () => {},
): Promise<number> {
  const store = new CountingStore({ objects });
  const device = await connectLog({ store, prefix: PREFIX, readOnly: true });
  change(device);
  // The map is loaded on first use.
  await device.extents(0, AREA_SECTORS);
  const cache = await connectCache(device, { maxSizeBytes: 8 * MIB, seed: 1 });
  store.gets = 0;
  const read = async (sector: number, count: number) => {
    const buffer = new Uint8Array(count * SECTOR);
    await cache.read(sector, [buffer]);
    for (let i = 0; i < count; i++) {
      const found = buffer.subarray(i * SECTOR, (i + 1) * SECTOR);
      expect(found.every((byte) => byte === contents[sector + i])).toBe(true);
    }
  };
  await work(read, () => store.gets);
  const { gets } = store;
  await cache.disconnect();
  return gets;
}

async function atRandom(read: Read): Promise<void> {
  const random = chance(3);
  const reader = async () => {
    for (let i = 0; i < 40; i++) await read(Math.floor(random() * AREA_SECTORS), 1);
  };
  await Promise.all(Array.from({ length: 32 }, reader));
}

async function inOrder(read: Read): Promise<void> {
  for (let sector = 0; sector < AREA_SECTORS; sector += 4) await read(sector, 4);
}

const backwards: readonly number[] = Array.from({ length: AREA_SECTORS }, (_, at) => AREA_SECTORS - 1 - at);

/** How many of the reads, one after the other, wait for the store. */
async function waitsOf(
  objects: MemoryObjects,
  sectors: readonly number[],
  change?: (device: LogDevice) => void,
): Promise<number> {
  let waits = 0;
  const work = async (read: Read, requests: () => number) => {
    for (const sector of sectors) {
      const before = requests();
      await read(sector, 1);
      if (requests() > before) waits++;
    }
  };
  await requestsOf(objects, work, change);
  return waits;
}

/** As it was before devices told what their reads cost. */
const withoutFragments = (device: LogDevice) => {
  Object.assign(device, { fragments: undefined });
};

describe('A cache over a log volume of which blocks were overwritten at random', () => {
  const objects: MemoryObjects = new Map();
  let whenWritten = 0;

  beforeAll(async () => {
    await createLogVolume({ store: new MemoryStore({ objects }), prefix: PREFIX, sizeSectors: AREA_SECTORS });
    const writer = await connectLog({ store: new MemoryStore({ objects }), prefix: PREFIX });
    const write = (sector: number, byte: number) => {
      contents[sector] = byte;
      return writer.write(sector, [new Uint8Array(SECTOR).fill(byte)]);
    };
    for (let sector = 0; sector < AREA_SECTORS; sector++) await write(sector, 1 + (sector % 250));
    await writer.flush();
    whenWritten = await requestsOf(objects, atRandom);
    const random = chance(5);
    for (let writes = 0; writes < AREA_SECTORS / 5; writes++) {
      await write(Math.floor(random() * AREA_SECTORS), 251 + (writes % 5));
    }
    await writer.disconnect();
  });

  test('reads it at random with less than half of the requests that overwriting would cost', async () => {
    const without = await requestsOf(objects, atRandom, withoutFragments);
    const requests = await requestsOf(objects, atRandom);
    expect(without / whenWritten).toBeGreaterThan(2.2);
    expect(requests - whenWritten).toBeLessThan((without - whenWritten) / 2);
  });

  test('has readers of one place after another wait as seldom as if it were told nothing', async () => {
    const without = await waitsOf(objects, backwards, withoutFragments);
    expect(await waitsOf(objects, backwards)).toBeLessThanOrEqual(1.05 * without);
  });

  test('reads it in order with as many requests as if it were told nothing', async () => {
    const without = await requestsOf(objects, inOrder, withoutFragments);
    // Its first line comes in parts, so the read-ahead begins with other lengths.
    expect(await requestsOf(objects, inOrder)).toBeLessThanOrEqual(1.05 * without);
  });
});
