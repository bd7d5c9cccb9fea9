import { beforeAll, describe, expect, test } from 'vitest';
import { type LogDevice, rollBack, takeSnapshot } from './index.js';
import { Chance, giveUp, stateOf } from './testing/history.js';
import { type Act, dieAtEachRequest, loseEachReply, Scene } from './testing/scene.js';

/** A volume with a past: snapshots, packs, several writers, and one that was given up with changes that were not flushed. */
async function used(): Promise<Scene> {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const chance = new Chance(1);
  const device = await bucket.connect();
  await history.run(device, chance, 60);
  await scene.takeSnapshot('first', (name) => device.takeSnapshot(name));
  await history.run(device, chance, 30);
  await device.compact();
  await device.disconnect();
  const second = await bucket.connect();
  await history.run(second, chance, 30);
  await history.flush(second);
  await scene.takeSnapshot('beside', (name) => takeSnapshot(bucket.at(), name));
  await history.run(second, chance, 30);
  await giveUp(second);
  return scene;
}

let scene: Scene;
beforeAll(async () => {
  scene = await used();
});

/** What a process does that has opened the volume. It leaves it open. */
const opened =
  (act: (scene: Scene, device: LogDevice) => Promise<unknown>): Act =>
  async (left, store) => {
    const device = await left.bucket.connect({ store });
    left.history.recovered(await stateOf(device));
    await act(left, device).catch((error: unknown) => left.failed(error));
    return device;
  };

const works: readonly (readonly [string, Act])[] = [
  ['opening', opened(async () => {})],
  [
    'writing and flushing',
    opened(async ({ history }, device) => {
      await history.run(device, new Chance(2), 30);
      await history.flush(device);
    }),
  ],
  [
    'a checkpoint and a clean end',
    async ({ bucket, history }, store) => {
      const device = await bucket.connect({ store });
      history.recovered(await stateOf(device));
      await history.run(device, new Chance(3), 20);
      await history.flush(device);
      await device.disconnect();
      return undefined;
    },
  ],
  [
    'cleaning',
    opened(async ({ history }, device) => {
      await history.run(device, new Chance(4), 30);
      await device.compact();
      await history.run(device, new Chance(5), 10);
      await device.compact();
    }),
  ],
  [
    'a snapshot of the writer',
    opened(async (left, device) => {
      await left.takeSnapshot('mine', (name) => device.takeSnapshot(name));
      await left.history.run(device, new Chance(7), 10);
      await left.history.flush(device);
    }),
  ],
  [
    'a snapshot beside the writer',
    async (left, store) => {
      const device = await left.bucket.connect();
      left.history.recovered(await stateOf(device));
      await left.history.run(device, new Chance(8), 10);
      await left.history.flush(device);
      await left.takeSnapshot('mine', (name) => takeSnapshot(left.bucket.at('disk', store), name));
      return undefined;
    },
  ],
  [
    'a rollback',
    async (left, store) => {
      const past = left.snapshots.get('first');
      if (past === undefined) throw new Error('there is no such snapshot');
      left.others.push(past.state);
      await rollBack(left.bucket.at('disk', store), 'first', { takeOver: true });
      left.history.goOnFrom(past.state);
      return undefined;
    },
  ],
];

describe('A process dies at each of its requests, carried out or not, and the volume is a prefix, all that was flushed in it:', () => {
  test.each(works)('%s', async (_, act) => {
    expect(await dieAtEachRequest(scene, act, (left) => left.checkRecovery())).toBeGreaterThan(3);
  });
});

describe('Any single reply is lost, of a request that was carried out or was not, and nothing else is:', () => {
  test.each(works)('%s', async (_, act) => {
    expect(await loseEachReply(scene, act, (left) => left.checkRecovery())).toBeGreaterThan(3);
  });
});
