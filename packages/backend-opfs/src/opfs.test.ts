import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connectOpfs, createOpfs, deleteOpfs, listOpfs } from './index.js';
import { domError } from './testing/memory-handle.js';
import { type MemoryOrigin, originOf } from './testing/memory-origin.js';

const SECTOR = 4096;
const DATA_START = 65_536;
const NAME = { name: 'disk' };

let origin: MemoryOrigin;

beforeEach(() => {
  origin = originOf(vi.stubGlobal);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function sector(byte: number, count = 1): Uint8Array {
  return new Uint8Array(count * SECTOR).fill(byte);
}

/** A new volume, open. */
async function open(sizeSectors = 16) {
  await createOpfs({ ...NAME, sizeSectors });
  return connectOpfs(NAME);
}

async function bytesAt(device: Awaited<ReturnType<typeof open>>, start: number, count = 1): Promise<number[]> {
  const bytes = new Uint8Array(count * SECTOR);
  await device.read(start, [bytes]);
  return Array.from({ length: count }, (_, i) => {
    const own = bytes.subarray(i * SECTOR, (i + 1) * SECTOR);
    return own.every((byte) => byte === own[0]) ? (own[0] ?? -1) : -1;
  });
}

function handle() {
  const found = origin.files.get('disk');
  if (found === undefined) throw new Error('there is no file');
  return found;
}

describe('a volume by its name', () => {
  test('is made once, opened, listed and deleted', async () => {
    await createOpfs({ ...NAME, sizeSectors: 16 });
    await expect(createOpfs({ ...NAME, sizeSectors: 16 })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await createOpfs({ name: 'another', sizeSectors: 3, sectorSize: 512 });
    const device = await connectOpfs(NAME);
    expect(device.info).toMatchObject({ name: 'opfs:blockyard/disk', sectorSize: 4096, sizeSectors: 16 });
    expect(await listOpfs()).toEqual([
      { name: 'another', sectorSize: 512, sizeSectors: 3, storedBytes: DATA_START },
      { name: 'disk', sectorSize: 4096, sizeSectors: 16, storedBytes: DATA_START },
    ]);
    await expect(deleteOpfs(NAME)).rejects.toMatchObject({ code: 'LOCKED', retryable: true });
    await expect(connectOpfs(NAME)).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(createOpfs({ ...NAME, sizeSectors: 1 })).rejects.toMatchObject({ code: 'LOCKED' });
    await device.disconnect();
    await deleteOpfs(NAME);
    await expect(deleteOpfs(NAME)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(connectOpfs(NAME)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    [{ name: '' }],
    [{ name: 'a/b' }],
    [{ name: '..' }],
    [{ name: 'x'.repeat(201) }],
    [{ name: 'a\u0000' }],
    [{ name: 'a', folder: 'b/c' }],
    [{ name: 'a', size: 3 }],
    [{}],
  ])('is refused where it is wrong: %j', async (options) => {
    await expect(connectOpfs(options as typeof NAME)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(origin.files.size).toBe(0);
  });
});

describe('a creation that fails half-way', () => {
  test('leaves nothing', async () => {
    for (const call of ['truncate', 'write', 'flush'] as const) {
      origin.onOpen = (opened) => {
        let isFirst = true;
        opened.before = (each) => {
          if (each === call && isFirst) {
            isFirst = false;
            throw domError('QuotaExceededError');
          }
        };
      };
      await expect(createOpfs({ ...NAME, sizeSectors: 4 })).rejects.toMatchObject({ code: 'NO_SPACE' });
      expect(origin.files.size).toBe(0);
    }
  });

  test('and is cut off counts as none, and can be made again', async () => {
    await origin.getFileHandle('disk', { create: true });
    handle().bytes = new Uint8Array(DATA_START);
    await expect(connectOpfs(NAME)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await listOpfs()).toEqual([]);
    expect(origin.files.get('disk')?.isClosed).toBe(true);
    const device = await open();
    expect(await bytesAt(device, 0)).toEqual([0]);
  });
});

test('a file that is no volume is refused, and let go of', async () => {
  await origin.getFileHandle('disk', { create: true });
  handle().bytes = new Uint8Array(100_000).fill(3);
  await expect(connectOpfs(NAME)).rejects.toMatchObject({ code: 'CORRUPT' });
  expect(handle().isClosed).toBe(true);
});

describe('space', () => {
  test('is taken up to the last sector that was written, and given back from there', async () => {
    const device = await open(2 ** 30);
    await device.write(9, [sector(1)]);
    expect(handle().getSize()).toBe(DATA_START + 10 * SECTOR);
    expect(await device.extents(5, 10)).toEqual([
      { start: 5, count: 5, type: 'data' },
      { start: 10, count: 5, type: 'zero' },
    ]);
    await device.discard(5, 2 ** 30 - 5);
    expect(handle().getSize()).toBe(DATA_START + 5 * SECTOR);
    await device.writeZeroes(0, 2 ** 30);
    expect(handle().getSize()).toBe(DATA_START);
  });

  test('that is used up is NO_SPACE, leaves no part of a sector, and is there again later', async () => {
    const device = await open();
    await device.write(0, [sector(1, 2)]);
    handle().maxBytes = DATA_START + 3 * SECTOR + 100;
    handle().callBytesMax = 1000;
    await expect(device.write(2, [sector(2, 3)])).rejects.toMatchObject({ code: 'NO_SPACE', retryable: true });
    expect(await bytesAt(device, 0, 5)).toEqual([1, 1, 2, 0, 0]);
    handle().maxBytes = Number.POSITIVE_INFINITY;
    await device.write(2, [sector(2, 3)]);
    expect(await bytesAt(device, 0, 5)).toEqual([1, 1, 2, 2, 2]);
  });
});

describe('a flush that fails', () => {
  test('is the last one: what is durable is not known any longer', async () => {
    const device = await open();
    await device.write(0, [sector(1)]);
    let fails = true;
    handle().before = (call) => {
      if (call === 'flush' && fails) throw domError('InvalidStateError');
    };
    await expect(device.flush()).rejects.toMatchObject({ code: 'FLUSH_FAILED' });
    fails = false;
    await expect(device.flush()).rejects.toMatchObject({ code: 'FLUSH_FAILED' });
    expect(await bytesAt(device, 0)).toEqual([1]);
    await device.disconnect({ force: true });
    expect(handle().isClosed).toBe(true);
  });
});

describe('a shrink', () => {
  /** What a crash leaves, with everything or nothing of what came after the last flush. */
  async function afterCrash(bytes: Uint8Array) {
    handle().isClosed = true;
    handle().bytes = bytes.slice();
    return connectOpfs(NAME);
  }

  test('has the old size with all its data, or the new one, whenever a crash comes', async () => {
    const device = await open(8);
    await device.write(0, [sector(7, 8)]);
    await device.flush();
    const moments: Uint8Array[] = [];
    handle().before = () => moments.push(handle().bytes.slice(), handle().durable.slice());
    await device.resize(3);
    moments.push(handle().bytes.slice(), handle().durable.slice());
    const sizes = new Set<number>();
    for (const moment of moments) {
      const found = await afterCrash(moment);
      sizes.add(found.info.sizeSectors);
      expect(await bytesAt(found, 0, found.info.sizeSectors)).toEqual(new Array(found.info.sizeSectors).fill(7));
      await found.disconnect();
    }
    expect([...sizes].sort()).toEqual([3, 8]);
  });

  test('whose end cannot be dropped yet leaves no data for a device that grows again', async () => {
    const device = await open(8);
    await device.write(0, [sector(7, 8)]);
    let fails = true;
    handle().before = (call) => {
      if (call === 'truncate' && fails) throw domError('InvalidStateError');
    };
    await device.resize(3);
    await expect(device.resize(8)).rejects.toMatchObject({ code: 'IO' });
    expect(device.info.sizeSectors).toBe(3);
    fails = false;
    await device.resize(8);
    expect(await bytesAt(device, 0, 8)).toEqual([7, 7, 7, 0, 0, 0, 0, 0]);
  });

  test('that was cut off before the end was dropped shows no data of before once it has grown', async () => {
    const device = await open(8);
    await device.write(0, [sector(7, 8)]);
    let before: Uint8Array | undefined;
    handle().before = (call) => {
      if (call === 'truncate') before = handle().bytes.slice();
    };
    await device.resize(3);
    const found = await afterCrash(before ?? new Uint8Array(0));
    expect(found.info.sizeSectors).toBe(3);
    await found.resize(8);
    expect(await bytesAt(found, 0, 8)).toEqual([7, 7, 7, 0, 0, 0, 0, 0]);
  });

  test('whose flush fails has the old size, and its data', async () => {
    const device = await open(8);
    await device.write(0, [sector(7, 8)]);
    handle().before = (call) => {
      if (call === 'flush') throw domError('InvalidStateError');
    };
    await expect(device.resize(3)).rejects.toMatchObject({ code: 'IO' });
    expect(await bytesAt(device, 0, 8)).toEqual(new Array(8).fill(7));
    const found = await afterCrash(handle().bytes);
    expect(found.info.sizeSectors).toBe(8);
  });
});

test('outside of a browser, and of a dedicated worker, it is UNSUPPORTED', async () => {
  vi.stubGlobal('navigator', {});
  await expect(listOpfs()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  const page = { getDirectoryHandle: async () => page, getFileHandle: async () => ({ kind: 'file', name: 'disk' }) };
  vi.stubGlobal('navigator', { storage: { getDirectory: async () => page } });
  await expect(connectOpfs(NAME)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('overWorker'),
  });
});
