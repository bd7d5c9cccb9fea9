import { BlockError } from '@blockyard/block';
import { settled, stateOf } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import type { LoadedRecords } from './index.js';
import { byteAt, die, Scene, write } from './testing/scene.js';

const RING_START = 131_072;

/** Leaves a log with the byte 7 in sector 3, which the base does not have. */
async function leave(scene: Scene): Promise<LoadedRecords> {
  const device = await scene.openMarked();
  await device.prepareToLeave();
  await write(device, 3, 7);
  await device.disconnect();
  const left = device.left();
  if (left === undefined) throw new Error('it has left what is on the medium');
  return left;
}

describe('An opening of what was loaded', () => {
  test('serves before the medium has its superblocks, and appends nothing before', async () => {
    const scene = new Scene();
    const left = await leave(scene);
    const held: (() => void)[] = [];
    const appends = () => scene.medium.calls.filter(({ operation, at }) => operation === 'write' && at >= RING_START);
    scene.medium.onCall = (operation) =>
      operation === 'flush' ? new Promise<void>((resolve) => held.push(resolve)) : undefined;
    scene.medium.calls.splice(0);
    const again = await scene.openMarked({ loaded: left });
    expect(await byteAt(again, 3)).toBe(7);
    await write(again, 4, 8);
    const flushed = again.flush();
    for (let superblock = 1; superblock <= 2; superblock++) {
      while (held.length === 0) await settled();
      expect([await stateOf(flushed), appends()]).toEqual(['pending', []]);
      held.pop()?.();
    }
    while (held.length === 0) await settled();
    scene.medium.onCall = () => {};
    held.pop()?.();
    await flushed;
    expect(appends()).toHaveLength(1);
    await die(again);
    const last = await scene.openMarked();
    expect([await byteAt(last, 3), await byteAt(last, 4)]).toEqual([7, 8]);
    await last.disconnect();
  });

  test('goes on with the base where the medium takes no superblock', async () => {
    const scene = new Scene();
    const left = await leave(scene);
    scene.medium.onCall = (operation) =>
      operation === 'write' ? Promise.reject(new BlockError('IO', 'EIO')) : undefined;
    const again = await scene.openMarked({ loaded: left });
    await write(again, 4, 8);
    await again.flush();
    expect(again.snapshot().medium.state).toBe('failed');
    await die(again);
    scene.medium.onCall = () => {};
    const last = await scene.openMarked({ acceptLoss: true });
    expect([await byteAt(last, 3), await byteAt(last, 4)]).toEqual([7, 8]);
    await last.disconnect();
  });

  test('and ended at once, leaves all of it', async () => {
    const scene = new Scene();
    const again = await scene.openMarked({ loaded: await leave(scene) });
    await write(again, 4, 8);
    await again.disconnect();
    const last = await scene.openMarked();
    expect([await byteAt(last, 3), await byteAt(last, 4)]).toEqual([7, 8]);
    await last.disconnect();
  });

  test('loses nothing that was flushed, at whichever call of the medium the process dies', async () => {
    for (let calls = 0, isEnded = false; !isEnded; calls++) {
      const scene = new Scene();
      const left = await leave(scene);
      let isDead = false;
      let callsLeft = calls;
      scene.medium.onCall = () => {
        isDead ||= callsLeft-- <= 0;
        return isDead ? new Promise<void>(() => {}) : undefined;
      };
      const opening = scene.openMarked({ loaded: left });
      let isFlushed = false;
      const work = async () => {
        const device = await opening;
        await write(device, 4, 8);
        await device.flush();
        isFlushed = true;
        await write(device, 5, 9);
        await device.flush();
        isEnded = true;
      };
      await Promise.race([work(), untilDead(() => isDead)]);
      if ((await stateOf(opening)) === 'resolved') await die(await opening);
      scene.medium.onCall = () => {};
      const again = await scene.openMarked();
      expect(await byteAt(again, 3), `after ${calls} calls`).toBe(7);
      if (isFlushed) expect(await byteAt(again, 4), `after ${calls} calls`).toBe(8);
      if (isEnded) expect(await byteAt(again, 5)).toBe(9);
      await again.disconnect();
      expect(calls).toBeLessThan(50);
    }
  });
});

async function untilDead(isDead: () => boolean): Promise<void> {
  while (!isDead()) await new Promise((resolve) => setImmediate(resolve));
  await settled();
}
