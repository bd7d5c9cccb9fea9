import { BlockError } from '@blockyard/block';
import { newId } from '@blockyard/object-store';
import { beforeEach, expect, test } from 'vitest';
import { changeRoot } from './change-root.js';
import { MAX_CHANGE_ATTEMPTS } from './root-format.js';
import type { RootObject } from './root-object.js';
import { SHARED, type TestRoot, TestVolume } from './testing/roots.js';

let volume: TestVolume;
let writer: RootObject<TestRoot>;

beforeEach(async () => {
  volume = new TestVolume(SHARED);
  await volume.create();
  writer = await volume.takeOver();
  volume.requests();
});

const adding = (name: string) => (found: TestRoot) => ({ ...found, snapshots: [...found.snapshots, name] });

test('who does not own a volume changes its root by a GET and a PUT, and its writer goes on', async () => {
  const before = writer.root;
  const changed = await changeRoot(volume.place, adding('a'));
  expect(volume.requests()).toEqual(['get', 'put']);
  expect(await volume.stored()).toEqual(changed);
  expect(changed).toEqual({ ...before, snapshots: ['a'], changeId: changed.changeId });
  expect(changed.changeId).not.toBe(before.changeId);
  await writer.change((held) => ({ ...held, sizeSectors: 2 }));
  expect(await volume.stored()).toMatchObject({ snapshots: ['a'], sizeSectors: 2, writerEpoch: before.writerEpoch });
});

test('of changes at once, those of the writer among them, none is lost', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const grow = (held: TestRoot) => ({ ...held, sizeSectors: held.sizeSectors + 1 });
  const byOthers = names.map((name) => changeRoot(volume.place, adding(name)));
  const byWriter = names.map(() => writer.change(grow));
  await Promise.all([...byOthers, ...byWriter]);
  const stored = await volume.stored();
  expect([...stored.snapshots].sort()).toEqual(names);
  expect(stored.sizeSectors).toBe(1 + names.length);
  await writer.verify();
  expect(writer.root).toEqual(stored);
});

test("the volume stays its owner's, whatever the change says of that", async () => {
  const { volumeId, writerEpoch, opening, holder } = writer.root;
  const theft = { volumeId: newId(), writerEpoch: 9, opening: newId(), holder: null };
  await changeRoot(volume.place, (found) => ({ ...adding('a')(found), ...theft }));
  expect(await volume.stored()).toMatchObject({ volumeId, writerEpoch, opening, holder, snapshots: ['a'] });
  await writer.verify();
});

test('a root that changes all the time is given up after some attempts', async () => {
  volume.store.onRequest = ({ kind }) =>
    kind === 'put' ? { kind: 'hold', until: volume.changeElsewhere({ snapshots: [] }) } : undefined;
  await expect(changeRoot(volume.place, adding('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(volume.requests().filter((kind) => kind === 'put')).toHaveLength(MAX_CHANGE_ATTEMPTS);
  expect(await volume.stored()).toMatchObject({ snapshots: [] });
});

test('what the change throws, and what the store refuses, is passed on', async () => {
  const before = await volume.stored();
  const refusal = new BlockError('ALREADY_EXISTS', 'there is a snapshot of that name');
  const change = () => {
    throw refusal;
  };
  await expect(changeRoot(volume.place, change)).rejects.toBe(refusal);
  const error = new BlockError('ACCESS_DENIED', 'no');
  volume.store.onRequest = ({ kind }) => (kind === 'put' ? { kind: 'refuse', error } : undefined);
  await expect(changeRoot(volume.place, adding('a'))).rejects.toBe(error);
  expect(await volume.stored()).toEqual(before);
});
