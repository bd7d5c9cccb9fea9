import { BlockError, type TierAttachment } from '@blockyard/block';
import { settled } from '@blockyard/block/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  changePassphrase,
  checkLogVolume,
  compactLogVolume,
  createClone,
  deleteLogVolume,
  deleteSnapshot,
  inspectLogVolume,
  type LogDevice,
  listSnapshots,
  rollBack,
  takeSnapshot,
} from '../index.js';
import { gate } from '../testing/bucket.js';
import { Chance, giveUp, stateOf } from '../testing/history.js';
import { type Act, dieAtEachRequest, loseEachReply, Scene } from '../testing/scene.js';
import { contentsOf, createSmall } from '../testing/small-volume.js';

const tier: TierAttachment = {
  tierId: '00112233445566778899aabbccddeeff',
  attachmentId: 'ffeeddccbbaa99887766554433221100',
  place: 'web-1:/srv/tier',
  since: '2026-11-27T15:00:00.000Z',
};
const other: TierAttachment = { ...tier, attachmentId: '11111111111111111111111111111111', place: 'web-2:/srv/tier' };
const expected = { tier: 'expected' } as const;
const MISSING = { code: 'TIER_MISSING', retryable: false, message: expect.stringContaining(tier.place) };

/** The volume with a snapshot, and no one has it open. */
let scene: Scene;
beforeEach(async () => {
  scene = await Scene.create();
  const device = await scene.bucket.connect();
  await scene.history.run(device, new Chance(71), 20);
  await scene.history.flush(device);
  await scene.takeSnapshot('first', (name) => device.takeSnapshot(name));
  await device.disconnect();
});

const markNow = async ({ bucket }: Scene = scene) => (await inspectLogVolume(bucket.at())).tier;

/** The tier is attached, and its process gone without a word. */
async function attached(): Promise<void> {
  const device = await scene.bucket.connect();
  await device.tierMark.attach(tier);
  await giveUp(device);
}

describe('A volume with a tier', () => {
  test('is opened for writing with the tier, tells which one it is, and without once that was detached', async () => {
    await attached();
    expect(await markNow()).toEqual(tier);
    await expect(scene.bucket.connect()).rejects.toMatchObject(MISSING);
    const device = await scene.bucket.connect(expected);
    expect(device.tierMark.attached).toEqual(tier);
    await device.tierMark.detach(other.attachmentId);
    expect(await markNow()).toEqual(tier);
    await device.tierMark.detach(tier.attachmentId);
    expect(await markNow()).toBe(null);
    expect(device.tierMark.attached).toEqual(tier);
    await device.disconnect();
    await (await scene.bucket.connect()).disconnect();
  });

  test('keeps it over writing, checkpoints, cleaning and a clean end', async () => {
    const device = await scene.bucket.connect(expected);
    expect(device.tierMark.attached).toBe(null);
    await device.tierMark.attach(other);
    await device.tierMark.attach(tier);
    await scene.history.run(device, new Chance(72), 30);
    await device.compact();
    await device.disconnect();
    expect(await markNow()).toEqual(tier);
    const again = await scene.bucket.connect(expected);
    expect(again.tierMark.attached).toEqual(tier);
    expect(await stateOf(again)).toEqual(scene.history.now);
    await giveUp(again);
  });

  test('is not opened without it, and no writer is fenced by the attempt, nor the root touched', async () => {
    const writer = await scene.bucket.connect();
    await writer.tierMark.attach(tier);
    const at = scene.bucket.at();
    await expect(scene.bucket.connect(at)).rejects.toMatchObject(MISSING);
    expect(at.store.requests.map(({ kind }) => kind)).toEqual(['get']);
    await scene.history.write(writer, 0, 1);
    await scene.history.flush(writer);
    await giveUp(writer);
  });

  test('is not opened without it if it was attached after the look at the root', async () => {
    const writer = await scene.bucket.connect();
    const at = scene.bucket.at();
    let isAttached: Promise<void> | undefined;
    at.store.onRequest = ({ kind }) => {
      if (kind === 'get' || isAttached !== undefined) return undefined;
      isAttached = writer.tierMark.attach(tier);
      return { kind: 'hold', until: isAttached };
    };
    await expect(scene.bucket.connect(at)).rejects.toMatchObject(MISSING);
    expect(isAttached).toBeDefined();
    expect(await markNow()).toEqual(tier);
    await giveUp(writer);
  });

  test('is opened without it if the loss is accepted, which takes a new epoch, and is final', async () => {
    await attached();
    const { epoch } = await inspectLogVolume(scene.bucket.at());
    const device = await scene.bucket.connect({ acceptLoss: true });
    expect(device.tierMark.attached).toBe(null);
    expect(await inspectLogVolume(scene.bucket.at())).toMatchObject({ epoch: epoch + 1, tier: null });
    await giveUp(device);
    const later = await scene.bucket.connect(expected);
    expect(later.tierMark.attached).toBe(null);
    await giveUp(later);
  });

  test('is read as the store has it: now, at a snapshot, and by a follower', async () => {
    await attached();
    const view = await scene.bucket.connect({ readOnly: true });
    expect(view.tierMark.attached).toEqual(tier);
    expect(await stateOf(view)).toEqual(scene.history.now);
    await expect(view.tierMark.attach(tier)).rejects.toMatchObject({ code: 'READ_ONLY' });
    await expect(view.tierMark.detach(tier.attachmentId)).rejects.toMatchObject({ code: 'READ_ONLY' });
    const past = await scene.bucket.connect({ snapshot: 'first' });
    expect(past.tierMark.attached).toBe(null);
    const follower = await scene.bucket.connect({ readOnly: true, followMs: 1000 });
    expect(await stateOf(follower)).toEqual(scene.history.now);
    for (const each of [view, past, follower]) await each.disconnect();
  });

  test('has a clone that does not have the tier', async () => {
    await attached();
    await createClone(scene.bucket.at(), 'first', { prefix: 'copy' });
    const clone = await scene.bucket.connect({ prefix: 'copy' });
    expect(clone.tierMark.attached).toBe(null);
    expect(await stateOf(clone)).toEqual(scene.snapshots.get('first')?.state);
    await clone.disconnect();
    expect(await markNow()).toEqual(tier);
  });
});

