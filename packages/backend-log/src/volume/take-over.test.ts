import { isBlockError } from '@blockyard/block';
import { macrotasks, settled } from '@blockyard/block/testing';
import type { FaultyStore } from '@blockyard/object-store/faults';
import { beforeEach, describe, expect, test } from 'vitest';
import { deleteLogVolume, type LogDevice } from '../index.js';
import { gate } from '../testing/bucket.js';
import { Chance, giveUp, stateOf } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.create();
  const device = await scene.bucket.connect();
  await scene.history.run(device, new Chance(21), 30);
  await scene.history.flush(device);
  await giveUp(device);
});

/** The next segment that a process stores is on its way until the gate is opened; how, `mode` says. */
function holdNextSegment(store: FaultyStore, mode: 'held' | 'late') {
  const { passed, open } = gate();
  let isHeld = false;
  store.onRequest = ({ kind, key }) => {
    if (isHeld || kind !== 'put' || !key.includes('/log/')) return undefined;
    isHeld = true;
    return mode === 'held' ? { kind: 'hold', until: passed } : { kind: 'lose', carriedOut: passed };
  };
  return open;
}

describe('A segment that a dead writer had on its way', () => {
  test.each([
    ['after one takeover', 'held', 1],
    ['after two takeovers', 'held', 2],
    ['with its sender gone, after one takeover', 'late', 1],
    ['with its sender gone, after two takeovers', 'late', 2],
  ] as const)('changes nothing %s', async (_, mode, takeovers) => {
    const { bucket, history } = scene;
    const store = bucket.process();
    const old = await bucket.connect({ store });
    const release = holdNextSegment(store, mode);
    const before = history.copy();
    await before.write(old, 0, 2);
    const flushing = old.flush().catch((error: unknown) => error);
    await settled();
    let device: LogDevice | undefined;
    for (let each = 0; each < takeovers; each++) {
      device = await bucket.connect();
      history.recovered(await stateOf(device));
      await history.write(device, 1, 1);
      await history.flush(device);
    }
    const keys = bucket.keys('/log/');
    release();
    await store.idle();
    await settled();
    if (mode === 'late') await bucket.clock.advanceAndSettle(1000);
    expect(bucket.keys('/log/')).toEqual(keys);
    expect(await flushing).toMatchObject({ code: mode === 'held' ? 'FENCED' : 'UNAVAILABLE' });
    await expect(old.flush()).rejects.toMatchObject({ code: 'FENCED' });
    if (device !== undefined) expect(await stateOf(device)).toEqual(history.now);
    await giveUp(old);
    await scene.checkRecovery();
  });

  test('counts if it arrives before the fence, and its writer hears that it was replaced all the same', async () => {
    const { bucket, history } = scene;
    const store = bucket.process();
    const old = await bucket.connect({ store });
    const release = holdNextSegment(store, 'late');
    await history.write(old, 0, 2);
    const flushing = old.flush().catch((error: unknown) => error);
    await settled();
    const taking = bucket.process();
    // The fence is refused: the segment was faster.
    taking.onRequest = ({ kind, key }) => {
      if (kind === 'put' && key.includes('/log/')) release();
      return kind === 'put' && key.includes('/log/') ? { kind: 'hold', until: store.idle() } : undefined;
    };
    const device = await bucket.connect({ store: taking });
    expect(await stateOf(device)).toEqual(history.now);
    expect(await flushing).toMatchObject({ code: 'UNAVAILABLE' });
    await expect(old.resize(7).then(() => old.flush())).rejects.toMatchObject({ code: 'FENCED' });
    await giveUp(old);
    await scene.checkRecovery();
  });
});

describe('A segment that is stored while the one before is not', () => {
  test.each([
    ['never comes', false],
    ['comes late', true],
  ])('counts for nothing where that one %s', async (_, comes) => {
    const { bucket, history } = scene;
    const store = bucket.process();
    const old = await bucket.connect({ store });
    const release = holdNextSegment(store, 'held');
    const lost = history.copy();
    // More than one segment.
    await lost.write(old, 0, 30);
    old.flush().catch(() => {});
    await settled();
    const stored = bucket.keys('/log/').at(-1);
    const device = await bucket.connect();
    expect(await stateOf(device)).toEqual(history.now);
    expect(bucket.keys('/log/')).toContain(stored);
    if (comes) release();
    await settled();
    expect(await stateOf(device)).toEqual(history.now);
    await history.write(device, 5, 3);
    await history.flush(device);
    await giveUp(old);
    await scene.checkRecovery();
  });
});

