import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { BlockError, isBlockError } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { adoptNbd } from '../adopt.js';
import { Adoption } from './adoption.js';
import type { ToPredecessor, ToSuccessor } from './messages.js';

/** A process that hands over, and dies when it is told to. */
class Predecessor extends EventEmitter {
  connected = true;
  ppid = 4711;
  readonly heard: ToPredecessor['type'][] = [];

  send(message: object, _handle: unknown, _options: object, sent: (error: Error | null) => void): boolean {
    this.heard.push((message as ToPredecessor).type);
    setImmediate(() => sent(this.connected ? null : new Error('EPIPE')));
    return true;
  }

  say(...messages: ToSuccessor[]): void {
    for (const message of messages) this.emit('message', message, undefined);
  }

  die(): void {
    this.connected = false;
    this.emit('disconnect');
  }

  disconnect(): void {
    this.die();
  }
}

const BEGIN: ToSuccessor = { type: 'begin', place: { address: { path: '/none' }, inode: undefined }, exports: [] };
const isGone = (error: unknown) => isBlockError(error, 'UNAVAILABLE') && /the predecessor is gone/.test(error.message);
const never = () => new Promise<never>(() => {});

/** One that was told to open the devices. */
async function opening(): Promise<{ readonly predecessor: Predecessor; readonly adoption: Adoption }> {
  const predecessor = new Predecessor();
  const adoption = new Adoption(predecessor, new ManualClock());
  predecessor.say(BEGIN, { type: 'open' });
  await adoption.begin(never);
  return { predecessor, adoption };
}

describe('A predecessor that dies', () => {
  test('is not waited for by what is prepared or caught up with', async () => {
    const open = () => Promise.reject(new Error('it is not opened'));
    const preparing = new Predecessor();
    const prepared = adoptNbd({ predecessor: preparing, fd: 4, prepare: never, open });
    preparing.die();
    await assert.rejects(prepared, isGone);
    const catching = new Predecessor();
    const caughtUp = adoptNbd({ predecessor: catching, fd: 4, catchUp: never, open });
    catching.say(BEGIN, { type: 'catchUp' });
    setImmediate(() => catching.die());
    await assert.rejects(caughtUp, isGone);
  });

  test('while it disconnects the devices leaves them to the successor, once it has ended', async () => {
    const predecessor = new Predecessor();
    const clock = new ManualClock();
    const adoption = new Adoption(predecessor, clock);
    predecessor.say(BEGIN, { type: 'release' });
    let isOpen = false;
    const begun = adoption.begin(never).then((estate) => {
      isOpen = true;
      return estate;
    });
    await clock.advanceAndSettle(1000);
    predecessor.die();
    await clock.advanceAndSettle(1000);
    assert.equal(isOpen, false);
    predecessor.ppid = 1;
    await clock.advanceAndSettle(10);
    assert.equal(isOpen, true);
    assert.deepEqual(await begun, BEGIN);
  });

  test('meanwhile is not followed before the last catching up is over, whatever comes of that', async () => {
    for (const end of ['resolved', 'rejected']) {
      const predecessor = new Predecessor();
      const adoption = new Adoption(predecessor, new ManualClock());
      let settle = () => {};
      const work = new Promise<void>((resolve, reject) => {
        settle = () => (end === 'resolved' ? resolve() : reject(new BlockError('IO', 'no answer')));
      });
      predecessor.say(BEGIN, { type: 'release' }, { type: 'catchUp' });
      let isOpen = false;
      const begun = adoption
        .begin(() => work)
        .then((estate) => {
          isOpen = true;
          return estate;
        });
      await nextIterations();
      predecessor.die();
      predecessor.ppid = 1;
      await nextIterations();
      assert.equal(isOpen, false);
      settle();
      assert.deepEqual(await begun, BEGIN);
    }
  });

  test('before it has flushed the devices in the pause leaves nothing', async () => {
    const predecessor = new Predecessor();
    const adoption = new Adoption(predecessor, new ManualClock());
    predecessor.say(BEGIN, { type: 'catchUp' });
    const begun = adoption.begin(async () => {});
    await nextIterations();
    assert.deepEqual(predecessor.heard, ['ready', 'caughtUp']);
    predecessor.die();
    await assert.rejects(begun, isGone);
  });

  test.each(['opened', 'go', 'taken'])('at "%s" leaves its clients to the successor', async (at) => {
    const { predecessor, adoption } = await opening();
    const taking = adoption.take();
    if (at === 'opened') predecessor.die();
    else predecessor.say({ type: 'go' });
    if (at === 'go') predecessor.die();
    assert.deepEqual(await taking, []);
    if (at === 'taken') predecessor.die();
    assert.deepEqual(predecessor.heard.slice(0, 2), ['ready', 'opened']);
    await adoption.follow(() => {});
  });

  test('is told from one that speaks out of place', async () => {
    const { predecessor, adoption } = await opening();
    const taking = adoption.take();
    predecessor.say({ type: 'catchUp' });
    await assert.rejects(taking, (error) => isBlockError(error, 'UNSUPPORTED'));
    const early = new Predecessor();
    const adopting = new Adoption(early, new ManualClock());
    early.say(BEGIN, { type: 'release' }, { type: 'go' });
    const begun = adopting.begin(never);
    await assert.rejects(begun, (error) => isBlockError(error, 'UNSUPPORTED'));
  });
});

async function nextIterations(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}
