import { BlockError } from '@blockyard/block';
import { isSame, ManualClock, settled, stateOf } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { connectWriteLog, inspectWriteLog } from './index.js';
import { Disk } from './testing/disk.js';
import { byteAt, die, MEDIUM_BYTES, Scene, SECTOR, write } from './testing/scene.js';

/** A log with a flushed write of 7 to sector 3 that the base does not have. */
async function undrained(scene = new Scene()): Promise<Scene> {
  const device = await scene.openMarked({ place: 'host:/tier' });
  await write(device, 3, 7);
  await device.flush();
  await die(device);
  expect(scene.base.bytes[3 * 512]).toBe(0);
  return scene;
}

describe('A base that remembers its tier', () => {
  test('knows of it before a flush that relies on it has resolved', async () => {
    const scene = new Scene();
    let allow = () => {};
    scene.mark.onCall = () => new Promise<void>((resolve) => (allow = resolve));
    const device = await scene.openMarked({ place: 'host:/tier', clock: new ManualClock() });
    await write(device, 3, 7);
    const flush = device.flush();
    expect(await stateOf(flush)).toBe('pending');
    expect(scene.medium.count('flush')).toBeGreaterThan(0);
    allow();
    await flush;
    expect(scene.mark.attached).toMatchObject({ tierId: device.snapshot().tierId, place: 'host:/tier' });
    expect(device.snapshot().isAttached).toBe(true);
    await die(device);
  });

  test('fails a flush where it cannot be told', async () => {
    const scene = new Scene();
    scene.mark.onCall = () => Promise.reject(new BlockError('UNAVAILABLE', 'away'));
    const device = await scene.openMarked();
    await write(device, 3, 7);
    await expect(device.flush()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    scene.mark.onCall = () => {};
    await device.flush();
    expect(scene.mark.attached).not.toBeNull();
    await device.disconnect();
  });

  test('gets what it lacks when it is opened again with its tier', async () => {
    const scene = await undrained();
    const device = await scene.openMarked();
    expect(await byteAt(device, 3)).toBe(7);
    await device.disconnect();
    expect(scene.base.bytes[3 * 512]).toBe(7);
    expect(scene.mark.attached).toBeNull();
  });

  test('is refused with another tier, with the place of its own', async () => {
    const scene = await undrained();
    const medium = new Disk(MEDIUM_BYTES);
    const opened = connectWriteLog(scene.base.open(), { medium: medium.open(), mark: scene.mark.open() });
    await expect(opened).rejects.toMatchObject({
      code: 'TIER_MISSING',
      message: expect.stringContaining('host:/tier'),
    });
    expect(await byteAt(await scene.openMarked(), 3)).toBe(7);
  });

  test('that goes on without its tier never gets what the tier has, when that comes back', async () => {
    const scene = await undrained();
    const own = scene.medium;
    scene.medium = new Disk(MEDIUM_BYTES);
    const without = await scene.openMarked({ acceptLoss: true });
    expect(await byteAt(without, 3)).toBe(0);
    await write(without, 4, 9);
    await without.disconnect();
    scene.medium = own;
    await expect(scene.openMarked()).rejects.toMatchObject({ code: 'TIER_MISSING' });
    await expect(scene.openMarked({ readOnly: true })).rejects.toMatchObject({ code: 'TIER_MISSING' });
    const again = await scene.openMarked({ acceptLoss: true });
    expect([await byteAt(again, 3), await byteAt(again, 4)]).toEqual([0, 9]);
    await again.disconnect();
    // And that is final.
    const last = await scene.openMarked();
    expect([await byteAt(last, 3), await byteAt(last, 4)]).toEqual([0, 9]);
    await last.disconnect();
  });

  test('forgets its tier when all was drained and nothing came for a while', async () => {
    const scene = new Scene();
    const clock = new ManualClock({ strict: true });
    const device = await scene.openMarked({ clock });
    await write(device, 3, 7);
    expect(device.snapshot().isDurable).toBe(false);
    await device.flush();
    expect(device.snapshot()).toMatchObject({ undrainedBytes: SECTOR, isDurable: true });
    await clock.advanceAndSettle(10_000);
    expect(device.snapshot()).toMatchObject({ undrainedBytes: 0, isAttached: true, isDurable: true });
    await clock.advanceAndSettle(29_000);
    expect(scene.mark.attached).not.toBeNull();
    await clock.advanceAndSettle(1000);
    expect(scene.mark.attached).toBeNull();
    await write(device, 3, 8);
    await device.flush();
    expect(scene.mark.attached).not.toBeNull();
    await settled();
    expect(scene.mark.calls).toEqual(['attach', 'detach', 'attach']);
    await device.disconnect();
    expect(clock.timers).toEqual([]);
  });

  test('drops without a word what no flush relied on', async () => {
    const scene = new Scene();
    scene.mark.onCall = () => new Promise(() => {});
    const device = await scene.openMarked();
    await write(device, 3, 7);
    await expect.poll(() => scene.medium.bytes.includes(7)).toBe(true);
    await die(device);
    scene.mark.onCall = () => {};
    const again = await scene.openMarked();
    expect(await byteAt(again, 3)).toBe(0);
    await again.disconnect();
  });

  test('is not told where a flush is its own', async () => {
    const scene = new Scene();
    const device = await scene.openMarked({ durability: 'base' });
    await write(device, 3, 7);
    await device.flush();
    await device.disconnect();
    expect(scene.mark.calls).toEqual([]);
  });
});

describe('A medium', () => {
  test('tells what is on it, and stays what it is', async () => {
    const scene = await undrained();
    const before = scene.medium.clone();
    const found = await inspectWriteLog(scene.medium.open());
    expect(found).toMatchObject({
      baseId: 'disk',
      baseSectorSize: 512,
      baseSizeSectors: 512,
      undrained: { records: 1, bytes: 512 },
      attachment: scene.mark.attached?.attachmentId,
      error: undefined,
    });
    expect(found.undrained.oldestMs).toBeGreaterThanOrEqual(0);
    expect(isSame(scene.medium.bytes, before.bytes)).toBe(true);
  });

  test('of another base is refused, also where a loss is accepted', async () => {
    const scene = await undrained();
    for (const options of [{ baseId: 'another' }, { baseId: 'another', acceptLoss: true }]) {
      await expect(scene.openMarked(options)).rejects.toMatchObject({ code: 'TIER_MISSING' });
    }
    const larger = new Scene(new Disk(256 << 10, 4096), scene.medium);
    await expect(larger.open()).rejects.toMatchObject({ code: 'TIER_MISSING' });
  });

  test('with something else on it is refused', async () => {
    const scene = new Scene();
    scene.medium.bytes[1_000_000] = 1;
    await expect(scene.open()).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(inspectWriteLog(scene.medium.open())).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });
});
