import { BlockError, type Operation } from '@blockyard/block';
import { ManualClock, stateOf } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import type { WriteLogDevice } from './index.js';
import { Disk } from './testing/disk.js';
import { byteAt, die, Scene, SECTOR, SMALL_MEDIUM_BYTES, write } from './testing/scene.js';

const SECTORS = 8;
const OPTIONS = { maxMediumWaitMs: 100 };

type Fault = () => Promise<void>;
const FAULTS: readonly (readonly [string, Fault])[] = [
  ['EIO', () => Promise.reject(new BlockError('IO', 'told to fail'))],
  ['NO_SPACE', () => Promise.reject(new BlockError('NO_SPACE', 'told to be full'))],
  ['a hang', () => new Promise<void>(() => {})],
];

function newScene(): Scene {
  return new Scene(new Disk(16 << 10, SECTOR), new Disk(SMALL_MEDIUM_BYTES, SECTOR));
}

/** Moves time on until the work has settled. */
async function passing<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  for (let i = 0; i < 400 && !isOver; i++) await clock.advanceAndSettle(isOver ? 0 : 50);
  return over;
}

/** Which bytes a sector may have: what was flushed last, or was written later. */
class Allowed {
  readonly #bytes = Array.from({ length: SECTORS }, () => [0]);

  wrote(sector: number, byte: number): void {
    this.#bytes[sector]?.push(byte);
  }

