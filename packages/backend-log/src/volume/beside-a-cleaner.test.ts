import { expect, test } from 'vitest';
import { createLogVolume, deleteLogVolume, deleteSnapshot, inspectLogVolume, takeSnapshot } from '../index.js';
import { Chance, giveUp, stateOf } from '../testing/history.js';
import { Scene } from '../testing/scene.js';

/** A volume with segments of several writers and no checkpoint, open, and a process beside it that is slow to read one of them. */
async function slowly(beside: (scene: Scene, store: ReturnType<Scene['bucket']['process']>) => Promise<void>) {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  for (let writers = 0; writers < 3; writers++) {
    const device = await bucket.connect();
    await history.write(device, writers, 2);
    await history.flush(device);
    await giveUp(device);
  }
  const device = await bucket.connect();
  await history.run(device, new Chance(81), 40);
  await history.flush(device);
  const store = bucket.process();
  let segments = 0;
  store.onRequest = ({ kind, key }) => {
    if (kind !== 'get' || !key.includes('/log/') || ++segments !== 2) return undefined;
    // Meanwhile the writer makes a checkpoint, cleans, and deletes what it no longer needs.
    return { kind: 'hold', until: device.compact() };
  };
  await beside(scene, store);
  expect(segments).toBeGreaterThan(1);
  await giveUp(device);
  await scene.checkRecovery();
}

test('a reader that is slow finds the volume as it is by then, if what it was about to read was cleaned away', async () => {
  await slowly(async ({ bucket, history }, store) => {
    const view = await bucket.connect({ store, readOnly: true });
    expect(await stateOf(view)).toEqual(history.now);
    await view.disconnect();
  });
});

/** The writer's own segments follow on no checkpoint. The first one is about to be read when all of them are cleaned away. */
async function withoutEnd(read: (scene: Scene, store: ReturnType<Scene['bucket']['process']>) => Promise<void>) {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const device = await bucket.connect();
  await history.run(device, new Chance(84), 40);
  await history.flush(device);
  const store = bucket.process();
  let isCleaned = false;
  store.onRequest = ({ kind, key }) => {
    if (isCleaned || kind !== 'get' || !key.includes('/log/')) return undefined;
    isCleaned = true;
    return { kind: 'hold', until: device.compact() };
  };
  await read(scene, store);
  expect(isCleaned).toBe(true);
  expect(bucket.objects.has('disk/log/000000000001-00000001')).toBe(false);
  await giveUp(device);
  await scene.checkRecovery();
}

test('a reader does not take for the end of the log what was cleaned away before it came there', async () => {
  await withoutEnd(async ({ bucket, history }, store) => {
    const view = await bucket.connect({ store, readOnly: true });
    expect(await stateOf(view)).toEqual(history.now);
    await view.disconnect();
  });
});

test('what is told of a volume is not of a log that was cleaned away meanwhile', async () => {
  await withoutEnd(async ({ bucket }, store) => {
    const { checkpoint } = await inspectLogVolume(bucket.at('disk', store));
    expect(checkpoint).toMatchObject({ generation: 1, segmentsBehind: 0 });
  });
});

test('a follower never goes back, whatever is cleaned away while it looks', async () => {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const device = await bucket.connect();
  await history.write(device, 0, 20);
  await history.flush(device);
  const store = bucket.process();
  const view = await bucket.connect({ store, readOnly: true, followMs: 10 });
  /** The follower looks, and is about to read its next segment when `meanwhile` happens. */
  const lookSlowly = async (meanwhile: () => Promise<unknown>) => {
    let isHeld = false;
    store.onRequest = ({ kind, key }) => {
      if (isHeld || kind !== 'get' || !key.includes('/log/')) return undefined;
      isHeld = true;
      return { kind: 'hold', until: meanwhile() };
    };
    await bucket.clock.advanceAndSettle(10);
    expect(isHeld).toBe(true);
  };
  const seen = async () => ({ values: (await stateOf(view)).values });
  // It goes by the root of before, and takes in what follows on the next checkpoint. That has a snapshot, so its objects stay.
  await lookSlowly(async () => {
    await device.takeSnapshot('kept');
    await history.write(device, 0, 20);
    await history.flush(device);
  });
  expect(await seen()).toEqual({ values: history.now.values });
  // It goes by that checkpoint, and what follows on it is gone by the time that it looks there.
  await lookSlowly(async () => {
    await history.write(device, 0, 20);
    await device.compact();
  });
  expect(await seen()).toEqual({ values: history.now.values });
  await view.disconnect();
  await giveUp(device);
});

test('a follower that is overtaken twice by the cleaner reads the volume as it is by then', async () => {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const device = await bucket.connect();
  /** Of what fits in one segment, so that it is read by one request. */
  const replaceAll = async () => {
    await history.write(device, 0, 10);
    await device.compact();
  };
  await replaceAll();
  const store = bucket.process();
  const followMs = 3_600_000;
  const view = await bucket.connect({ store, readOnly: true, followMs });
  const overtaken: string[] = [];
  let isFollowing = false;
  const overtake = async (key: string) => {
    overtaken.push(key);
    await replaceAll();
    expect(bucket.objects.has(key)).toBe(false);
    if (overtaken.length > 1) return;
    // The follower looks at the root before the read finds nothing, which is asked again by that root.
    isFollowing = true;
    await bucket.clock.advanceAndSettle(followMs);
    isFollowing = false;
  };
  store.onRequest = ({ kind, key }) => {
    if (isFollowing || overtaken.length > 1 || kind !== 'get' || !key.includes('/log/')) return undefined;
    return bucket.objects.has(key) ? { kind: 'hold', until: overtake(key) } : undefined;
  };
  expect(await stateOf(view)).toEqual(history.now);
  expect(overtaken).toHaveLength(2);
  await view.disconnect();
  await giveUp(device);
});

