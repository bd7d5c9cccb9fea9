import { BlockError } from '@blockyard/block';
import { newId } from '@blockyard/object-store';
import { beforeEach, describe, expect, test } from 'vitest';
import { RENEW_MS_MAX } from './holder.js';
import { MAX_CHANGE_ATTEMPTS } from './root-format.js';
import type { RootObject } from './root-object.js';
import { RENEW_MS } from './take-over.js';
import { ALONE, SHARED, type TestRoot, TestVolume } from './testing/roots.js';

let volume: TestVolume;
let root: RootObject<TestRoot>;

async function use(format: typeof ALONE): Promise<void> {
  volume = new TestVolume(format);
  await volume.create();
  root = await volume.takeOver();
  volume.requests();
}

const withSize = (sizeSectors: number) => (held: TestRoot) => ({ ...held, sizeSectors });
const FENCED = expect.objectContaining({ name: 'BlockError', code: 'FENCED' });

/** Loses the reply to the next PUT, which the store carries out at once, never, or later. */
function loseNextPut(carriedOut: 'before' | 'never' | Promise<unknown>): void {
  volume.store.onRequest = ({ kind }) => {
    if (kind !== 'put') return undefined;
    volume.store.onRequest = () => undefined;
    return { kind: 'lose', carriedOut };
  };
}

/** Before each of the next PUTs someone else changes the root. */
function outrunPuts(count: number): void {
  let left = count;
  volume.store.onRequest = ({ kind }) => {
    if (kind !== 'put' || left === 0) return undefined;
    left--;
    return { kind: 'hold', until: volume.changeElsewhere({ snapshots: [`outrun ${left}`] }) };
  };
}