  flushed(): void {
    for (const bytes of this.#bytes) bytes.splice(0, bytes.length - 1);
  }

  /** A reader gets the last one. */
  latest(sector: number): number {
    return this.#bytes[sector]?.at(-1) ?? -1;
  }

  check(sector: number, byte: number): void {
    expect(this.#bytes[sector]).toContain(byte);
  }
}

/** Writes, flushes and reads, and checks each answer. Operations may fail, and what they have claimed is kept count of. */
async function live(device: WriteLogDevice, clock: ManualClock, allowed: Allowed): Promise<{ failedFlushes: number }> {
  let failedFlushes = 0;
  for (let round = 0; round < 6; round++) {
    for (const sector of [round % SECTORS, (round * 3 + 1) % SECTORS]) {
      const byte = 2 * round + (sector === round % SECTORS ? 1 : 2);
      allowed.wrote(sector, byte);
      await passing(clock, write(device, sector, byte));
    }
    await passing(clock, device.flush()).then(
      () => allowed.flushed(),
      () => failedFlushes++,
    );
    for (let sector = 0; sector < SECTORS; sector++) {
      expect(await passing(clock, byteAt(device, sector))).toBe(allowed.latest(sector));
    }
    if (round === 3) await passing(clock, device.drain()).catch((error) => expect(error).toBeInstanceOf(BlockError));
  }
  return { failedFlushes };
}

/**
 * After the process has died, a log on the same medium, which works again, has all that was acknowledged. Where the base was told
 * that it goes on without, and the medium could not be, that has to be accepted first, and nothing is lost by it.
 */
async function checkAfterCrash(scene: Scene, allowed: Allowed, isMarked: boolean): Promise<void> {
  scene.medium.onCall = () => {};
  const clock = new ManualClock();
  const open = (acceptLoss: boolean) =>
    isMarked ? scene.openMarked({ clock, acceptLoss }) : scene.open({ clock, acceptLoss });
  const device = await open(false).catch((error: BlockError) => {
    expect([error.code, isMarked, scene.mark.attached]).toEqual(['TIER_MISSING', true, null]);
    return open(true);
  });
  for (let sector = 0; sector < SECTORS; sector++) allowed.check(sector, await byteAt(device, sector));
  await device.disconnect();
}

describe.each([
  ['that remembers its tier', true],
  ['that does not', false],
] as const)('Over a base %s, a medium that fails', (_, isMarked) => {
  const open = (scene: Scene, clock: ManualClock) =>
    isMarked ? scene.openMarked({ ...OPTIONS, clock }) : scene.open({ ...OPTIONS, clock });

  test.each(FAULTS)('at one call, whichever it is: %s fails no operation and loses nothing', async (_name, fault) => {
    let hits = 0;
    for (let at = 0; hits === at; at++) {
      const scene = newScene();
      const clock = new ManualClock();
      const device = await open(scene, clock);
      let call = 0;
      scene.medium.onCall = () => {
        if (call++ !== at) return;
        hits++;
        return fault();
      };
      const allowed = new Allowed();
      // What hangs keeps the medium from being told anything. Only a base with a mark can be told instead.
      const { failedFlushes } = await live(device, clock, allowed);
      if (isMarked) expect(failedFlushes, `call ${at}`).toBe(0);
      await die(device);
      await checkAfterCrash(scene, allowed, isMarked);
    }
    expect(hits).toBeGreaterThan(15);
  });

  test.each(FAULTS)(
    'from a call on: with %s what a flush has said holds, and readers get the latest',
    async (_name, fault) => {
      for (let at = 0; at < 24; at += 3) {
        const scene = newScene();
        const clock = new ManualClock();
        const device = await open(scene, clock);
        let call = 0;
        scene.medium.onCall = () => (call++ >= at ? fault() : undefined);
        const allowed = new Allowed();
        const { failedFlushes } = await live(device, clock, allowed);
        if (isMarked) expect(failedFlushes, `from call ${at} on`).toBe(0);
        await die(device);
        await checkAfterCrash(scene, allowed, isMarked);
      }
    },
  );
});

describe('A medium that failed', () => {
  /** A log with something flushed, on whose medium an operation fails. */
  async function failing(operation: Operation, fault: Fault) {
    const scene = newScene();
    const clock = new ManualClock();
    const errors: BlockError[] = [];
    const device = await scene.openMarked({ ...OPTIONS, clock, onError: (error) => errors.push(error) });
    await write(device, 1, 1);
    await device.flush();
    scene.medium.onCall = (called) => (called === operation ? fault() : undefined);
    return { scene, clock, errors, device };
  }

  test.each(['write', 'flush'] as const)(
    'at a %s is told, left, tried again later and later, and used again',
    async (operation) => {
      const { scene, clock, errors, device } = await failing(operation, () =>
        Promise.reject(new BlockError('IO', 'no')),
      );
      await write(device, 2, 2);
      await device.flush();
      expect(errors).toHaveLength(1);
      expect(device.snapshot().medium).toMatchObject({ state: 'failed', error: { code: 'IO' }, nextProbeMs: 1000 });
      expect([scene.base.bytes[SECTOR], scene.base.bytes[2 * SECTOR]]).toEqual([1, 2]);
      expect(scene.mark.attached).toBeNull();
      const probes: number[] = [];
      scene.medium.calls.length = 0;
      for (let ms = 0; ms < 16_000; ms += 500) {
        await clock.advanceAndSettle(500);
        if (scene.medium.count(operation) > 0) probes.push(ms + 500);
        scene.medium.calls.length = 0;
      }
      expect(probes).toEqual([1000, 3000, 7000, 15_000]);
      scene.medium.onCall = () => {};
      await clock.advanceAndSettle(16_000);
      expect(device.snapshot().medium).toMatchObject({ state: 'good', error: undefined });
      const baseFlushes = scene.base.count('flush');
      await write(device, 3, 3);
      await device.flush();
      expect(scene.base.count('flush')).toBe(baseFlushes);
      await die(device);
      const again = await scene.openMarked({ clock: new ManualClock() });
      expect([await byteAt(again, 1), await byteAt(again, 2), await byteAt(again, 3)]).toEqual([1, 2, 3]);
      await again.disconnect();
    },
  );

  test('at a read, where only it has the data, gives CORRUPT and never what the base had before', async () => {
    const scene = newScene();
    const clock = new ManualClock();
    await scene.base.open().write(5, [new Uint8Array(SECTOR).fill(99)]);
    const options = { clock, maxMemoryBytes: 1 << 20, durability: 'medium' } as const;
    // What is in memory is never read from the medium: it has to leave.
    const device = await scene.open({ ...options, maxDirtyAgeMs: 1e9 });
    scene.base.onCall = (operation) => (operation === 'write' ? new Promise(() => {}) : undefined);
    await write(device, 5, 5);
    await device.flush();
    for (let i = 0; device.snapshot().memoryBytes + (16 << 10) < 1 << 20; i++) await write(device, 6, i % 100, 24);
    await device.flush();
    for (let i = 0; i < 3; i++) await passing(clock, write(device, 6, i, 24));
    scene.medium.onCall = (operation) => {
      if (operation === 'read') throw new BlockError('IO', 'unreadable');
    };
    await expect(byteAt(device, 5)).rejects.toMatchObject({ code: 'CORRUPT' });
    scene.medium.onCall = (operation) => {
      if (operation === 'read') throw new BlockError('UNAVAILABLE', 'for a moment');
    };
    await expect(byteAt(device, 5)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    scene.medium.onCall = () => {};
    expect(await byteAt(device, 5)).toBe(5);
    await die(device);
  });

  test('of which no one can be told fails flushes, until one of them can', async () => {
    const scene = newScene();
    const clock = new ManualClock();
    const device = await scene.open({ ...OPTIONS, clock });
    await write(device, 1, 1);
    await device.flush();
    scene.medium.onCall = (operation) => {
      if (operation !== 'read') throw new BlockError('IO', 'gone');
    };
    await write(device, 2, 2);
    await expect(passing(clock, device.flush())).rejects.toMatchObject({ code: 'IO' });
    expect(device.snapshot().medium.state).toBe('leaving');
    scene.medium.onCall = () => {};
    await clock.advanceAndSettle(60_000);
    expect(device.snapshot().medium.state).toBe('good');
    await passing(clock, device.flush());
    await die(device);
    const again = await scene.open({ clock: new ManualClock() });
    expect([await byteAt(again, 1), await byteAt(again, 2)]).toEqual([1, 2]);
    await again.disconnect();
  });
});

test('A forced end while a medium is given up tells the base nothing more', async () => {
  const scene = newScene();
  const clock = new ManualClock();
  const device = await scene.openMarked({ ...OPTIONS, clock });
  await write(device, 1, 1);
  await device.flush();
  expect(scene.mark.calls).toEqual(['attach']);
  // The call fails, and what is to be written in its place hangs.
  let calls = 0;
  scene.medium.onCall = () => {
    if (calls++ === 0) throw new BlockError('IO', 'told to fail');
    return new Promise<void>(() => {});
  };
  await write(device, 2, 2);
  const flushed = device.flush();
  flushed.catch(() => {});
  await clock.advanceAndSettle(1);
  expect(device.snapshot().medium.state).toBe('leaving');
  await die(device);
  await clock.advanceAndSettle(1000);
  expect(scene.mark.calls).toEqual(['attach']);
});

describe('A second writer on one medium', () => {
  test('makes the first one FENCED as soon as that writes a superblock, and has what was flushed before', async () => {
    const scene = newScene();
    const clock = new ManualClock();
    const first = await scene.open({ clock });
    await write(first, 1, 1);
    await first.flush();
    const second = await scene.open({ clock: new ManualClock() });
    expect(await byteAt(second, 1)).toBe(1);
    await write(second, 2, 2);
    await second.flush();
    await clock.advanceAndSettle(1000);
    expect(first.snapshot().medium).toMatchObject({ state: 'leaving', error: { code: 'FENCED' } });
    await write(first, 3, 3);
    await expect(passing(clock, first.flush())).rejects.toMatchObject({ code: 'FENCED' });
    await die(first);
    await die(second);
    const third = await scene.open({ clock: new ManualClock() });
    expect([await byteAt(third, 1), await byteAt(third, 2), await byteAt(third, 3)]).toEqual([1, 2, 0]);
    await third.disconnect();
  });
});

describe('A medium that works again when all is drained', () => {
  test.each([
    ['a drain', (device: WriteLogDevice) => device.drain()],
    ['a resize', (device: WriteLogDevice) => device.resize(SECTORS)],
    ['a disconnect', (device: WriteLogDevice) => device.disconnect()],
  ])('keeps no one waiting for what comes next: %s settles', async (_, begin) => {
    const scene = newScene();
    const clock = new ManualClock();
    const device = await scene.open({ clock });
    await write(device, 3, 7);
    await device.flush();
    scene.medium.onCall = (operation) => {
      if (operation !== 'read') throw new BlockError('IO', 'told to fail');
    };
    await expect(device.drain()).rejects.toMatchObject({ code: 'IO' });
    expect(device.snapshot()).toMatchObject({ undrainedBytes: 0, medium: { state: 'leaving' } });
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    scene.medium.onCall = () => answered;
    // It is tried again, and while that goes on the drainer begins to wait for it.
    await clock.advanceAndSettle(1000);
    const work = begin(device);
    await clock.advanceAndSettle(0);
    answer();
    for (let i = 0; i < 20; i++) await clock.advanceAndSettle(50);
    expect(await stateOf(work)).toBe('resolved');
    await die(device);
  });
});
