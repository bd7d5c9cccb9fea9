import { beforeEach, describe, expect, test } from 'vitest';
import { type LoadedState, type LogDevice, loadLog, rollBack } from '../index.js';
import { Chance, giveUp, stateOf } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

let scene: Scene;
let chance: Chance;
beforeEach(async () => {
  scene = await Scene.create();
  chance = new Chance(5);
});

/** Changes that are flushed. */
async function change(device: LogDevice, count = 20): Promise<void> {
  await scene.history.run(device, chance, count);
  await scene.history.flush(device);
}

/** A volume with a checkpoint, which has what a reader finds in its map, and something behind. */
async function opened(): Promise<LogDevice> {
  const device = await scene.bucket.connect();
  await change(device, 60);
  await scene.takeSnapshot('first', (name) => device.takeSnapshot(name));
  await change(device);
  return device;
}

/** Opens the volume; with which objects were read for that. */
async function openWith(loaded: LoadedState | undefined) {
  const store = scene.bucket.process();
  const keys: string[] = [];
  store.onRequest = ({ kind, key }) => {
    if (kind === 'get') keys.push(key);
    return undefined;
  };
  const device = await scene.bucket.connect({ store, ...(loaded === undefined ? {} : { loaded }) });
  const atOpening = [...keys];
  expect(await stateOf(device)).toEqual(scene.history.now);
  return { device, atOpening, maps: keys.filter((key) => key.includes('/map/')) };
}

const isSegment = (key: string) => key.includes('/log/');
const generationOf = (device: LogDevice) => device.snapshot()?.checkpoint.generation;
const load = () => loadLog({ ...scene.bucket.at(), clock: scene.bucket.clock });

describe('An end that was prepared for', () => {
  test('makes no checkpoint, and leaves what has come since to the next opening', async () => {
    const device = await opened();
    await device.prepareToLeave();
    const generation = generationOf(device);
    await change(device);
    await device.disconnect();
    const { device: again, atOpening } = await openWith(undefined);
    expect(generationOf(again)).toBe(generation);
    expect(atOpening.filter(isSegment).length).toBeGreaterThan(0);
    await giveUp(again);
    await scene.checkRecovery();
  });

  test('makes one where that would be too much to replay', async () => {
    const device = await opened();
    await device.prepareToLeave();
    const generation = generationOf(device) ?? 0;
    for (let segments = 0; segments < 70; segments++) {
      await scene.history.write(device, segments, 1);
      await scene.history.flush(device);
    }
    await device.disconnect();
    const { device: again } = await openWith(undefined);
    expect(generationOf(again)).toBeGreaterThan(generation);
    await giveUp(again);
  });

  test('and does not come: a checkpoint is made at the end as ever', async () => {
    const device = await opened();
    const generation = generationOf(device) ?? 0;
    await device.prepareToLeave();
    device.stay();
    await change(device);
    await device.disconnect();
    expect(device.left()).toBeUndefined();
    const { device: again } = await openWith(undefined);
    expect(generationOf(again)).toBeGreaterThan(generation);
    await giveUp(again);
  });

  test('begins nothing behind, and lets what is asked for be done', async () => {
    const device = await opened();
    await device.prepareToLeave();
    const packs = () => device.snapshot()?.cleaning.packs ?? 0;
    const before = packs();
    await change(device, 200);
    await scene.bucket.clock.advanceAndSettle(120_000);
    expect(packs()).toBe(before);
    await device.compact();
    expect(packs()).toBeGreaterThan(before);
    expect(await stateOf(device)).toEqual(scene.history.now);
    await device.disconnect();
    await scene.checkWhole();
  });
});

