import { expect, test } from 'vitest';
import { checkLogVolume, type LogDevice } from '../index.js';
import { giveUp } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

/** Checks a volume, while its writer does something when the first of its objects of data is about to be read. */
async function checkDuring(act: (device: LogDevice, scene: Scene) => Promise<unknown>) {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const device = await bucket.connect();
  for (const area of [0, 40, 80]) await history.write(device, area, 40);
  await scene.takeSnapshot('kept', (name) => device.takeSnapshot(name));
  for (const area of [0, 40, 80]) await history.write(device, area, 40);
  await history.flush(device);
  await device.compact();
  const store = bucket.process();
  let isDone = false;
  store.onRequest = ({ kind, key }) => {
    if (isDone || kind !== 'get' || !/[/](log|pack)[/]/.test(key)) return undefined;
    isDone = true;
    return { kind: 'hold', until: act(device, scene) };
  };
  const report = await checkLogVolume(bucket.at('disk', store), { clock: bucket.clock });
  expect(isDone).toBe(true);
  await giveUp(device);
  return report;
}

test('what a writer deletes while a volume is checked is no damage', async () => {
  const { problems, objects } = await checkDuring(async (device, { history }) => {
    for (const area of [0, 40, 80]) await history.write(device, area, 40);
    await device.compact();
  });
  expect(problems).toEqual([]);
  expect(objects).toBeGreaterThan(0);
});

test('what is gone without a reason is damage, also beside a writer', async () => {
  const { problems } = await checkDuring(async (device, { bucket, history }) => {
    for (const area of [0, 40, 80]) await history.write(device, area, 40);
    await device.compact();
    const [first = ''] = bucket.keys('/log/').slice(-1);
    bucket.objects.delete(first);
  });
  expect(problems).toHaveLength(1);
});
