import { ManualClock, settled, stateOf } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { Disk } from './testing/disk.js';
import { byteAt, die, Scene, SMALL_MEDIUM_BYTES, write } from './testing/scene.js';

const SECTOR_BYTES = 512;
/** As the option `maxDirtyAgeMs` has it. */
const AGE_MS = 10_000;
/** Writes after which a wait has been long enough to be called endless. */
const WRITES_MAX = 6000;

/** The byte of a sector of the base. */
const inBase = ({ base }: Scene, sector: number) => base.bytes[sector * SECTOR_BYTES];

describe('An end that was prepared for', () => {
  test('leaves on the medium what the base does not have, and the next opening has it', async () => {
    const scene = new Scene();
    const device = await scene.openMarked();
    await write(device, 3, 7);
    await device.prepareToLeave();
    await write(device, 4, 8);
    await device.disconnect();
    expect([inBase(scene, 3), inBase(scene, 4)]).toEqual([0, 0]);
    expect(scene.mark.attached).not.toBeNull();
    const again = await scene.openMarked();
    expect([await byteAt(again, 3), await byteAt(again, 4)]).toEqual([7, 8]);
    await again.disconnect();
    expect([inBase(scene, 3), inBase(scene, 4)]).toEqual([7, 8]);
    expect(scene.mark.attached).toBeNull();
  });

  test('says on the medium what is durable there, before the end', async () => {
    const scene = new Scene();
    const device = await scene.openMarked({ clock: new ManualClock() });
    await write(device, 3, 7);
    await device.flush();
    const before = scene.medium.calls.length;
    await device.prepareToLeave();
    const written = scene.medium.calls.slice(before).filter(({ operation }) => operation === 'write');
    expect(written.map(({ at }) => at < 131_072)).toEqual([true]);
    await device.disconnect();
  });

  test('drains what leaves room for what still comes, and no more', async () => {
    const scene = new Scene(undefined, new Disk(131_072 + (16 << 20), SECTOR_BYTES));
    const device = await scene.openMarked({ clock: new ManualClock() });
    let allow = () => {};
    const allowed = new Promise<void>((resolve) => (allow = resolve));
    scene.base.onCall = (call) => (call === 'write' ? allowed : undefined);
    const writeAndFlush = async (byte: number) => {
      await write(device, 0, byte, 256);
      await device.flush();
    };
    for (let byte = 1; byte <= 112; byte++) await writeAndFlush(byte);
    expect(device.snapshot().ringUsedShare).toBeGreaterThan(0.85);
    const prepared = device.prepareToLeave();
    allow();
    await prepared;
    const { ringUsedShare } = device.snapshot();
    expect(ringUsedShare).toBeLessThanOrEqual(0.75);
    expect(ringUsedShare).toBeGreaterThan(0.25);
    await device.disconnect();
    const again = await scene.openMarked();
    expect(await byteAt(again, 255)).toBe(112);
    await again.disconnect();
  });

  test('lets those who write go on while it makes room', async () => {
    const scene = new Scene(undefined, new Disk(131_072 + (32 << 20), SECTOR_BYTES));
    const device = await scene.openMarked({ clock: new ManualClock() });
    // From here on batches are small.
    await device.prepareToLeave();
    const flushes: (() => void)[] = [];
    scene.base.onCall = (call) => (call === 'flush' ? new Promise((resolve) => flushes.push(resolve)) : undefined);
    let written = 0;
    const writeNext = async () => {
      await write(device, 0, 1, 256);
      await device.flush();
      written++;
    };
    for (let i = 0; i < 240; i++) await writeNext();
    let isPrepared = false;
    const prepared = device.prepareToLeave().then(() => (isPrepared = true));
    const writing = Array.from({ length: 2 }, async () => {
      while (!isPrepared) await writeNext();
    });
    const writtenAfter: number[] = [];
    while (!isPrepared) {
      await settled();
      flushes.shift()?.();
      await settled();
      writtenAfter.push(written);
    }
    await prepared;
    // A part of what each batch leaves free, and no long wait in between.
    expect(writtenAfter.length).toBeGreaterThan(8);
    expect(new Set(writtenAfter).size).toBeGreaterThan(writtenAfter.length - 3);
    scene.base.onCall = () => {};
    await Promise.all(writing);
    await device.disconnect();
  });

  test('drains nothing once there is room, until there is none', async () => {
    const scene = new Scene(undefined, new Disk(131_072 + (16 << 20), SECTOR_BYTES));
    const device = await scene.openMarked({ clock: new ManualClock() });
    const fill = async (share: number) => {
      for (let i = 0; i < 500 && device.snapshot().ringUsedShare < share; i++) {
        await write(device, 0, 1, 256);
        await device.flush();
      }
    };
    await device.prepareToLeave();
    await fill(0.8);
    await device.prepareToLeave();
    const drained = scene.base.count('write');
    await fill(0.96);
    await settled();
    expect(scene.base.count('write')).toBe(drained);
    for (let i = 0; i < 16; i++) await write(device, 0, i, 256);
    await device.flush();
    expect(scene.base.count('write')).toBeGreaterThan(drained);
    await device.disconnect();
  });

  test('does not wait for what is drained while it is prepared, however much comes', async () => {
    const scene = new Scene(undefined, new Disk(SMALL_MEDIUM_BYTES, SECTOR_BYTES));
    const device = await scene.openMarked();
    let isOver = false;
    let writes = 0;
    // So much is on its way that room has to be made all the time.
    const goOn = async (writer: number) => {
      while (!isOver && writes < WRITES_MAX) await write(device, 64 * (writer % 8), ++writes % 256, 64);
    };
    const writing = Array.from({ length: 64 }, (_, writer) => goOn(writer));
    await device.prepareToLeave();
    isOver = true;
    const writesMeanwhile = writes;
    await Promise.all(writing);
    expect(writesMeanwhile).toBeLessThan(WRITES_MAX);
    await device.disconnect();
  });

  test('leaves nothing where a flush is the base’s', async () => {
    const scene = new Scene();
    const device = await scene.openMarked({ durability: 'base' });
    await device.prepareToLeave();
    await write(device, 4, 8);
    await device.disconnect();
    expect(inBase(scene, 4)).toBe(8);
    expect(scene.mark.attached).toBeNull();
  });

  test('and does not come: what is old enough is drained again', async () => {
    const scene = new Scene();
    const clock = new ManualClock();
    const device = await scene.openMarked({ clock });
    await device.prepareToLeave();
    await write(device, 4, 8);
    await device.flush();
    clock.advance(AGE_MS);
    await settled();
    expect(inBase(scene, 4)).toBe(0);
    device.stay();
    await device.drain();
    await write(device, 5, 9);
    await device.flush();
    clock.advance(AGE_MS);
    await settled();
    await settled();
    expect([inBase(scene, 4), inBase(scene, 5)]).toEqual([8, 9]);
    await device.disconnect();
    expect(scene.mark.attached).toBeNull();
  });

  test('still drains for those who wait for it, and where the ring fills', async () => {
    const scene = new Scene();
    const device = await scene.openMarked({ clock: new ManualClock() });
    await device.prepareToLeave();
    await write(device, 4, 8);
    await device.drain();
    expect(inBase(scene, 4)).toBe(8);
    // Several times what the ring holds.
    for (let lap = 1; lap <= 40; lap++) await write(device, 0, lap, 256);
    await device.flush();
    expect(device.snapshot().ringUsedShare).toBeLessThan(1);
    await device.disconnect();
    const again = await scene.openMarked();
    expect(await byteAt(again, 255)).toBe(40);
    await again.disconnect();
  });

  test('waits until what is being drained is', async () => {
    const scene = new Scene();
    const device = await scene.openMarked();
    await device.prepareToLeave();
    await write(device, 4, 8);
    await device.flush();
    let allow = () => {};
    scene.base.onCall = (call) => (call === 'write' ? new Promise<void>((resolve) => (allow = resolve)) : undefined);
    const drained = device.drain();
    await settled();
    const ended = device.disconnect();
    expect(await stateOf(ended)).toBe('pending');
    allow();
    await Promise.all([drained, ended]);
    expect(inBase(scene, 4)).toBe(8);
  });

  test('loses nothing that was flushed, at whichever call of medium or base the process dies', async () => {
    for (let last = 0; ; last++) {
      const scene = new Scene();
      const device = await scene.openMarked();
      await write(device, 3, 7);
      await device.flush();
      let calls = 0;
      let isDead = false;
      const onCall = () => {
        isDead ||= calls++ >= last;
        return isDead ? new Promise<void>(() => {}) : undefined;
      };
      scene.medium.onCall = onCall;
      scene.base.onCall = onCall;
      scene.mark.onCall = onCall;
      let isFlushed = false;
      const work = async () => {
        await device.prepareToLeave();
        await write(device, 4, 8);
        await device.flush();
        isFlushed = true;
        await device.disconnect();
        return 'ended';
      };
      const outcome = await Promise.race([work(), untilDead(() => isDead)]);
      if (outcome === 'dead') await die(device);
      scene.medium.onCall = () => {};
      scene.base.onCall = () => {};
      scene.mark.onCall = () => {};
      const again = await scene.openMarked();
      expect(await byteAt(again, 3), `after ${last} calls`).toBe(7);
      if (isFlushed) expect(await byteAt(again, 4), `after ${last} calls`).toBe(8);
      await again.disconnect();
      if (outcome === 'ended') {
        expect(last).toBeGreaterThan(10);
        return;
      }
    }
  });
});

async function untilDead(isDead: () => boolean): Promise<'dead'> {
  while (!isDead()) await new Promise((resolve) => setImmediate(resolve));
  // What does not wait for the call goes on for a while.
  await settled();
  return 'dead';
}
