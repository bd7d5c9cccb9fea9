import { expect, test } from 'vitest';
import { checkLogVolume, deleteLogVolume, listSnapshots, takeSnapshot } from '../index.js';
import { Chance, giveUp, stateOf } from '../testing/history.js';
import { interleave } from '../testing/interleaving.js';
import { Scene } from '../testing/scene.js';

const ORDERS = 64;

async function closed(): Promise<Scene> {
  const scene = await Scene.create();
  const device = await scene.bucket.connect();
  await scene.history.run(device, new Chance(61), 30);
  await scene.history.flush(device);
  await scene.takeSnapshot('origin', (name) => device.takeSnapshot(name));
  await device.disconnect();
  return scene;
}

test('A snapshot is taken while the volume is deleted: one of them sees the other, and a volume that stays is free', async () => {
  const scene = await closed();
  const counts = { refused: 0, kept: 0, deleted: 0 };
  for (let seed = 0; seed < ORDERS; seed++) {
    const chance = new Chance(seed);
    const left = scene.copy();
    const { bucket } = left;
    const [taking, deleting] = [bucket.at(), bucket.at()];
    const [taken, deleted] = await interleave(
      [
        { store: taking.store, work: () => takeSnapshot(taking, 'late') },
        { store: deleting.store, work: () => deleteLogVolume(deleting) },
      ],
      // Now the one is faster, now the other.
      (waiting) => (waiting > 1 && chance.below(8) < seed % 8 ? 1 : 0),
    );
    if (deleted?.status === 'fulfilled') {
      expect(bucket.keys('disk/'), `seed ${seed}`).toEqual([]);
      if (taken?.status === 'rejected') {
        expect(taken.reason, `seed ${seed}`).toMatchObject({ code: 'NOT_FOUND' });
        counts.refused++;
      } else counts.deleted++;
      continue;
    }
    // The snapshot came between the deletion's mark and its end: so the volume is as it was, and no one's.
    counts.kept++;
    expect(deleted?.reason, `seed ${seed}`).toMatchObject({ code: 'LOCKED' });
    expect(taken?.status, `seed ${seed}`).toBe('fulfilled');
    const snapshots = await listSnapshots(bucket.at());
    expect(snapshots.map(({ name, isDeleting }) => [name, isDeleting])).toEqual([
      ['origin', false],
      ['late', false],
    ]);
    expect((await checkLogVolume(bucket.at())).problems).toEqual([]);
    const device = await bucket.connect({ takeOver: false });
    expect(await stateOf(device)).toEqual(left.history.now);
    await giveUp(device);
  }
  for (const count of Object.values(counts)) expect(count, JSON.stringify(counts)).toBeGreaterThan(0);
});

test('a volume whose deletion has begun takes no snapshot, at whatever request that was', async () => {
  const scene = await closed();
  for (let pausedAt = 1; ; pausedAt++) {
    const { bucket } = scene.copy();
    const [taking, deleting] = [bucket.at(), bucket.at()];
    deleting.store.onRequest = ({ kind }) => (kind === 'delete' ? { kind: 'lose', carriedOut: 'never' } : undefined);
    let requests = 0;
    taking.store.onRequest = () => {
      requests++;
      if (requests !== pausedAt) return undefined;
      return { kind: 'hold', until: deleteLogVolume(deleting).catch(() => {}) };
    };
    const taken = await takeSnapshot(taking, 'late').then(
      () => undefined,
      (error: unknown) => error,
    );
    if (requests < pausedAt) break;
    expect(taken, `request ${pausedAt}`).toMatchObject({ code: 'NOT_FOUND' });
    expect(pausedAt).toBeLessThan(50);
  }
});
