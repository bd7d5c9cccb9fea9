import { BlockError } from '@blockyard/block';
import { ManualClock, settled, stateOf } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { Disk } from './testing/disk.js';
import { byteAt, die, Scene, SECTOR, SMALL_MEDIUM_BYTES, write } from './testing/scene.js';

const BASE_SECTORS = 32;

function newScene(): Scene {
  return new Scene(new Disk(BASE_SECTORS * SECTOR, SECTOR), new Disk(SMALL_MEDIUM_BYTES, SECTOR));
}

describe('A ring that is filled three times over', () => {
  test('gives, after a crash at any flush, what was written last and nothing of an earlier lap', async () => {
    const scene = newScene();
    const device = await scene.open({ clock: new ManualClock() });
    const model = new Uint8Array(BASE_SECTORS).fill(0);
    const { ringBytes } = device.snapshot();
    for (let i = 1; device.snapshot().mediumWrittenBytes < 3.2 * ringBytes; i++) {
      const start = (i * 7) % (BASE_SECTORS - 8);
      const count = 1 + ((i * 5) % 8);
      await write(device, start, i % 251, count);
      model.fill(i % 251, start, start + count);
      if (i % 4 !== 0) continue;
      await device.flush();
      if (i % 32 !== 0) continue;
      const crashed = new Scene(scene.base.clone(), scene.medium.clone());
      const again = await crashed.open({ readOnly: true, clock: new ManualClock() });
      for (let sector = 0; sector < BASE_SECTORS; sector++) expect(await byteAt(again, sector)).toBe(model[sector]);
      await again.disconnect();
    }
    await device.disconnect();
    for (let sector = 0; sector < BASE_SECTORS; sector++) expect(scene.base.bytes[sector * SECTOR]).toBe(model[sector]);
  });
});

describe('What the base does not have', () => {
  test('is told, data alone, until it has it', async () => {
    const scene = newScene();
    const device = await scene.open({ clock: new ManualClock() });
    let isAway = true;
    scene.base.onCall = () => {
      if (isAway) throw new BlockError('UNAVAILABLE', 'away');
    };
    await write(device, 2, 1, 4);
    await device.writeZeroes(3, 1);
    await write(device, 20, 1);
    const pending = (start = 0, count = BASE_SECTORS) => [...device.pending(start, count)].filter(Boolean);
    expect(pending()).toEqual([
      { start: 2, count: 1 },
      { start: 4, count: 2 },
      { start: 20, count: 1 },
    ]);
    expect(pending(5, 15)).toEqual([{ start: 5, count: 1 }]);
    isAway = false;
    await device.disconnect();
    expect(pending()).toEqual([]);
  });
});

describe('A base that is away for an hour under load', () => {
  test('makes writers wait once ring and memory are full, fails none, and gets everything afterwards', async () => {
    const scene = newScene();
    const clock = new ManualClock();
    const device = await scene.open({ clock, maxMemoryBytes: 1 << 20 });
    scene.base.onCall = (operation) => {
      if (operation !== 'read') throw new BlockError('UNAVAILABLE', 'away');
    };
    const model = new Uint8Array(BASE_SECTORS).fill(0);
    let accepted = 0;
    let isOver = false;
    const load = (async () => {
      for (let i = 1; !isOver; i++) {
        const start = (i * 8) % BASE_SECTORS;
        await write(device, start, i % 251, 8);
        model.fill(i % 251, start, start + 8);
        accepted = i;
        await device.flush();
      }
    })();
    let before = -1;
    for (let minute = 0; minute < 60; minute++) {
      before = accepted;
      await clock.advanceAndSettle(60_000);
      expect(device.snapshot().memoryBytes).toBeLessThanOrEqual(1 << 20);
      expect(device.snapshot().ringUsedShare).toBeLessThanOrEqual(1);
    }
    // Full by now: no one is refused, and no one goes on.
    for (let i = 0; i < 400 && accepted !== before; i++) {
      before = accepted;
      await settled();
      await settled();
    }
    expect(accepted).toBe(before);
    expect(accepted).toBeGreaterThan(50);
    expect(await stateOf(load)).toBe('pending');
    expect(device.snapshot()).toMatchObject({ drainError: { code: 'UNAVAILABLE' }, medium: { state: 'good' } });
    scene.base.onCall = () => {};
    isOver = true;
    await clock.advanceAndSettle(60_000);
    await load;
    await device.drain();
    expect(device.snapshot()).toMatchObject({ undrainedBytes: 0, drainError: undefined });
    for (let sector = 0; sector < BASE_SECTORS; sector++) expect(scene.base.bytes[sector * SECTOR]).toBe(model[sector]);
    await die(device);
  });
});