describe('Beside the writer of a volume with a tier', () => {
  test('others take and delete snapshots, and the root keeps it; what they did is kept by the writer', async () => {
    const writer = await scene.bucket.connect();
    await writer.tierMark.attach(tier);
    await takeSnapshot(scene.bucket.at(), 'second');
    await deleteSnapshot(scene.bucket.at(), 'first');
    expect(await markNow()).toEqual(tier);
    await writer.tierMark.detach(tier.attachmentId);
    expect((await listSnapshots(scene.bucket.at())).map(({ name }) => name)).toEqual(['second']);
    expect(await markNow()).toBe(null);
    await takeSnapshot(scene.bucket.at(), 'third');
    await writer.tierMark.attach(tier);
    expect((await listSnapshots(scene.bucket.at())).map(({ name }) => name)).toEqual(['second', 'third']);
    expect(await markNow()).toEqual(tier);
    await giveUp(writer);
  });

  test('the secret is changed, and the root keeps it', async () => {
    const key = (value: number) => ({ key: new Uint8Array(32).fill(value) });
    const at = (value: number) => ({ ...scene.bucket.at('safe'), ...key(value) });
    await createSmall(scene.bucket.objects, key(1), 'safe');
    const writer = await scene.bucket.connect(at(1));
    await writer.tierMark.attach(tier);
    await changePassphrase(at(1), key(2));
    await writer.write(0, [contentsOf(1)]);
    await writer.flush();
    expect((await inspectLogVolume(at(2))).tier).toEqual(tier);
    await giveUp(writer);
  });
});

describe('A volume with a tier is refused, and left as it was, and not if the loss is accepted, by', () => {
  const acts = [
    ['a rollback', (loss: object) => rollBack(scene.bucket.at(), 'first', { takeOver: true, ...loss })],
    ['compacting', (loss: object) => compactLogVolume(scene.bucket.at(), { takeOver: true, ...loss })],
    ['deleting', (loss: object) => deleteLogVolume(scene.bucket.at(), { takeOver: true, ...loss })],
  ] as const;

  test.each(acts)('%s', async (what, act) => {
    await attached();
    const before = new Map(scene.bucket.objects);
    await expect(act({})).rejects.toMatchObject(MISSING);
    expect(scene.bucket.objects).toEqual(before);
    await act({ acceptLoss: true });
    if (what === 'deleting') expect(scene.bucket.keys('volume.json')).toEqual([]);
    else expect(await markNow()).toBe(null);
  });

  test('a rollback, which gives the tier up together with the rollback or not at all', async () => {
    await attached();
    const at = scene.bucket.at();
    at.store.onRequest = ({ kind, key }) =>
      kind === 'put' && key.includes('/map/')
        ? { kind: 'refuse', error: new BlockError('UNAVAILABLE', 'no') }
        : undefined;
    const rolling = rollBack(at, 'first', { takeOver: true, acceptLoss: true });
    await expect(rolling).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await markNow()).toEqual(tier);
  });

  test('deleting, which keeps it where a clone keeps the volume', async () => {
    await attached();
    await createClone(scene.bucket.at(), 'first', { prefix: 'copy' });
    const deleting = deleteLogVolume(scene.bucket.at(), { takeOver: true, acceptLoss: true });
    await expect(deleting).rejects.toMatchObject({ code: 'LOCKED' });
    expect(await markNow()).toEqual(tier);
  });
});

