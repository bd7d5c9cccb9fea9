import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkLogVolume, createClone, deleteLogVolume, deleteSnapshot, listSnapshots } from '../index.js';
import { Chance, giveUp, isSameState, stateOf } from '../testing/history.js';
import { inEveryOrder, interleave } from '../testing/interleaving.js';
import { Scene } from '../testing/scene.js';

/** Of the orders that chance makes, one in four is tried, and chance says which; each with `BLOCKYARD_THOROUGH=1`. */
const SEED_STEP = process.env.BLOCKYARD_THOROUGH === '1' ? 1 : 4;

async function withSnapshot(): Promise<Scene> {
  const scene = await Scene.create();
  const device = await scene.bucket.connect();
  await scene.history.run(device, new Chance(61), 30);
  await scene.history.flush(device);
  await scene.takeSnapshot('origin', (name) => device.takeSnapshot(name));
  await giveUp(device);
  return scene;
}

/** Where there is a clone, it is whole, and so is what it lives on. */
async function checkClone({ bucket, snapshots }: Scene): Promise<boolean> {
  if (!bucket.objects.has('copy/volume.json')) return false;
  const clone = await bucket.connect({ prefix: 'copy', readOnly: true });
  const state = await stateOf(clone);
  await clone.disconnect();
  expect(isSameState(state, snapshots.get('origin')?.state ?? state)).toBe(true);
  expect((await checkLogVolume(bucket.at('copy'))).problems).toEqual([]);
  expect((await listSnapshots(bucket.at())).map(({ name }) => name)).toEqual(['origin']);
  return true;
}

test('A clone is made while its snapshot is deleted: in every order of their requests one of them sees the other', async () => {
  const scene = await withSnapshot();
  const counts = { cloned: 0, deleted: 0, neither: 0 };
  const orders = await inEveryOrder(async (choose) => {
    const left = scene.copy();
    const { bucket } = left;
    const [cloning, deleting] = [bucket.at(), bucket.at()];
    const [cloned, deleted] = await interleave(
      [
        { store: cloning.store, work: () => createClone(cloning, 'origin', { prefix: 'copy' }) },
        { store: deleting.store, work: () => deleteSnapshot(deleting, 'origin') },
      ],
      choose,
    );
    const isCloned = await checkClone(left);
    expect(isCloned).toBe(cloned?.status === 'fulfilled');
    const isDeleted = (await listSnapshots(bucket.at())).length === 0;
    expect(isDeleted).toBe(deleted?.status === 'fulfilled');
    expect(isCloned && isDeleted).toBe(false);
    if (isCloned) counts.cloned++;
    else if (isDeleted) counts.deleted++;
    else counts.neither++;
  });
  expect(orders).toBeGreaterThan(50);
  expect(counts.cloned).toBeGreaterThan(0);
  expect(counts.deleted).toBeGreaterThan(0);
});

test('A clone is made while two others delete its snapshot, one of them again and again: no clone is left without it', async () => {
  const scene = await withSnapshot();
  for (let seed = randomInt(SEED_STEP); seed < 1500; seed += SEED_STEP) {
    const chance = new Chance(seed);
    const left = scene.copy();
    const { bucket } = left;
    const [cloning, deleting, again] = [bucket.at(), bucket.at(), bucket.at()];
    const [cloned] = await interleave(
      [
        { store: cloning.store, work: () => createClone(cloning, 'origin', { prefix: 'copy' }) },
        { store: deleting.store, work: () => deleteSnapshot(deleting, 'origin') },
        {
          store: again.store,
          work: async () => {
            for (let times = 0; times < 3; times++) await deleteSnapshot(again, 'origin').catch(() => {});
          },
        },
      ],
      (waiting) => chance.below(waiting),
    );
    expect(await checkClone(left), `seed ${seed}`).toBe(cloned?.status === 'fulfilled');
  }
});

test('A clone is made while the volume is deleted: in every order there is no clone without it', async () => {
  const scene = await withSnapshot();
  for (let seed = 0; seed < 300; seed++) {
    const chance = new Chance(seed);
    const left = scene.copy();
    const { bucket } = left;
    const [cloning, deleting] = [bucket.at(), bucket.at()];
    await interleave(
      [
        { store: cloning.store, work: () => createClone(cloning, 'origin', { prefix: 'copy' }) },
        { store: deleting.store, work: () => deleteLogVolume(deleting, { takeOver: true }) },
      ],
      (waiting) => chance.below(waiting),
    );
    await checkClone(left);
  }
});