describe('What was read of a volume before it is opened', () => {
  test('is not read again: only what has come since', async () => {
    const device = await opened();
    const loading = await load();
    await change(device);
    await device.prepareToLeave();
    await loading.catchUp();
    const through = scene.bucket.keys('/log/').length;
    await scene.history.write(device, 3, 2);
    await device.disconnect();
    const since = scene.bucket.keys('/log/').slice(through);
    loading.close();
    const { device: again, atOpening, maps } = await openWith(loading.loaded);
    expect(new Set(atOpening.filter(isSegment))).toEqual(new Set(since));
    expect(maps).toEqual([]);
    await change(again);
    await again.disconnect();
    await scene.checkRecovery();
  });

  test('may be less than there is, where the writer deletes what is being read', async () => {
    const device = await opened();
    const store = scene.bucket.process();
    const gone = new Map<string, unknown>();
    let mapReads = 0;
    store.onRequest = ({ kind, key }) => {
      const object = scene.bucket.objects.get(key);
      // The first is that of the directory, which lies in the same object.
      if (kind === 'get' && key.includes('/map/') && object !== undefined && ++mapReads > 1) {
        gone.set(key, object);
        scene.bucket.objects.delete(key);
      }
      return undefined;
    };
    const loading = await loadLog({ ...scene.bucket.at('disk', store), clock: scene.bucket.clock });
    expect(gone.size).toBeGreaterThan(0);
    for (const [key, object] of gone) scene.bucket.objects.set(key, object as never);
    await device.disconnect();
    loading.close();
    const { device: again, maps } = await openWith(loading.loaded);
    expect(maps.length).toBeGreaterThan(0);
    await giveUp(again);
  });

  test('counts for nothing where there is another checkpoint', async () => {
    const device = await opened();
    const loading = await load();
    await change(device);
    await scene.takeSnapshot('second', (name) => device.takeSnapshot(name));
    await device.disconnect();
    const { device: again, maps } = await openWith(loading.loaded);
    expect(maps.length).toBeGreaterThan(0);
    await giveUp(again);
  });

  test('is read anew by catching up where there is another checkpoint', async () => {
    const device = await opened();
    const loading = await load();
    await change(device);
    await scene.takeSnapshot('second', (name) => device.takeSnapshot(name));
    await loading.catchUp();
    await device.disconnect();
    const { device: again, maps } = await openWith(loading.loaded);
    expect(maps).toEqual([]);
    await giveUp(again);
  });

  test('counts for nothing where the volume was rolled back', async () => {
    const device = await opened();
    const first = scene.snapshots.get('first');
    const loading = await load();
    await device.disconnect();
    await rollBack({ ...scene.bucket.at() }, 'first', { clock: scene.bucket.clock });
    if (first !== undefined) scene.history.goOnFrom(first.state);
    const { device: again } = await openWith(loading.loaded);
    await giveUp(again);
  });

  test('counts for nothing where the root was put back, and the segments are of a writer that it does not know', async () => {
    const first = await opened();
    await giveUp(first);
    const [rootKey = ''] = scene.bucket.keys('/volume');
    const before = scene.bucket.objects.get(rootKey);
    const device = await scene.bucket.connect();
    await change(device);
    const loading = await load();
    await giveUp(device);
    if (before !== undefined) scene.bucket.objects.set(rootKey, before);
    const copy = scene.copy().bucket;
    const [fresh, again] = [await copy.connect(), await scene.bucket.connect({ loaded: loading.loaded })];
    expect(await stateOf(again)).toEqual(await stateOf(fresh));
    expect(await stateOf(again)).not.toEqual(scene.history.now);
  });

  test('is what a device has left, also where another process has had the volume and died', async () => {
    const device = await opened();
    await device.prepareToLeave();
    await change(device);
    await device.disconnect();
    const left = device.left();
    expect(left).toBeDefined();
    const other = await scene.bucket.connect();
    await change(other, 5);
    await giveUp(other);
    const { device: again, maps } = await openWith(left);
    expect(maps).toEqual([]);
    await change(again);
    await again.disconnect();
    await scene.checkRecovery();
  });

  test('is of no use to another volume, and is no option but what loadLog gave', async () => {
    const loading = await load();
    const other = await Scene.create();
    const device = await other.bucket.connect({ loaded: loading.loaded });
    expect(await stateOf(device)).toEqual(other.history.now);
    await giveUp(device);
    const loaded = {} as LoadedState;
    await expect(scene.bucket.connect({ loaded })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