test('a follower of a volume that was deleted says so, whatever is made in its place', async () => {
  const { bucket, history } = await Scene.create();
  const device = await bucket.connect();
  await history.write(device, 0, 2);
  await device.disconnect();
  const view = await bucket.connect({ readOnly: true, followMs: 10 });
  await deleteLogVolume(bucket.at());
  await createLogVolume({ ...bucket.at(), sectorSize: 4096, sizeSectors: 7 });
  await bucket.clock.advanceAndSettle(10);
  await expect(stateOf(view)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await view.disconnect();
});

test('a snapshot that is slow is taken of the volume as it is by then', async () => {
  await slowly(async (scene, store) => {
    await scene.takeSnapshot('slow', (name) => takeSnapshot(scene.bucket.at('disk', store), name));
    await scene.checkSnapshots();
  });
});

test('a writer that is slow takes the volume over as it is by then', async () => {
  await slowly(async ({ bucket, history }, store) => {
    const device = await bucket.connect({ store });
    expect(await stateOf(device)).toEqual(history.now);
    await history.write(device, 7, 2);
    await history.flush(device);
    await giveUp(device);
  });
});

test('a writer that another one takes the volume from while it opens it is told so, whatever that one deletes', async () => {
  const { bucket, history } = await Scene.create();
  const first = await bucket.connect();
  await history.run(first, new Chance(82), 40);
  await history.flush(first);
  const store = bucket.process();
  let third: Awaited<ReturnType<typeof bucket.connect>> | undefined;
  let acts = [
    // Before it takes the volume, there is another checkpoint.
    { kind: 'put', key: 'disk/volume', act: () => first.compact() },
    // Before it reads that one, another writer has replaced and deleted it.
    {
      kind: 'get',
      key: '/map/',
      act: async () => {
        third = await bucket.connect();
        await history.run(third, new Chance(83), 40);
        await third.compact();
      },
    },
  ];
  store.onRequest = ({ kind, key }) => {
    const [next, ...later] = acts;
    if (next === undefined || kind !== next.kind || !key.includes(next.key)) return undefined;
    acts = later;
    return { kind: 'hold', until: next.act() };
  };
  await expect(bucket.connect({ store })).rejects.toMatchObject({ code: 'FENCED' });
  expect(acts).toEqual([]);
  if (third === undefined) throw new Error('it was not taken over');
  expect(await stateOf(third)).toEqual(history.now);
  await giveUp(third);
  await giveUp(first);
});

/** Lets time pass until the work is over. */
async function passing<T>({ clock }: Scene['bucket'], work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  work.then(over, over);
  while (!isOver) await clock.advanceAndSettle(10_000);
  return work;
}

/** A writer that makes a checkpoint, and deletes all that follows on the one before, whenever the process beside it is about to look. */
async function restlessly(beside: (scene: Scene, store: ReturnType<Scene['bucket']['process']>) => Promise<void>) {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const device = await bucket.connect();
  await history.write(device, 0, 20);
  await history.flush(device);
  const store = bucket.process();
  let checkpoints = 0;
  const change = async () => {
    checkpoints++;
    await history.write(device, 0, 20);
    await device.compact();
  };
  store.onRequest = ({ kind, key }) =>
    kind === 'get' && key.includes('/log/') ? { kind: 'hold', until: change() } : undefined;
  await beside(scene, store);
  expect(checkpoints).toBeGreaterThan(3);
  await giveUp(device);
  await scene.checkRecovery();
}

test('a reader opens beside a writer that never rests', async () => {
  await restlessly(async ({ bucket, history }, store) => {
    const flushed = history.copy();
    const view = await passing(bucket, bucket.connect({ store, readOnly: true }));
    store.onRequest = () => undefined;
    const { values } = await stateOf(view);
    // Each change is the next number: none of those that were flushed before is missing.
    expect(flushed.now.values.filter((value, at) => (values[at] ?? 0) < value)).toEqual([]);
    await view.disconnect();
  });
});

test('a volume is told of beside a writer that never rests', async () => {
  await restlessly(async ({ bucket }, store) => {
    const { checkpoint } = await passing(bucket, inspectLogVolume(bucket.at('disk', store), bucket.clock));
    expect(checkpoint.generation).toBeGreaterThan(2);
  });
});

test('a snapshot is taken beside a writer that never rests', async () => {
  await restlessly(async ({ bucket, history }, store) => {
    const flushed = history.copy();
    await passing(bucket, takeSnapshot(bucket.at('disk', store), 'kept', bucket.clock));
    const view = await bucket.connect({ snapshot: 'kept' });
    const { values } = await stateOf(view);
    expect(flushed.now.values.filter((value, at) => (values[at] ?? 0) < value)).toEqual([]);
    await view.disconnect();
    await deleteSnapshot(bucket.at(), 'kept');
  });
});

test('a follower reads on beside a writer that never rests, and a reading is given up after a minute of that', async () => {
  const { bucket, history } = await Scene.create();
  const device = await bucket.connect();
  await history.write(device, 0, 20);
  await history.flush(device);
  const store = bucket.process();
  const view = await bucket.connect({ store, readOnly: true });
  let left = 12;
  const change = async () => {
    await history.write(device, 0, 20);
    await device.compact();
  };
  store.onRequest = ({ kind, key }) =>
    kind === 'get' && /[/](log|pack)[/]/.test(key) && left-- > 0 ? { kind: 'hold', until: change() } : undefined;
  expect((await passing(bucket, stateOf(view))).values).toEqual(history.now.values);
  left = Number.POSITIVE_INFINITY;
  await expect(passing(bucket, stateOf(view))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await view.disconnect();
  await giveUp(device);
});
