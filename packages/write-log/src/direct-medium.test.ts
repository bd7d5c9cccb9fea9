import type { BlockDevice } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { connectWriteLog, type WriteLogDevice } from './index.js';
import { Disk } from './testing/disk.js';
import { byteAt, die, SECTOR, SMALL_MEDIUM_BYTES, write } from './testing/scene.js';

/** A write log whose medium can write durably in one call. */
class DirectScene {
  readonly base = new Disk(64 * SECTOR, SECTOR);
  readonly medium = new Disk(SMALL_MEDIUM_BYTES, SECTOR);
  /** Calls of it since {@link begin}. */
  readonly calls: string[] = [];
  onDurable: () => Promise<void> | void = () => {};

  open(): Promise<WriteLogDevice> {
    const inner = this.medium.open();
    const note = (name: string) => this.calls.push(name);
    const medium: BlockDevice = this.medium.open({
      write: (start, buffers) => {
        note('write');
        return inner.write(start, buffers);
      },
      writeDurably: async (start, buffers) => {
        note('writeDurably');
        await this.onDurable();
        await inner.write(start, buffers);
      },
      flush: () => {
        note('flush');
        return inner.flush();
      },
    });
    return connectWriteLog(this.base.open(), { medium, durability: 'medium' });
  }

  begin(): void {
    this.calls.length = 0;
  }
}

describe('A medium that writes durably in one call', () => {
  test('gets one call for a flush, and what was flushed is there after a crash', async () => {
    const scene = new DirectScene();
    const device = await scene.open();
    for (const sector of [1, 2, 3]) {
      scene.begin();
      await write(device, sector, 10 + sector);
      await device.flush();
      expect(scene.calls).toEqual(['writeDurably']);
    }
    scene.begin();
    await Promise.all([4, 5, 6].map((sector) => write(device, sector, 10 + sector).then(() => device.flush())));
    expect(scene.calls).toEqual(['writeDurably']);
    await die(device);
    const again = await scene.open();
    for (const sector of [1, 2, 3, 4, 5, 6]) expect(await byteAt(again, sector)).toBe(10 + sector);
    await again.disconnect();
  });

  test('is flushed where an earlier record is not durable yet', async () => {
    const scene = new DirectScene();
    const device = await scene.open();
    await write(device, 1, 1);
    // Without a flush: it is written, and no more.
    await settled();
    scene.begin();
    await write(device, 2, 2);
    await device.flush();
    expect(scene.calls).toEqual(['write', 'flush']);
    scene.begin();
    await write(device, 3, 3);
    await device.flush();
    expect(scene.calls).toEqual(['writeDurably']);
    await die(device);
  });

  test('is given up when such a call fails, and the flush is the base’s', async () => {
    const scene = new DirectScene();
    const device = await scene.open();
    await write(device, 1, 1);
    await device.flush();
    scene.onDurable = () => Promise.reject(new Error('told to fail'));
    await write(device, 2, 2);
    await device.flush();
    expect(device.snapshot().medium.state).toBe('failed');
    expect([1, 2].map((sector) => scene.base.bytes[sector * SECTOR])).toEqual([1, 2]);
    await die(device);
  });
});
