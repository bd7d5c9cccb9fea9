import { expect, test } from 'vitest';
import { compactLogVolume, rollBack } from '../index.js';
import { giveUp, stateOf } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

/** A volume with a snapshot, open by a writer that goes on. */
async function opened() {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const device = await bucket.connect();
  await history.write(device, 0, 20);
  await scene.takeSnapshot('kept', (name) => device.takeSnapshot(name));
  await history.write(device, 0, 20);
  await history.flush(device);
  return { scene, device };
}

test.each([
  ['rolled back', (scene: Scene) => rollBack(scene.bucket.at(), 'kept', { clock: scene.bucket.clock })],
  ['cleaned', (scene: Scene) => compactLogVolume(scene.bucket.at(), { clock: scene.bucket.clock })],
])('a volume that a writer has open is not %s: the refusal says who has it, and the writer goes on', async (_, act) => {
  const { scene, device } = await opened();
  const { bucket, history } = scene;
  const error: unknown = await act(scene).catch((refusal: unknown) => refusal);
  expect(error).toMatchObject({ code: 'LOCKED', message: expect.stringContaining(String(process.pid)) });
  await history.write(device, 5, 10);
  await history.flush(device);
  expect(await stateOf(device)).toEqual(history.now);
  await giveUp(device);
  await scene.checkRecovery();
  expect(bucket.keys('volume.json')).toHaveLength(1);
});

test('a writer whose volume is taken from it to be rolled back is replaced, and writes nothing over that', async () => {
  const { scene, device } = await opened();
  const { bucket } = scene;
  const kept = scene.snapshots.get('kept')?.state;
  await device.write(7, [new Uint8Array(512).fill(9)]);
  await rollBack(bucket.at(), 'kept', { takeOver: true, clock: bucket.clock });
  await expect(device.flush()).rejects.toMatchObject({ code: 'FENCED' });
  await giveUp(device);
  const view = await bucket.connect({ readOnly: true });
  expect(await stateOf(view)).toEqual(kept);
  await view.disconnect();
});
