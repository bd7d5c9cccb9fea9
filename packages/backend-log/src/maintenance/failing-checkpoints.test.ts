import { BlockError } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { gate } from '../testing/bucket.js';
import { giveUp, stateOf } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

/** Four checkpoints' worth of segments. */
const SEGMENTS_BEHIND_MAX = 2048;

test('Where checkpoints fail, writers wait at a bound, in order, fail as the checkpoint does, and go on once one is made', async () => {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const store = bucket.process();
  const device = await bucket.connect({ store });
  const refuseMaps = () => {
    store.onRequest = ({ kind, key }) =>
      kind === 'put' && key.includes('/map/')
        ? { kind: 'refuse', error: new BlockError('UNAVAILABLE', '503') }
        : undefined;
  };
  refuseMaps();
  for (let segment = 0; segment < SEGMENTS_BEHIND_MAX; segment++) {
    await history.write(device, segment % 100, 1);
    await history.flush(device);
  }
  const behind = () => device.snapshot()?.checkpoint.segmentsBehind;
  expect(behind()).toBe(SEGMENTS_BEHIND_MAX);
  const before = await stateOf(device);
  await expect(device.write(0, [new Uint8Array(512)])).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  await expect(device.discard(0, 10)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(device.resize(25)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(await stateOf(device)).toEqual(before);
  expect(device.info.sizeSectors).toBe(before.sizeSectors);
  await device.flush();
  expect(behind()).toBe(SEGMENTS_BEHIND_MAX);

  // The store takes checkpoints again, slowly: all that was written meanwhile waits, and for one of them.
  const { passed, open } = gate();
  let maps = 0;
  store.onRequest = ({ kind, key }) => {
    if (kind !== 'put' || !key.includes('/map/')) return undefined;
    maps++;
    return { kind: 'hold', until: passed };
  };
  const accepted: number[] = [];
  const writing = Array.from({ length: 20 }, (_, at) => history.write(device, 5, 1).then(() => accepted.push(at)));
  await settled();
  expect(accepted).toEqual([]);
  open();
  await Promise.all(writing);
  expect(accepted).toEqual(Array.from({ length: 20 }, (_, at) => at));
  expect(behind()).toBe(0);
  expect(maps).toBeLessThan(10);
  expect(await stateOf(device)).toEqual(history.now);
  await history.flush(device);
  await giveUp(device);
});
