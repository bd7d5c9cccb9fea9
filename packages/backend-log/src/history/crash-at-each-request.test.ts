import { isBlockError } from '@blockyard/block';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  checkLogVolume,
  createClone,
  createLogVolume,
  deleteLogVolume,
  deleteSnapshot,
  listSnapshots,
} from '../index.js';
import { Chance, giveUp, stateOf } from '../testing/history.js';
import { type Act, dieAtEachRequest, loseEachReply, Scene } from '../testing/scene.js';

/** A day, after which a pin without a volume is no one's. */
const DAY_MS = 86_400_000;

/** A volume with two snapshots, packs, and changes since; closed. */
async function used(): Promise<Scene> {
  const scene = await Scene.create();
  const { bucket, history } = scene;
  const chance = new Chance(81);
  const device = await bucket.connect();
  await history.run(device, chance, 40);
  await scene.takeSnapshot('first', (name) => device.takeSnapshot(name));
  await history.run(device, chance, 30);
  await device.compact();
  await scene.takeSnapshot('second', (name) => device.takeSnapshot(name));
  await history.run(device, chance, 20);
  await history.flush(device);
  await device.disconnect();
  return scene;
}

const clone = ({ bucket }: Scene, store = bucket.process()) =>
  createClone(bucket.at('disk', store), 'first', { prefix: 'copy' });
const hasRoot = ({ bucket }: Scene, prefix: string) => bucket.objects.has(`${prefix}/volume.json`);
const pinsOf = ({ bucket }: Scene) => bucket.keys('/pins/');
const namesOf = async ({ bucket }: Scene) => (await listSnapshots(bucket.at())).map(({ name }) => name);

/** Code that it fails with; undefined: it does not. */
async function codeOf(task: Promise<unknown>): Promise<string | undefined> {
  try {
    await task;
    return undefined;
  } catch (error) {
    if (!isBlockError(error)) throw error;
    return error.code;
  }
}

/** The clone is what its snapshot is, whole, and can be written. */
async function checkClone({ bucket, snapshots }: Scene): Promise<void> {
  const device = await bucket.connect({ prefix: 'copy' });
  expect(await stateOf(device)).toEqual(snapshots.get('first')?.state);
  await giveUp(device);
  expect((await checkLogVolume(bucket.at('copy'))).problems).toEqual([]);
}

/** The snapshot is to go although someone may have a clone of it half made, or half deleted: at the latest in a day. */
async function deleteFirst(left: Scene): Promise<void> {
  const { bucket } = left;
  const remove = () => deleteSnapshot(bucket.at(), 'first');
  if ((await codeOf(remove())) === 'LOCKED') {
    expect(pinsOf(left)).toHaveLength(1);
    await bucket.clock.advanceAndSettle(DAY_MS + 1);
    await remove();
  }
  left.snapshots.delete('first');
  expect(await namesOf(left)).not.toContain('first');
}

/** The snapshot may go. Whether it has gone is seen. */
function giveUpFirst(left: Scene): void {
  const first = left.snapshots.get('first');
  if (first !== undefined) left.snapshots.set('first', { ...first, isCertain: false });
}

let plain: Scene;
let cloned: Scene;
beforeAll(async () => {
  plain = await used();
  cloned = plain.copy();
  await clone(cloned);
});

interface Work {
  readonly scene: () => Scene;
  readonly act: Act;
  readonly check: (left: Scene) => Promise<void>;
}

/** All keys of the volume's own objects but the root's. */
const objectsOf = ({ bucket }: Scene, prefix: string) =>
  bucket.keys(`${prefix}/`).filter((key) => key.startsWith(`${prefix}/log/`) || key.startsWith(`${prefix}/map/`));

async function isUntouched(left: Scene): Promise<boolean> {
  const there = new Set(objectsOf(left, 'disk'));
  return hasRoot(left, 'disk') && objectsOf(plain, 'disk').every((key) => there.has(key));
}

/** Deletes again what was deleted in part, or not at all; then nothing is there, and a volume can be made in its place. */
async function deleteAgain({ bucket }: Scene, prefix: string): Promise<void> {
  const remove = () => codeOf(deleteLogVolume(bucket.at(prefix), { takeOver: true }));
  expect([undefined, 'NOT_FOUND']).toContain(await remove());
  // What stays is the fence of a process that may be alive.
  const rest = bucket.keys('').filter((key) => key.startsWith(`${prefix}/`));
  expect(rest.length).toBeLessThanOrEqual(1);
  if (rest.length > 0) expect(await remove()).toBe(undefined);
  expect(await remove()).toBe('NOT_FOUND');
  await createLogVolume({ ...bucket.at(prefix), sizeSectors: 10 });
}