describe.each([
  ['no one else may change', ALONE],
  ['others may change', SHARED],
])('A root that %s', (_, format) => {
  beforeEach(() => use(format));

  test('has the next epoch and a new opening after a takeover, and what came with it', async () => {
    const before = root.root;
    const next = await volume.open();
    await next.takeOver(volume.holder(), withSize(5));
    expect(await volume.stored()).toEqual(next.root);
    expect(next.root).toMatchObject({ writerEpoch: before.writerEpoch + 1, holder: volume.holder(), sizeSectors: 5 });
    expect(next.root.opening).not.toBe(before.opening);
    await expect(root.verify()).rejects.toEqual(FENCED);
    await expect(root.change(withSize(9))).rejects.toEqual(FENCED);
    expect(await volume.stored()).toEqual(next.root);
  });

  test('is changed by one PUT, and looked at by one GET', async () => {
    await root.change(withSize(2));
    expect(volume.requests()).toEqual(['put']);
    await root.verify();
    expect(volume.requests()).toEqual(['get']);
    expect(await volume.stored()).toMatchObject({ sizeSectors: 2 });
  });

  test('changes one at a time, each over the one before', async () => {
    const grow = (held: TestRoot) => ({ ...held, sizeSectors: held.sizeSectors + 1 });
    await Promise.all([root.change(grow), root.verify(), root.change(grow), root.change(grow)]);
    expect(await volume.stored()).toMatchObject({ sizeSectors: 4 });
    expect(root.isDoubtful).toBe(false);
  });

  test.each([
    ['carried out', 'before'],
    ['never carried out', 'never'],
  ] as const)('is as it was before a change that failed, once it is clear that it was %s', async (_, carriedOut) => {
    loseNextPut(carriedOut);
    await expect(root.change(withSize(2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(root.isDoubtful).toBe(true);
    expect(root.root.sizeSectors).toBe(1);
    volume.requests();
    await root.verify();
    expect(volume.requests()).toEqual(['get', 'put']);
    expect(root.isDoubtful).toBe(false);
    expect(await volume.stored()).toEqual(root.root);
    expect(root.root.sizeSectors).toBe(1);
  });

  test('is not changed by what comes late', async () => {
    let carryOut = () => {};
    loseNextPut(
      new Promise<void>((resolve) => {
        carryOut = resolve;
      }),
    );
    await expect(root.change(withSize(2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await root.verify();
    carryOut();
    await volume.store.idle();
    expect(await volume.stored()).toEqual(root.root);
    expect(root.root.sizeSectors).toBe(1);
  });

  test.each(['before', 'never'] as const)('is changed after a change that is in doubt (%s)', async (carriedOut) => {
    loseNextPut(carriedOut);
    await expect(root.change(withSize(9))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await root.change((held) => ({ ...held, sizeSectors: held.sizeSectors + 1 }));
    expect(await volume.stored()).toMatchObject({ sizeSectors: 2 });
    expect(root.isDoubtful).toBe(false);
  });

  test('is found though it was stored once more as it is, while a change is in doubt', async () => {
    loseNextPut('never');
    await expect(root.change(withSize(9))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await volume.put(await volume.stored());
    await root.verify();
    expect(root.isDoubtful).toBe(false);
  });

  test("stays the writer's, whatever a change makes of that", async () => {
    const { volumeId, writerEpoch, opening, changeId } = root.root;
    const stranger = { volumeId: newId(), writerEpoch: 9, opening: newId(), changeId };
    await root.change((held) => ({ ...held, ...stranger, sizeSectors: 2 }));
    expect(await volume.stored()).toMatchObject({ volumeId, writerEpoch, opening, sizeSectors: 2 });
    expect(root.root.changeId).not.toBe(changeId);
    await root.verify();
  });

  test('is not in doubt after a change that was refused', async () => {
    volume.store.onRequest = () => ({ kind: 'refuse', error: new BlockError('ACCESS_DENIED', 'no') });
    await expect(root.change(withSize(2))).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    volume.store.onRequest = () => undefined;
    expect(root.isDoubtful).toBe(false);
    expect(root.root.sizeSectors).toBe(1);
  });

  test('is not left as it was before, where someone puts that back', async () => {
    const before = await volume.stored();
    await root.change(withSize(2));
    await volume.put(before);
    await root.verify();
    expect(await volume.stored()).toEqual(root.root);
    expect(root.root.sizeSectors).toBe(2);
  });

  test('says that the leases before have ended, and that no one has the volume', async () => {
    const waiting = await volume.open();
    await waiting.takeOver({ ...volume.holder(), leaseMs: 9000, settled: false });
    waiting.settle(5000);
    await waiting.verify();
    expect((await volume.stored()).holder).toMatchObject({ leaseMs: 5000, settled: true });
    await waiting.giveBack(withSize(7));
    expect(await volume.stored()).toMatchObject({ holder: null, sizeSectors: 7 });
  });

  test('is taken over by one of those who try at the same moment', async () => {
    const others = [await volume.open(), await volume.open()];
    const results = await Promise.allSettled(others.map((each) => each.takeOver(volume.holder())));
    expect(results[0]).toMatchObject({ status: 'fulfilled' });
    expect(results[1]).toMatchObject({ status: 'rejected', reason: { code: 'LOCKED' } });
  });
});

describe('A root that no one else may change', () => {
  beforeEach(() => use(ALONE));

  test('makes a change fail that someone did change, and is written once more', async () => {
    await volume.changeElsewhere({ snapshots: ['a'] });
    await expect(root.change(withSize(2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(root.isDoubtful).toBe(true);
    await root.verify();
    expect(await volume.stored()).toMatchObject({ sizeSectors: 1, snapshots: [] });
    await volume.changeElsewhere({ snapshots: ['b'] });
    await root.verify();
    expect(await volume.stored()).toMatchObject({ sizeSectors: 1, snapshots: [] });
  });

  test('is LOCKED to who takes it over while it changes', async () => {
    const next = await volume.open();
    await volume.changeElsewhere({ snapshots: ['a'] });
    await expect(next.takeOver(volume.holder())).rejects.toMatchObject({ code: 'LOCKED' });
  });
});

describe('A root that others change', () => {
  beforeEach(() => use(SHARED));

  test('is taken in by a look, without writing', async () => {
    await volume.changeElsewhere({ snapshots: ['a'] });
    const look = root.looksBegun + 1;
    await root.verify();
    expect(volume.requests()).toEqual(['get']);
    expect(root.root).toEqual(await volume.stored());
    expect(root.root.snapshots).toEqual(['a']);
    expect(root.seen?.look).toBe(look);
    await root.change(withSize(2));
    expect(volume.requests()).toEqual(['put']);
  });

  test('is changed on top of what they made of it', async () => {
    await volume.changeElsewhere({ snapshots: ['a'] });
    await root.change((held) => ({ ...held, snapshots: [...held.snapshots, 'mine'], sizeSectors: 2 }));
    expect(volume.requests()).toEqual(['put', 'get', 'put']);
    expect(await volume.stored()).toMatchObject({ snapshots: ['a', 'mine'], sizeSectors: 2 });
    expect(root.root).toEqual(await volume.stored());
    expect(root.isDoubtful).toBe(false);
  });

  test('is changed though they were faster several times, but not without end', async () => {
    outrunPuts(MAX_CHANGE_ATTEMPTS - 1);
    await root.change(withSize(2));
    expect(await volume.stored()).toMatchObject({ snapshots: ['outrun 0'], sizeSectors: 2 });
    outrunPuts(MAX_CHANGE_ATTEMPTS);
    volume.requests();
    await expect(root.change(withSize(3))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(volume.requests().filter((kind) => kind === 'put')).toHaveLength(MAX_CHANGE_ATTEMPTS);
    expect(root.isDoubtful).toBe(false);
    expect(root.root).toEqual(await volume.stored());
    await root.change(withSize(4));
    expect(volume.requests()).toEqual(['put']);
  });

  test('is renewed and given back on top of what they made of it', async () => {
    await volume.changeElsewhere({ snapshots: ['a'] });
    volume.clock.advance(RENEW_MS);
    await root.verify();
    expect(await volume.stored()).toMatchObject({ snapshots: ['a'] });
    expect((await volume.stored()).holder?.renewed).toBe(new Date(volume.clock.wallMs()).toISOString());
    await volume.changeElsewhere({ snapshots: ['b'] });
    await root.giveBack(withSize(2));
    expect(await volume.stored()).toMatchObject({ snapshots: ['b'], sizeSectors: 2, holder: null });
  });

  test('says that the leases before have ended though they changed it meanwhile', async () => {
    root = await volume.open();
    await root.takeOver({ ...volume.holder(), settled: false });
    await volume.changeElsewhere({ snapshots: ['a'] });
    await root.verify();
    root.settle(1000);
    await volume.changeElsewhere({ snapshots: ['b'] });
    await root.verify();
    expect(await volume.stored()).toMatchObject({ snapshots: ['b'], holder: { leaseMs: 1000, settled: true } });
  });

  test.each(['before', 'never'] as const)(
    'keeps theirs where a change of ours is in doubt (%s)',
    async (carriedOut) => {
      loseNextPut(carriedOut);
      await expect(root.change(withSize(2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await volume.changeElsewhere({ snapshots: ['a'] });
      volume.requests();
      await root.verify();
      expect(volume.requests()).toEqual(['get', 'put']);
      expect(await volume.stored()).toMatchObject({ snapshots: ['a'], sizeSectors: 1 });
      expect(root.root).toEqual(await volume.stored());
    },
  );

  test('is changed after a change that is in doubt, and theirs', async () => {
    loseNextPut('before');
    await expect(root.change(withSize(2))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await volume.changeElsewhere({ snapshots: ['a'] });
    await root.change(({ sizeSectors, ...held }) => ({ ...held, sizeSectors: sizeSectors + 10 }));
    expect(await volume.stored()).toMatchObject({ snapshots: ['a'], sizeSectors: 11 });
  });

  test('is written once more where they changed what is ours, also if that fails at first', async () => {
    await root.change(withSize(2));
    await volume.changeElsewhere({ snapshots: ['a'], sizeSectors: 1, holder: null });
    volume.store.onRequest = ({ kind }) =>
      kind === 'put' ? { kind: 'refuse', error: new BlockError('UNAVAILABLE', 'busy') } : undefined;
    await expect(root.verify()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    volume.store.onRequest = () => undefined;
    await root.verify();
    expect(await volume.stored()).toMatchObject({ snapshots: ['a'], sizeSectors: 2, holder: { process: process.pid } });
    expect(root.root).toEqual(await volume.stored());
  });

  test("stays the writer's, though the merge takes that from theirs", async () => {
    await use({ ...ALONE, merge: (_, found) => found });
    await volume.changeElsewhere({ snapshots: ['a'], holder: null });
    await root.verify();
    expect(await volume.stored()).toMatchObject({ snapshots: ['a'], holder: { process: process.pid } });
    expect(root.root).toEqual(await volume.stored());
  });

  test.each([
    ['an epoch', { writerEpoch: 2 }],
    ['an opening', { opening: newId() }],
    ['a volume', { volumeId: newId() }],
  ])('is FENCED where it is of %s of someone else, and not changed', async (_, theirs) => {
    await volume.changeElsewhere(theirs);
    const before = await volume.stored();
    await expect(root.change(withSize(2))).rejects.toEqual(FENCED);
    await expect(root.verify()).rejects.toEqual(FENCED);
    expect(await volume.stored()).toEqual(before);
  });

  test('is taken over with what they made of it since it was read', async () => {
    const next = await volume.open();
    await volume.changeElsewhere({ snapshots: ['a'] });
    await next.takeOver(volume.holder(), withSize(3));
    expect(await volume.stored()).toMatchObject({ writerEpoch: 2, snapshots: ['a'], sizeSectors: 3 });
    expect(next.root).toEqual(await volume.stored());
    await next.verify();
  });

  test('is LOCKED to who takes it over while its writer renews it, and while others change it all the time', async () => {
    const next = await volume.open();
    volume.clock.advance(RENEW_MS);
    await root.verify();
    await expect(next.takeOver(volume.holder())).rejects.toMatchObject({ code: 'LOCKED' });
    const last = await volume.open();
    outrunPuts(MAX_CHANGE_ATTEMPTS);
    volume.requests();
    await expect(last.takeOver(volume.holder())).rejects.toMatchObject({ code: 'LOCKED' });
    expect(volume.requests().filter((kind) => kind === 'put')).toHaveLength(MAX_CHANGE_ATTEMPTS);
  });
});

describe('How often a root is renewed', () => {
  beforeEach(() => use(SHARED));

  const HOUR_MS = 3_600_000;
  const lookAfter = async (ms: number) => {
    volume.clock.advance(ms);
    await root.verify();
    return volume.requests();
  };

  test('can be made seldom: from the next renewal on, which says so', async () => {
    root.setRenewMs(HOUR_MS);
    expect(await lookAfter(RENEW_MS - 1)).toEqual(['get']);
    expect((await volume.stored()).holder?.renewMs).toBe(RENEW_MS);
    expect(await lookAfter(1)).toEqual(['put']);
    expect((await volume.stored()).holder?.renewMs).toBe(HOUR_MS);
    expect(await lookAfter(HOUR_MS - 1)).toEqual(['get']);
    expect(await lookAfter(1)).toEqual(['put']);
  });

  test('is said by any other change too', async () => {
    root.setRenewMs(HOUR_MS);
    await root.change(withSize(2));
    volume.requests();
    expect((await volume.stored()).holder?.renewMs).toBe(HOUR_MS);
    expect(await lookAfter(HOUR_MS - 1)).toEqual(['get']);
  });

  test('can be made frequent at once', async () => {
    expect(await lookAfter(5000)).toEqual(['get']);
    root.setRenewMs(6000);
    expect(await lookAfter(999)).toEqual(['get']);
    expect(await lookAfter(1)).toEqual(['put']);
    expect((await volume.stored()).holder?.renewMs).toBe(6000);
    expect(await lookAfter(5999)).toEqual(['get']);
    expect(await lookAfter(1)).toEqual(['put']);
  });

  test('is not changed by what others change', async () => {
    root.setRenewMs(HOUR_MS);
    await volume.changeElsewhere({ snapshots: ['a'] });
    expect(await lookAfter(RENEW_MS - 1)).toEqual(['get']);
    expect(await lookAfter(1)).toEqual(['put']);
    expect((await volume.stored()).holder?.renewMs).toBe(HOUR_MS);
  });

  test.each([0, -1, 1.5, RENEW_MS_MAX + 1, Number.NaN])('cannot be %s', (renewMs) => {
    expect(() => root.setRenewMs(renewMs)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});
