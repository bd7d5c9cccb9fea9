import { type BlockDevice, BlockError } from '@blockyard/block';
import { macrotasks } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { thenable } from '../testing/fixture.js';
import { BaseCalls } from './base-calls.js';

/** Calls of a base whose `write` is this, and what was told of them. */
function callsOf(write: () => unknown) {
  const log: string[] = [];
  let calls = 0;
  const base = {
    info: { name: 'odd' },
    write: () => {
      calls++;
      return write();
    },
    flush: write,
  } as unknown as BlockDevice;
  const base2 = new BaseCalls(base, (error) => log.push(`broken: ${error}`));
  const begin = (done = () => {}) =>
    base2.write(0, [], (failure) => {
      log.push(failure === undefined ? 'done' : `${failure.name} ${failure.code}: ${failure.message}`);
      if (failure === undefined) done();
    });
  return { calls: base2, begin, log, count: () => calls };
}

test.each([
  [
    'throws',
    (): never => {
      throw new Error('no');
    },
    'BlockError IO: write on odd: no',
  ],
  ['rejects', () => Promise.reject(new Error('no')), 'BlockError IO: write on odd: no'],
  [
    'rejects with an error of its own',
    () => Promise.reject(new BlockError('NO_SPACE', 'full')),
    'BlockError NO_SPACE: full',
  ],
  ['rejects with nothing', () => Promise.reject(), 'BlockError IO: write on odd: undefined'],
  [
    'throws what cannot be shown',
    (): never => {
      throw Object.create(null);
    },
    'BlockError IO: write on odd: an error that cannot be shown',
  ],
  ['returns no promise', (): number => 5, 'done'],
  [
    'returns another kind of promise, which settles twice',
    () =>
      thenable({
        value: (done: () => void, failed: (error: Error) => void) => {
          done();
          failed(new Error('late'));
          done();
        },
      }),
    'done',
  ],
  [
    'returns a promise that cannot be asked',
    () =>
      thenable({
        get: () => {
          throw new Error('no');
        },
      }),
    'BlockError IO: write on odd: no',
  ],
] as const)('one outcome, told asynchronously, of a base that %s', async (_what, write, outcome) => {
  const { begin, log } = callsOf(write);
  begin();
  expect(log).toEqual([]);
  await macrotasks();
  expect(log).toEqual([outcome]);
});

test('the end fails what is under way at once, and lets no later call through', async () => {
  const answers: (() => void)[] = [];
  const { calls, begin, log, count } = callsOf(() => new Promise<void>((resolve) => answers.push(resolve)));
  begin();
  const flush = calls.flush();
  calls.check();
  calls.end(new BlockError('DISCONNECTED', 'over'));
  calls.end(new BlockError('IO', 'another end'));
  expect(log).toEqual(['BlockError DISCONNECTED: over']);
  await expect(flush).rejects.toThrow('over');
  begin();
  for (const answer of answers) answer();
  await macrotasks();
  expect(log).toEqual(['BlockError DISCONNECTED: over', 'BlockError DISCONNECTED: over']);
  expect([count(), calls.hasEnded]).toEqual([1, true]);
  expect(() => calls.check()).toThrow('over');
});

test('what is thrown by those that are told goes to the cache, not to the process', async () => {
  const { calls, begin, log } = callsOf(() => Promise.resolve());
  begin(() => {
    throw new Error('a table is wrong');
  });
  await macrotasks();
  expect(log).toEqual(['done', 'broken: Error: a table is wrong']);
  expect(calls.hasEnded).toBe(false);
});
