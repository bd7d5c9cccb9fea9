import { BlockError } from '@blockyard/block';
import { ManualClock, settled, stateOf } from '@blockyard/block/testing';
import { describe, expect, test } from 'vitest';
import { die, Scene, write } from './testing/scene.js';

/** Calls that wait, and fail when they are told to. */
class Hanging {
  #fail: (() => void)[] = [];

  readonly call = (): Promise<void> =>
    new Promise((_, reject) => this.#fail.push(() => reject(new BlockError('IO', 'given up'))));

  get count(): number {
    return this.#fail.length;
  }

  fail(): void {
    for (const each of this.#fail.splice(0)) each();
  }
}

describe('A forced end settles', () => {
  test.each(['the medium', 'the base'])('a flush that waits until %s knows of the attachment', async (who) => {
    const scene = new Scene();
    const device = await scene.openMarked({ clock: new ManualClock() });
    const hanging = new Hanging();
    if (who === 'the base') scene.mark.onCall = hanging.call;
    // The superblock that says so.
    else scene.medium.onCall = (called, at) => (called === 'write' && at <= 65_536 ? hanging.call() : undefined);
    await write(device, 3, 7);
    const flush = device.flush();
    expect(await stateOf(flush)).toBe('pending');
    expect(hanging.count).toBe(1);
    await die(device);
    hanging.fail();
    await expect(flush).rejects.toThrow();
  });

  test('a drain that waits until the medium knows of it', async () => {
    const scene = new Scene();
    const device = await scene.open({ clock: new ManualClock() });
    await write(device, 3, 7);
    await device.flush();
    const hanging = new Hanging();
    // What is drained is in the base already.
    scene.medium.onCall = (called) =>
      called === 'write' && scene.base.count('flush') > 0 ? hanging.call() : undefined;
    const drain = device.drain();
    drain.catch(() => {});
    await settled();
    await settled();
    expect(hanging.count).toBe(1);
    await die(device);
    hanging.fail();
    await expect(drain).rejects.toMatchObject({ code: 'DISCONNECTED' });
  });
});
