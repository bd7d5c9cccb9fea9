import { BlockError } from '@blockyard/block';
import { beforeEach, expect, test } from 'vitest';
import { changeRoot } from './change-root.js';
import { markDeleted } from './mark-deleted.js';
import { MAX_CHANGE_ATTEMPTS, readEvenDeleted, readRoot } from './root-format.js';
import { SHARED, type TestRoot, TestVolume } from './testing/roots.js';

let volume: TestVolume;
const any = () => {};

beforeEach(async () => {
  volume = new TestVolume(SHARED);
  await volume.create();
});

test('a volume that is given up is not found, by those who open it and by those who would change its root', async () => {
  await markDeleted(volume.place, any);
  const refusal = { code: 'NOT_FOUND', message: expect.stringContaining('delete it again') };
  await expect(readRoot(volume.place)).rejects.toMatchObject(refusal);
  await expect(changeRoot(volume.place, (root) => ({ ...root, snapshots: ['a'] }))).rejects.toMatchObject(refusal);
  const { root } = await readEvenDeleted(volume.place);
  expect(root).toMatchObject({ isDeleted: true, holder: null, snapshots: [] });
});

test('its writer is fenced, at a look and at a change, and is told why', async () => {
  for (const attempt of ['verify', 'change'] as const) {
    await volume.create();
    const writer = await volume.takeOver();
    await markDeleted(volume.place, any);
    const told = { code: 'FENCED', message: expect.stringContaining('to delete it') };
    await expect(attempt === 'verify' ? writer.verify() : writer.change((root) => root)).rejects.toMatchObject(told);
    expect((await readEvenDeleted(volume.place)).root.isDeleted).toBe(true);
  }
});

test('it is marked once', async () => {
  await markDeleted(volume.place, any);
  const before = await readEvenDeleted(volume.place);
  volume.requests();
  await markDeleted(volume.place, () => {
    throw new Error('it was decided before');
  });
  expect(volume.requests()).toEqual(['get']);
  expect(await readEvenDeleted(volume.place)).toEqual(before);
});

test('who may not give it up leaves it as it is, also where the root changes meanwhile', async () => {
  await volume.takeOver();
  const before = await volume.stored();
  const refuse = (root: TestRoot) => {
    if (root.snapshots.length > 0) throw new BlockError('LOCKED', 'it has snapshots');
  };
  volume.store.onRequest = ({ kind }) =>
    kind === 'put' ? { kind: 'hold', until: volume.changeElsewhere({ snapshots: ['a'] }) } : undefined;
  await expect(markDeleted(volume.place, refuse)).rejects.toMatchObject({ code: 'LOCKED' });
  expect(await volume.stored()).toMatchObject({ writerEpoch: before.writerEpoch, snapshots: ['a'] });
});

test('a root that changes all the time is not waited for without end', async () => {
  volume.store.onRequest = ({ kind }) =>
    kind === 'put' ? { kind: 'hold', until: volume.changeElsewhere({ snapshots: [] }) } : undefined;
  await expect(markDeleted(volume.place, any)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(volume.requests().filter((kind) => kind === 'put')).toHaveLength(MAX_CHANGE_ATTEMPTS);
  expect((await volume.stored()).isDeleted).toBeUndefined();
});

test('a mark that is anything but true is CORRUPT', async () => {
  await volume.changeElsewhere({ isDeleted: false as unknown as true });
  await expect(readEvenDeleted(volume.place)).rejects.toMatchObject({ code: 'CORRUPT' });
});
