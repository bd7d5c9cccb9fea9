import { ManualClock, stateOf } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { Disk } from './testing/disk.js';
import { byteAt, die, Scene, SECTOR, SMALL_MEDIUM_BYTES, write } from './testing/scene.js';

const SECTORS = 64;
const RUN = 24;
const MAX_MEMORY_BYTES = 1 << 20;

/** A log with a flushed write of 5 to sector 5 that is in the ring alone, and a read of it that the medium has not answered. */
async function reading() {
  const scene = new Scene(new Disk(SECTORS * SECTOR, SECTOR), new Disk(2 * SMALL_MEDIUM_BYTES, SECTOR));
  const clock = new ManualClock();
  // One that lets calls that overlap pass one another.
  const medium = scene.medium.open({ atomicSectors: true });
  const device = await scene.open({ clock, medium, maxMemoryBytes: MAX_MEMORY_BYTES, maxMediumWaitMs: 1e9 });
  let allow = () => {};
  const allowed = new Promise<void>((resolve) => (allow = resolve));
  scene.base.onCall = (operation) => (operation === 'write' ? allowed : undefined);
  await write(device, 5, 5);
  await device.flush();
  for (let i = 0; device.snapshot().mediumWrittenBytes < MAX_MEMORY_BYTES * 1.1; i++) {
    await write(device, 8, i % 100, RUN);
    await device.flush();
  }
  let answer = () => {};
  scene.medium.onCall = (operation) =>
    operation === 'read' ? new Promise<void>((resolve) => (answer = resolve)) : undefined;
  const read = byteAt(device, 5);
  await clock.advanceAndSettle(1);
  expect(await stateOf(read)).toBe('pending');
  scene.medium.onCall = () => {};
  // Now it is drained.
  allow();
  await clock.advanceAndSettle(10_000);
  expect(scene.base.bytes[5 * SECTOR]).toBe(5);
  return { scene, clock, device, read, answer: () => answer() };
}

describe('A read of the medium that is not answered, of what is drained meanwhile', () => {
  test('does not keep the base from what is written later', async () => {
    const { scene, clock, device, read, answer } = await reading();
    await write(device, 8, 200);
    await device.flush();
    await clock.advanceAndSettle(10_000);
    expect(scene.base.bytes[8 * SECTOR]).toBe(200);
    expect(device.snapshot().undrainedBytes).toBe(0);
    expect(await stateOf(read)).toBe('pending');
    answer();
    expect(await read).toBe(5);
    await device.disconnect();
    expect(scene.base.bytes[8 * SECTOR]).toBe(200);
  });

  test('holds up a drain until it is answered, and no longer, although the base is being given what came later', async () => {
    const { scene, clock, device, read, answer } = await reading();
    const drained = device.drain();
    await clock.advanceAndSettle(1);
    let allow = () => {};
    const allowed = new Promise<void>((resolve) => (allow = resolve));
    scene.base.onCall = (operation) => (operation === 'write' ? allowed : undefined);
    await write(device, 8, 200);
    const later = device.drain();
    await clock.advanceAndSettle(1);
    expect(await stateOf(drained)).toBe('pending');
    const superblocks = scene.medium.count('write');
    answer();
    expect(await read).toBe(5);
    await clock.advanceAndSettle(1);
    expect([await stateOf(drained), await stateOf(later)]).toEqual(['resolved', 'pending']);
    // One has said that the place is free.
    expect(scene.medium.count('write')).toBeLessThan(superblocks + 3);
    allow();
    await later;
    await device.disconnect();
  });

  test('keeps its place in the ring: once that is full, writers wait, and go on when it is over', async () => {
    const { scene, clock, device, read, answer } = await reading();
    let accepted = 0;
    const load = (async () => {
      for (let i = 0; device.snapshot().mediumWrittenBytes < 3 * device.snapshot().ringBytes; i++) {
        await write(device, 8, i % 100, RUN);
        await device.flush();
        accepted++;
      }
    })();
    let progressAt = 0;
    let before = -1;
    for (let i = 0; i - progressAt < 20; i++) {
      await clock.advanceAndSettle(1000);
      if (accepted !== before) progressAt = i;
      before = accepted;
    }
    expect(await stateOf(load)).toBe('pending');
    const superblocks = scene.medium.count('write');
    await clock.advanceAndSettle(1000);
    // Nor is it tried again and again.
    expect(scene.medium.count('write')).toBe(superblocks);
    answer();
    expect(await read).toBe(5);
    await clock.advanceAndSettle(20_000);
    await load;
    await die(device);
  });
});
