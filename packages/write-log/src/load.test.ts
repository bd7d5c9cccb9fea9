import { ManualClock, settled } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { type LoadedRecords, type LoadedWriteLog, loadWriteLog, type WriteLogDevice } from './index.js';
import { Disk } from './testing/disk.js';
import { byteAt, die, Scene, SECTOR, SMALL_MEDIUM_BYTES, write } from './testing/scene.js';

const SECTORS = 256;
const RING_START = 131_072;

/** Bytes of the ring that were read from the medium. */
function ringBytesRead({ medium }: Scene): number {
  const reads = medium.calls.filter(({ operation, at }) => operation === 'read' && at >= RING_START);
  return reads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function reading<T>(scene: Scene, work: () => Promise<T>): Promise<[T, number]> {
  const before = ringBytesRead(scene);
  const result = await work();
  return [result, ringBytesRead(scene) - before];
}

/** Ends it as an upgrade does, and gives what it has left. */
async function leave(device: WriteLogDevice): Promise<LoadedRecords> {
  await device.prepareToLeave();
  await device.disconnect();
  const left = device.left();
  if (left === undefined) throw new Error('it has left what is on the medium');
  return left;
}

/** So that no end of the chain is looked for within the records. */
const LARGE_MEDIUM_BYTES = 32 << 20;

describe('What was read of a log beside the writer that has it', () => {
  test('is not read again when the log is opened: only what has come since', async () => {
    const scene = new Scene(undefined, new Disk(LARGE_MEDIUM_BYTES, SECTOR));
    const device = await scene.openMarked();
    for (let i = 0; i < 64; i++) await write(device, 0, i, SECTORS);
    await device.flush();
    const loading = await loadWriteLog(scene.medium.open());
    await write(device, 3, 99);
    await device.prepareToLeave();
    await loading.catchUp();
    await write(device, 4, 98);
    await leave(device);
    scene.medium.calls.splice(0);
    const [again, loadedBytes] = await reading(scene, () => scene.openMarked({ loaded: loading.loaded }));
    expect([await byteAt(again, 2), await byteAt(again, 3), await byteAt(again, 4)]).toEqual([63, 99, 98]);
    await die(again);
    const [other, allBytes] = await reading(scene, () => scene.openMarked());
    expect(allBytes - loadedBytes).toBeGreaterThanOrEqual(63 * SECTORS * SECTOR);
    await other.disconnect();
  });

  test('is left by a device too, also where another process has had the log and died', async () => {
    const scene = new Scene(undefined, new Disk(LARGE_MEDIUM_BYTES, SECTOR));
    const device = await scene.openMarked();
    for (let i = 0; i < 16; i++) await write(device, 0, i, SECTORS);
    const left = await leave(device);
    const other = await scene.openMarked();
    await write(other, 3, 99);
    await other.flush();
    await die(other);
    const [again, bytes] = await reading(scene, () => scene.openMarked({ loaded: left }));
    expect([await byteAt(again, 2), await byteAt(again, 3)]).toEqual([15, 99]);
    await die(again);
    const [, allBytes] = await reading(scene, () => scene.openMarked());
    expect(allBytes - bytes).toBeGreaterThanOrEqual(15 * SECTORS * SECTOR);
  });

  test('is all that there is to read, where the log was left by an end', async () => {
    const scene = new Scene(undefined, new Disk(LARGE_MEDIUM_BYTES, SECTOR));
    const device = await scene.openMarked();
    for (let i = 0; i < 16; i++) await write(device, 0, i, SECTORS);
    const left = await leave(device);
    const [again, bytes] = await reading(scene, () => scene.openMarked({ loaded: left }));
    expect([await byteAt(again, 2), bytes]).toEqual([15, 0]);
    await die(again);
  });

  test('is kept up over laps of the ring', async () => {
    const scene = new Scene(undefined, new Disk(SMALL_MEDIUM_BYTES, SECTOR));
    const device = await scene.openMarked();
    const loading = await loadWriteLog(scene.medium.open());
    const { loaded } = loading;
    for (let byte = 1; byte <= 20; byte++) {
      await write(device, 0, byte, SECTORS);
      await device.flush();
      await device.prepareToLeave();
      await loading.catchUp();
      await device.drain();
    }
    await write(device, 3, 99);
    await device.prepareToLeave();
    await loading.catchUp();
    expect(loading.loaded).toBe(loaded);
    await write(device, 4, 98);
    await leave(device);
    const again = await scene.openMarked({ loaded });
    expect([await byteAt(again, 2), await byteAt(again, 3), await byteAt(again, 4)]).toEqual([20, 99, 98]);
    expect(again.snapshot().ringUsedShare).toBeLessThan(0.1);
    await again.disconnect();
  });

  test('goes on with what is behind the end of the ring, where what is before it was drained', async () => {
    const scene = new Scene(undefined, new Disk(SMALL_MEDIUM_BYTES, SECTOR));
    const device = await scene.openMarked({ clock: new ManualClock() });
    const writeAndFlush = async (byte: number, sector = 0, count = SECTORS) => {
      await write(device, sector, byte, count);
      await device.flush();
    };
    for (let byte = 1; byte <= 5; byte++) await writeAndFlush(byte);
    await device.drain();
    const loading = await loadWriteLog(scene.medium.open());
    const { loaded } = loading;
    // Two batches: the first ends behind the end of the ring, and the second is never over.
    let allow = () => {};
    const allowed = new Promise<void>((resolve) => (allow = resolve));
    scene.base.onCall = (call) => (call === 'write' ? allowed : undefined);
    for (let byte = 6; byte <= 8; byte++) await writeAndFlush(byte);
    void device.drain().catch(() => {});
    await settled();
    await writeAndFlush(9, 3, 1);
    await loading.catchUp();
    const first = scene.base.count('flush') + 1;
    scene.base.onCall = () => (scene.base.count('flush') <= first ? undefined : new Promise(() => {}));
    allow();
    await settled();
    await writeAndFlush(10, 4, 1);
    await loading.catchUp();
    expect(loading.loaded).toBe(loaded);
    await writeAndFlush(11, 5, 1);
    await die(device);
    scene.base.onCall = () => {};
    const again = await scene.openMarked({ loaded });
    const found = [2, 3, 4, 5].map((sector) => byteAt(again, sector));
    expect(await Promise.all(found)).toEqual([8, 9, 10, 11]);
    expect(again.snapshot()).toMatchObject({ undrainedBytes: 3 * SECTOR });
    expect(again.snapshot().ringUsedShare).toBeLessThan(0.1);
    await again.disconnect();
  });

  test('is of use to one opening', async () => {
    const scene = new Scene();
    const device = await scene.openMarked();
    await write(device, 3, 7);
    const left = await leave(device);
    const other = await scene.openMarked({ loaded: left });
    scene.medium.onCall = (operation) => (operation === 'write' ? new Promise(() => {}) : undefined);
    await write(other, 4, 8);
    await die(other);
    scene.medium.onCall = () => {};
    const again = await scene.openMarked({ loaded: left });
    expect([await byteAt(again, 3), await byteAt(again, 4)]).toEqual([7, 0]);
    await again.disconnect();
  });

  test('counts for nothing once all of it is drained, or on another medium', async () => {
    const scene = new Scene();
    const device = await scene.openMarked();
    await write(device, 3, 7);
    const left = await leave(device);
    const other = new Scene();
    const elsewhere = await other.openMarked();
    await write(elsewhere, 3, 8);
    await leave(elsewhere);
    const there = await other.openMarked({ loaded: left });
    expect(await byteAt(there, 3)).toBe(8);
    const again = await scene.openMarked({ loaded: left });
    expect(await byteAt(again, 3)).toBe(7);
    await write(again, 3, 9);
    await again.drain();
    await die(again);
    const last = await scene.openMarked({ loaded: left });
    expect([await byteAt(last, 3), last.snapshot().undrainedBytes]).toEqual([9, 0]);
  });

  test('is no record that was never durable, in whose place another one came', async () => {
    const scene = new Scene();
    const device = await scene.openMarked();
    await write(device, 3, 7);
    await device.flush();
    const durable = scene.medium.clone();
    scene.medium.onCall = (operation) => (operation === 'flush' ? new Promise(() => {}) : undefined);
    await write(device, 4, 8);
    device.flush().catch(() => {});
    await settled();
    const loading = await loadWriteLog(scene.medium.open());
    await die(device);
    scene.medium.onCall = () => {};
    scene.medium.bytes.set(durable.bytes);
    const next = await scene.openMarked();
    await write(next, 4, 9);
    await next.flush();
    await next.prepareToLeave();
    await loading.catchUp();
    await leave(next);
    const again = await scene.openMarked({ loaded: loading.loaded });
    expect([await byteAt(again, 3), await byteAt(again, 4)]).toEqual([7, 9]);
    await again.disconnect();
  });

  test('is refused where it is no such thing', async () => {
    const loaded = {} as LoadedRecords;
    await expect(new Scene().open({ loaded })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('is nothing of an empty medium', async () => {
    const loading = await loadWriteLog(new Scene().medium.open());
    expect(loading.loaded).toBeUndefined();
    await loading.catchUp();
  });

  test.each(Array.from({ length: 12 }, (_, seed) => seed + 1))(
    'makes no difference to what is read, over many laps of the ring (seed %i)',
    async (seed) => {
      const scene = new Scene(undefined, new Disk(SMALL_MEDIUM_BYTES, SECTOR));
      const random = chanceOf(seed);
      const model = new Uint8Array(SECTORS);
      let device = await scene.openMarked();
      let loading: LoadedWriteLog = await loadWriteLog(scene.medium.open());
      for (let step = 0; step < 150; step++) {
        const start = random(SECTORS);
        const count = 1 + random(SECTORS - start);
        const byte = 1 + random(250);
        await write(device, start, byte, count);
        model.fill(byte, start, start + count);
        const what = random(10);
        if (what < 3) await device.flush();
        else if (what === 3) await device.drain();
        else if (what < 6) await loading.catchUp();
        else if (what === 6) device.stay();
        else if (what === 7) {
          await device.prepareToLeave();
          await loading.catchUp();
          await write(device, start, byte + 1, count);
          model.fill(byte + 1, start, start + count);
          const left = await leave(device);
          const isLoaded = random(3) === 0;
          device = await scene.openMarked({ loaded: isLoaded ? loading.loaded : left });
          if (isLoaded) loading = await loadWriteLog(scene.medium.open());
        }
        for (const sector of [start, random(SECTORS)]) {
          expect(await byteAt(device, sector), `step ${step}`).toBe(model[sector]);
        }
      }
      await device.flush();
      await die(device);
      const again = await scene.openMarked();
      for (let sector = 0; sector < SECTORS; sector++) expect(await byteAt(again, sector)).toBe(model[sector]);
      await again.drain();
      expect(scene.base.bytes.filter((_, at) => at % SECTOR === 0).slice(0, SECTORS)).toEqual(model);
    },
  );
});

/** Whole numbers below a bound. */
function chanceOf(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
