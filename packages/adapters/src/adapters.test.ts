import { connectMemory } from '@blockyard/backend-memory';
import type { BlockDevice } from '@blockyard/block';
import { ControlledBase } from '@blockyard/conformance/testing';
import { BufferDisk } from 'file-disk';
import RandomAccessMemory from 'random-access-memory';
import { describe, expect, test } from 'vitest';
import { connectDisk, DeviceDisk } from './file-disk.js';
import { connectStorage, type Storage, storageOf } from './random-access-storage.js';
import { answerOf } from './storage.js';

const memory = () => connectMemory({ sectorSize: 4096, sizeSectors: 4 });

/** The calls of a storage, as promises. */
function promisesOf(storage: ReturnType<typeof storageOf>) {
  return {
    read: (offset: number, size: number) => answerOf<Uint8Array>((done) => storage.read(offset, size, done)),
    write: (offset: number, data: Uint8Array) => answerOf((done) => storage.write(offset, data, done)),
    del: (offset: number, size: number) => answerOf((done) => storage.del(offset, size, done)),
    truncate: (offset: number) => answerOf((done) => storage.truncate(offset, done)),
    stat: () => answerOf<{ readonly size: number }>((done) => storage.stat(done)),
    close: () => answerOf((done) => storage.close(done)),
  };
}

describe('A device as a random-access-storage', () => {
  test('has any bytes of it read, written and zeroed', async () => {
    const device = new ControlledBase(await memory());
    const storage = promisesOf(storageOf(device));
    expect(await storage.stat()).toEqual({ size: 16_384 });
    await storage.write(4000, Buffer.alloc(5000, 7));
    await storage.del(4010, 4500);
    const expected = Buffer.alloc(5000, 7).fill(0, 10, 4510);
    expect(expected.equals((await storage.read(4000, 5000)) ?? new Uint8Array())).toBe(true);
    expect(device.calls('discard')).toBe(1);
  });

  test('writes to parts of one sector, at once, and all of them take place', async () => {
    const storage = promisesOf(storageOf(await memory()));
    await Promise.all(Array.from({ length: 64 }, (_, i) => storage.write(i * 100, Buffer.alloc(100, i))));
    const bytes = await storage.read(0, 6400);
    expect(bytes?.every((byte, i) => byte === Math.floor(i / 100))).toBe(true);
  });

  test('refuses what lies past its end, and lengths that are not whole sectors', async () => {
    const storage = promisesOf(storageOf(await memory()));
    await expect(storage.read(16_380, 5)).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS' });
    await expect(storage.write(16_384, Buffer.alloc(1))).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS' });
    await expect(storage.truncate(100)).rejects.toMatchObject({ code: 'UNALIGNED' });
    await storage.truncate(8192);
    expect(await storage.stat()).toEqual({ size: 8192 });
  });

  test('ends the device when it is closed', async () => {
    const base = new ControlledBase(await memory());
    await promisesOf(storageOf(base)).stat();
    const storage = promisesOf(storageOf(base));
    await storage.stat();
    await storage.close();
    expect(base.disconnects).toBe(1);
  });
});

describe('A random-access-storage as a device', () => {
  test('is as long as it is, or as it is made, and is not made twice', async () => {
    const storage = new RandomAccessMemory();
    const device = await connectStorage(storage, { sizeSectors: 10, ownsStorage: false });
    await device.write(9, [Buffer.alloc(512, 1)]);
    await device.disconnect();
    expect((await connectStorage(storage)).info.sizeSectors).toBe(10);
    await expect(connectStorage(storage, { sizeSectors: 10 })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(connectStorage(storage, { sectorSize: 4096 })).rejects.toMatchObject({ code: 'UNALIGNED' });
  });

  test('keeps no buffer that it was given, and fills what it was asked to', async () => {
    const device = await connectStorage(new RandomAccessMemory(), { sizeSectors: 4 });
    const buffer = Buffer.alloc(512, 3);
    await device.write(0, [buffer]);
    buffer.fill(4);
    await device.read(0, [buffer]);
    expect(buffer.equals(Buffer.alloc(512, 3))).toBe(true);
  });

  test('refuses what is not a storage or a device, and wrong options', async () => {
    await expect(connectStorage({} as Storage)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    for (const options of [{ sectorSize: 1 }, { sizeSectors: -1 }, { readOnly: 1 }, { ownsStorage: 1 }, { size: 1 }]) {
      const opening = connectStorage(new RandomAccessMemory(), options as object);
      await expect(opening).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(() => storageOf({} as BlockDevice)).toThrow(/block device/);
  });
});

describe('A disk of file-disk', () => {
  test('as a device has one size, and is read-only where it is', async () => {
    const device = await connectDisk(new BufferDisk(Buffer.alloc(2048, 5), true));
    expect(device.info).toMatchObject({ sizeSectors: 4, readOnly: true });
    const writable = await connectDisk(new BufferDisk(Buffer.alloc(2048)));
    await expect(writable.resize(8)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(connectDisk(new BufferDisk(Buffer.alloc(100)))).rejects.toMatchObject({ code: 'UNALIGNED' });
    await expect(connectDisk({} as BufferDisk)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(connectDisk(new BufferDisk(Buffer.alloc(512)), { sectorSize: 3 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('is what a device becomes, any bytes of which are read and written', async () => {
    const device = await memory();
    const disk = new DeviceDisk(device);
    expect(await disk.getCapacity()).toBe(16_384);
    await disk.write(Buffer.from('hello'), 0, 5, 4094);
    await disk.flush();
    const { bytesRead, buffer } = await disk.read(Buffer.alloc(100), 0, 100, 4094);
    expect([bytesRead, buffer.toString('latin1', 0, 5)]).toEqual([100, 'hello']);
    expect(() => new DeviceDisk({} as BlockDevice)).toThrow(/block device/);
  });
});