describe('A writer that was replaced', () => {
  test.each(['hold', 'lose'] as const)('attaches nothing by a request that arrives late: %s', async (kind) => {
    const at = scene.bucket.at();
    const old = await scene.bucket.connect(at);
    const { passed, open } = gate();
    at.store.onRequest = () => (kind === 'hold' ? { kind, until: passed } : { kind, carriedOut: passed });
    const attaching = old.tierMark.attach(tier).catch((error: unknown) => error);
    await settled();
    at.store.onRequest = () => undefined;
    const next = await scene.bucket.connect();
    open();
    await at.store.idle();
    await settled();
    expect(await attaching).toMatchObject({ code: kind === 'hold' ? 'FENCED' : 'UNAVAILABLE' });
    expect(await markNow()).toBe(null);
    await expect(old.tierMark.attach(tier)).rejects.toMatchObject({ code: 'FENCED' });
    await expect(old.tierMark.detach(tier.attachmentId)).rejects.toMatchObject({ code: 'FENCED' });
    expect(await markNow()).toBe(null);
    await scene.history.write(next, 0, 1);
    await scene.history.flush(next);
    await giveUp(next);
    await giveUp(old);
  });
});

test('A device that has ended changes no mark', async () => {
  for (const force of [false, true]) {
    const device = await scene.bucket.connect();
    await device.disconnect({ force });
    await expect(device.tierMark.attach(tier)).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await expect(device.tierMark.detach(tier.attachmentId)).rejects.toMatchObject({ code: 'DISCONNECTED' });
  }
  expect(await markNow()).toBe(null);
});

test('What is no tier, and no word on one, is refused', async () => {
  const device = await scene.bucket.connect();
  const bad = { ...tier, place: '' };
  await expect(device.tierMark.attach(bad)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await giveUp(device);
  const wrong = { tier: 'here' as 'expected' };
  await expect(scene.bucket.connect(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(scene.bucket.connect({ acceptLoss: 1 as never })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

/** What a process did of an attachment that it did not get to hear of is not known; what it heard of holds. */
interface Attempt {
  mark: TierAttachment | null | 'either';
}

/** Attaches, writes, detaches, and attaches again. */
const marking =
  (attempts: Map<Scene, Attempt>): Act =>
  async (left, store): Promise<LogDevice> => {
    const attempt: Attempt = { mark: null };
    attempts.set(left, attempt);
    const device = await left.bucket.connect({ ...expected, store });
    left.history.recovered(await stateOf(device));
    const change = async (after: TierAttachment | null, act: () => Promise<void>) => {
      attempt.mark = 'either';
      await act().then(
        () => {
          attempt.mark = after;
        },
        (error: unknown) => left.failed(error),
      );
    };
    const { tierMark } = device;
    await change(tier, () => tierMark.attach(tier));
    await left.history.run(device, new Chance(73), 10);
    await left.history.flush(device).catch((error: unknown) => left.failed(error));
    await change(null, () => tierMark.detach(tier.attachmentId));
    await change(tier, () => tierMark.attach(tier));
    return device;
  };

async function checkMark(left: Scene, attempts: Map<Scene, Attempt>): Promise<void> {
  const found = await markNow(left);
  const mark = attempts.get(left)?.mark ?? null;
  if (mark !== 'either') expect(found).toEqual(mark);
  if (found !== null) {
    await expect(left.bucket.connect()).rejects.toMatchObject(MISSING);
    const device = await left.bucket.connect(expected);
    expect(device.tierMark.attached).toEqual(tier);
    await device.tierMark.detach(tier.attachmentId);
    await giveUp(device);
  }
  expect((await checkLogVolume(left.bucket.at())).problems).toEqual([]);
  await left.checkRecovery();
}

test('A process dies at each request of attaching and detaching: what it was told of is so, and the volume is a prefix', async () => {
  const attempts = new Map<Scene, Attempt>();
  const check = (left: Scene) => checkMark(left, attempts);
  expect(await dieAtEachRequest(scene, marking(attempts), check)).toBeGreaterThan(6);
});

test('Any reply to a request of attaching and detaching is lost: what the process was told of is so', async () => {
  const attempts = new Map<Scene, Attempt>();
  const check = (left: Scene) => checkMark(left, attempts);
  expect(await loseEachReply(scene, marking(attempts), check)).toBeGreaterThan(6);
});
