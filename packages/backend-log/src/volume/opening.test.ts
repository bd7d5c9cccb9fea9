import { BlockError } from '@blockyard/block';
import type { Fault } from '@blockyard/object-store/faults';
import { describe, expect, test } from 'vitest';
import { takeSnapshot } from '../index.js';
import { Chance, giveUp, stateOf } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

/** A volume with a checkpoint, a snapshot, and segments behind, which was given up. */
async function given(): Promise<Scene> {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const chance = new Chance(11);
  const device = await bucket.connect();
  await history.run(device, chance, 60);
  await history.flush(device);
  await scene.takeSnapshot('first', (name) => device.takeSnapshot(name));
  await history.run(device, chance, 30);
  await history.flush(device);
  await scene.takeSnapshot('beside', (name) => takeSnapshot(bucket.at(), name));
  await giveUp(device);
  return scene;
}

const lost = (): Fault => ({ kind: 'lose', carriedOut: 'never' });
const failures: readonly (readonly [string, () => Fault, string])[] = [
  ['503', () => ({ kind: 'refuse', error: new BlockError('UNAVAILABLE', '503') }), 'UNAVAILABLE'],
  ['403', () => ({ kind: 'refuse', error: new BlockError('ACCESS_DENIED', '403') }), 'ACCESS_DENIED'],
  ['a reset', lost, 'UNAVAILABLE'],
  ['an answer cut before its first byte', () => ({ kind: 'truncate', bytes: 0 }), 'UNAVAILABLE'],
  ['an answer cut after some bytes', () => ({ kind: 'truncate', bytes: 50 }), 'UNAVAILABLE'],
];

describe('An error is never taken for the end of the log:', () => {
  test.each(failures)(
    '%s at any request of opening fails it, and the next opening has everything',
    async (_, fault, code) => {
      const scene = await given();
      const { history } = scene;
      for (let request = 1; ; request++) {
        const { bucket } = scene.copy();
        const before = new Map(bucket.objects);
        const store = bucket.process();
        let begun = 0;
        store.onRequest = () => (++begun === request ? fault() : undefined);
        const opening = bucket.connect({ store });
        const timers = bucket.clock.timers.length;
        const outcome = await opening.catch((error: unknown) => error);
        if (begun < request) {
          expect(request).toBeGreaterThan(8);
          break;
        }
        expect(outcome).toMatchObject({ code });
        expect(bucket.clock.timers.length).toBe(timers);
        for (const key of before.keys()) expect(bucket.objects.has(key), `${key} after request ${request}`).toBe(true);
        const device = await bucket.connect();
        expect(await stateOf(device)).toEqual(history.now);
        await giveUp(device);
      }
    },
  );
});

describe('A volume that is opened again and again, without a change,', () => {
  test.each([
    ['and closed', false],
    ['and given up', true],
  ])('%s, has a root that stays small', async (_, force) => {
    const { bucket } = await given();
    for (let times = 0; times < 30; times++) {
      const device = await bucket.connect();
      await device.disconnect({ force });
    }
    const { epochs } = JSON.parse(Buffer.from(bucket.objects.get('disk/volume.json')?.body ?? []).toString());
    expect(epochs.length).toBeLessThan(4);
  });

  test('and with one, has as many objects of its map as before', async () => {
    const { bucket, history } = await given();
    const counts: number[] = [];
    for (let times = 0; times < 12; times++) {
      const device = await bucket.connect();
      await history.write(device, 3, 1);
      await device.disconnect();
      const next = await bucket.connect();
      await next.compact();
      await next.disconnect();
      counts.push(bucket.keys('/map/').length);
    }
    expect(counts.at(-1)).toBeLessThanOrEqual((counts[5] ?? 0) + 1);
  });
});