const works: Readonly<Record<string, Work>> = {
  'making a clone': {
    scene: () => plain,
    act: async (left, store) => {
      await clone(left, store);
      return undefined;
    },
    check: async (left) => {
      if (!hasRoot(left, 'copy')) await clone(left);
      await checkClone(left);
      await expect(deleteSnapshot(left.bucket.at(), 'first')).rejects.toMatchObject({ code: 'LOCKED' });
      await expect(deleteLogVolume(left.bucket.at())).rejects.toMatchObject({ code: 'LOCKED' });
      await checkClone(left);
      await deleteLogVolume(left.bucket.at('copy'), { takeOver: true });
      await deleteFirst(left);
      await left.checkRecovery();
    },
  },
  'making a clone, which is never gone on with': {
    scene: () => plain,
    act: async (left, store) => {
      await clone(left, store);
      return undefined;
    },
    check: async (left) => {
      if (hasRoot(left, 'copy')) return;
      await deleteFirst(left);
      await left.checkRecovery();
    },
  },
  'deleting a snapshot': {
    scene: () => plain,
    act: async (left, store) => {
      await left.deleteSnapshot('first', () => deleteSnapshot(left.bucket.at('disk', store), 'first'));
      return undefined;
    },
    check: async (left) => {
      const found = (await listSnapshots(left.bucket.at())).find(({ name }) => name === 'first');
      if (found?.isDeleting === true) expect(await codeOf(clone(left))).toBe('NOT_FOUND');
      const again = left.copy();
      if (found !== undefined) await deleteFirst(again);
      else again.snapshots.delete('first');
      await again.checkRecovery();
      await left.checkRecovery();
    },
  },
  'deleting a snapshot that a clone lives on': {
    scene: () => cloned,
    act: async (left, store) => {
      const code = await codeOf(deleteSnapshot(left.bucket.at('disk', store), 'first'));
      expect(['LOCKED', 'UNAVAILABLE']).toContain(code);
      return undefined;
    },
    check: async (left) => {
      await checkClone(left);
      await expect(deleteSnapshot(left.bucket.at(), 'first')).rejects.toMatchObject({ code: 'LOCKED' });
      expect((await listSnapshots(left.bucket.at())).map(({ isDeleting }) => isDeleting)).toEqual([false, false]);
      await left.checkRecovery();
      await checkClone(left);
    },
  },
  'deleting a volume': {
    scene: () => plain,
    act: async (left, store) => {
      for (const [name, { state }] of left.snapshots) left.snapshots.set(name, { state, isCertain: false });
      await deleteLogVolume(left.bucket.at('disk', store));
      return undefined;
    },
    check: async (left) => {
      const opened = await left.bucket.connect({ readOnly: true }).catch((error: unknown) => error);
      if (isBlockError(opened)) {
        expect(opened.code).toBe('NOT_FOUND');
        if (hasRoot(left, 'disk')) expect(opened.message).toContain('delete it again');
      } else {
        // What opens is whole.
        expect(await isUntouched(left)).toBe(true);
        await left.copy().checkRecovery();
      }
      await deleteAgain(left, 'disk');
    },
  },
  'deleting a volume that a clone lives on': {
    scene: () => cloned,
    act: async (left, store) => {
      const code = await codeOf(deleteLogVolume(left.bucket.at('disk', store)));
      expect(['LOCKED', 'UNAVAILABLE']).toContain(code);
      return undefined;
    },
    check: async (left) => {
      expect(await isUntouched(left)).toBe(true);
      await checkClone(left);
      const again = deleteLogVolume(left.bucket.at(), { takeOver: true });
      await expect(again).rejects.toMatchObject({ code: 'LOCKED' });
      await left.checkRecovery();
      await checkClone(left);
    },
  },
  'deleting a clone': {
    scene: () => cloned,
    act: async (left, store) => {
      await deleteLogVolume(left.bucket.at('copy', store));
      return undefined;
    },
    check: async (left) => {
      // As long as its root is there it can be deleted again, and with it goes the pin.
      if (!hasRoot(left, 'copy')) expect(pinsOf(left)).toEqual([]);
      await deleteAgain(left, 'copy');
      expect(pinsOf(left)).toEqual([]);
      giveUpFirst(left);
      await deleteSnapshot(left.bucket.at(), 'first');
      await left.checkRecovery();
    },
  },
};

describe('A process dies at each of its requests, carried out or not, and what is left can be gone on with:', () => {
  test.each(Object.keys(works))('%s', async (name) => {
    const { scene, act, check } = works[name] as Work;
    expect(await dieAtEachRequest(scene(), act, check)).toBeGreaterThan(3);
  });
});

describe('Any single reply is lost, of a request that was carried out or was not, and what is left can be gone on with:', () => {
  test.each(Object.keys(works))('%s', async (name) => {
    const { scene, act, check } = works[name] as Work;
    expect(await loseEachReply(scene(), act, check)).toBeGreaterThan(3);
  });
});