test('A writer that stands still between any two of its requests, while another one takes over, claims no flush and deletes nothing', async () => {
  const { bucket: all } = scene;
  // So that it has something to clean and to delete.
  const first = await all.connect();
  scene.history.recovered(await stateOf(first));
  await scene.history.run(first, new Chance(22), 60);
  await scene.history.flush(first);
  await first.disconnect();
  let request = 0;
  for (let isOver = false; !isOver; ) {
    request++;
    const left = scene.copy();
    const { bucket, history } = left;
    const store = bucket.process();
    const old = await bucket.connect({ store });
    history.recovered(await stateOf(old));
    const thaw = gate();
    let begun = 0;
    store.onRequest = () => (++begun < request ? undefined : { kind: 'hold', until: thaw.passed });
    let flushes = 0;
    const work = (async () => {
      await history.run(old, new Chance(23), 25);
      await history.flush(old);
      await old.compact();
      await history.write(old, 9, 2);
      await history.flush(old);
      flushes++;
    })();
    work.catch(() => {});
    await macrotasks(40);
    if (begun < request) isOver = true;
    const device = await bucket.connect();
    const found = await stateOf(device);
    const after = history.copy();
    after.recovered(found);
    await after.run(device, new Chance(24), 20);
    await after.flush(device);
    await left.takeSnapshot('during', async (name) => {
      left.snapshots.set(name, { state: after.now, isCertain: true });
      await device.takeSnapshot(name);
    });
    left.snapshots.set('during', { state: after.now, isCertain: true });
    await after.run(device, new Chance(25), 10);
    await after.flush(device);
    await device.compact();
    const claimed = flushes;
    thaw.open();
    await work.catch((error: unknown) => {
      // Also where what it was about to clean has been deleted since.
      if (!isBlockError(error, 'FENCED')) throw error;
    });
    await bucket.clock.advanceAndSettle(1000);
    // What was claimed, before or after, is there.
    history.check(found, 'what the next writer found');
    expect(flushes).toBe(claimed);
    await expect(old.write(0, [new Uint8Array(512)]).then(() => old.flush())).rejects.toMatchObject({ code: 'FENCED' });
    expect(await stateOf(device)).toEqual(after.now);
    await giveUp(old);
    await giveUp(device);
    const next = new Scene(bucket, after, left.snapshots);
    await next.checkRecovery();
  }
  expect(request).toBeGreaterThan(10);
});

describe('A writer that was replaced, and misses what the next one has deleted, hears that it was replaced', () => {
  test.each([
    ['when it reads', (old: LogDevice) => stateOf(old)],
    ['when it tells where data is', (old: LogDevice) => old.extents(0, old.info.sizeSectors)],
    ['when it cleans', (old: LogDevice) => old.compact()],
    ['when it takes a snapshot', (old: LogDevice) => old.takeSnapshot('never')],
  ])('%s', async (_, act) => {
    scene = await Scene.create();
    const { bucket, history } = scene;
    const first = await bucket.connect();
    for (const area of [0, 40, 80]) await history.write(first, area, 40);
    await history.flush(first);
    await first.disconnect();
    // It has not read the map.
    const old = await bucket.connect();
    await history.write(old, 0, 20);
    await history.flush(old);
    const device = await bucket.connect();
    // Until the map as it was is gone as well.
    for (let round = 0; round < 8; round++) {
      for (const area of [0, 40, 80]) await history.write(device, area, 40);
      await device.compact();
    }
    await expect(act(old)).rejects.toMatchObject({ code: 'FENCED' });
    await giveUp(old);
    await giveUp(device);
    await scene.checkRecovery();
  });

  test('and also where the volume is gone', async () => {
    const { bucket, history } = scene;
    const old = await bucket.connect();
    history.recovered(await stateOf(old));
    await history.write(old, 0, 20);
    await history.flush(old);
    for (let pass = 0; pass < 2; pass++) await deleteLogVolume(bucket.at(), { takeOver: true });
    bucket.objects.clear();
    await expect(stateOf(old)).rejects.toMatchObject({ code: 'FENCED' });
    await giveUp(old);
  });

  test('while another failure is told as it is', async () => {
    const { bucket, history } = scene;
    const old = await bucket.connect();
    history.recovered(await stateOf(old));
    await history.write(old, 0, 20);
    await history.flush(old);
    for (const key of bucket.keys('/log/')) bucket.objects.delete(key);
    await expect(stateOf(old)).rejects.toMatchObject({ code: 'CORRUPT' });
    await giveUp(old);
  });
});
