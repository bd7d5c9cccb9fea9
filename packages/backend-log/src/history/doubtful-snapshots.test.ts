import { expect, test } from 'vitest';
import { listSnapshots } from '../index.js';
import { Chance, giveUp, stateOf } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

const DAY_MS = 86_400_000;

/** A volume with a snapshot whose taking came through, of which its writer heard nothing, so that it went on from the checkpoint before. */
async function doubtful() {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const store = bucket.process();
  const device = await bucket.connect({ store, minIdleMs: DAY_MS });
  await history.run(device, new Chance(31), 40);
  await history.flush(device);
  await scene.takeSnapshot('first', (name) => device.takeSnapshot(name));
  await history.run(device, new Chance(32), 40);
  await device.compact();
  await history.run(device, new Chance(33), 10);
  await history.flush(device);
  let isLost = false;
  store.onRequest = ({ kind, key }) => {
    if (isLost || kind !== 'put' || !key.endsWith('volume.json')) return undefined;
    isLost = true;
    return { kind: 'lose', carriedOut: 'before' };
  };
  await expect(scene.takeSnapshot('doubtful', (name) => device.takeSnapshot(name))).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
  const state = history.now;
  scene.snapshots.set('doubtful', { state, isCertain: true });
  // A look at the root settles it.
  await bucket.clock.advanceAndSettle(31_000);
  expect((await listSnapshots(bucket.at())).map(({ name }) => name)).toEqual(['first', 'doubtful']);
  return { scene, device };
}

test('a snapshot whose taking was not answered is whole, whatever its writer cleans afterwards', async () => {
  const { scene, device } = await doubtful();
  const { bucket, history } = scene;
  for (let round = 0; round < 4; round++) {
    await history.run(device, new Chance(40 + round), 40);
    await history.flush(device);
    await device.compact();
    await scene.checkSnapshots();
    // Until what is not referred to is deleted.
    bucket.clock.nowMs += 2 * DAY_MS;
  }
  await giveUp(device);
  await scene.checkRecovery();
});

test('and if its writer dies before its next checkpoint, whatever the next writer cleans', async () => {
  const { scene, device } = await doubtful();
  const { bucket, history } = scene;
  await giveUp(device);
  const next = await bucket.connect();
  expect(await stateOf(next)).toEqual(history.now);
  for (let round = 0; round < 4; round++) {
    await history.run(next, new Chance(50 + round), 60);
    await history.flush(next);
    await next.compact();
    await scene.checkSnapshots();
    bucket.clock.nowMs += 2 * DAY_MS;
  }
  await giveUp(next);
  await scene.checkRecovery();
});
