import { BlockError } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { Disk } from './testing/disk.js';
import { byteAt, die, Scene, SECTOR, SMALL_MEDIUM_BYTES, write } from './testing/scene.js';

const SECTORS = 32;

/** A base that falls back to what it was at its last flush. */
class Volatile {
  readonly disk = new Disk(SECTORS * SECTOR, SECTOR);
  #durable = this.disk.clone();

  constructor() {
    this.disk.onCall = (operation) => {
      if (operation === 'flush') this.#durable = this.disk.clone();
    };
  }

  crash(): void {
    this.disk.bytes = this.#durable.bytes;
  }
}

describe('Resizes while the medium has failed', () => {
  test.each<[string, number[], boolean]>([
    ['there and back', [48, SECTORS], false],
    ['there and back, each flushed', [48, SECTORS], true],
    ['to another size', [48], false],
    ['to two others', [48, 64], false],
  ])('%s: what was written later and not flushed is not missed after a crash', async (_name, sizes, isFlushed) => {
    const base = new Volatile();
    const scene = new Scene(base.disk, new Disk(SMALL_MEDIUM_BYTES, SECTOR));
    const clock = new ManualClock();
    const device = await scene.openMarked({ clock });
    await write(device, 1, 1);
    await device.flush();
    scene.medium.onCall = (operation) => {
      if (operation !== 'read') throw new BlockError('IO', 'told to fail');
    };
    await write(device, 2, 2);
    await device.flush();
    expect(device.snapshot().medium.state).toBe('failed');
    for (const size of sizes) {
      await device.resize(size);
      if (isFlushed) await device.flush();
    }
    scene.medium.onCall = () => {};
    await clock.advanceAndSettle(60_000);
    expect(device.snapshot().medium.state).toBe('good');
    await write(device, 3, 3);
    await clock.advanceAndSettle(1);
    await die(device);
    base.crash();
    const again = await scene.openMarked({ clock: new ManualClock() });
    expect([await byteAt(again, 1), await byteAt(again, 2)]).toEqual([1, 2]);
    await again.disconnect();
  });
});
