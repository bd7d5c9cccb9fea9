import { expect, test } from 'vitest';
import { Cleanup } from './cleanup.js';

function recording() {
  const events: string[] = [];
  const cleanup = new Cleanup((message) => events.push(message));
  const task = (name: string) => async () => {
    events.push(name);
  };
  return { cleanup, events, task };
}

test('What came last is cleaned up first, and each once', async () => {
  const { cleanup, events, task } = recording();
  cleanup.add('do a', task('a'));
  cleanup.add('do b', task('b'));
  await Promise.all([cleanup.run(), cleanup.run()]);
  expect(events).toEqual(['b', 'a']);
});

test('Cleaning up a second time waits for the first', async () => {
  const { cleanup, events, task } = recording();
  let release = () => {};
  cleanup.add('do a', async () => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    await task('a')();
  });
  const first = cleanup.run();
  const second = cleanup.run().then(() => events.push('second'));
  await Promise.resolve();
  release();
  await Promise.all([first, second]);
  expect(events).toEqual(['a', 'second']);
});

test('A task that fails is told of, and keeps no other from running', async () => {
  const { cleanup, events, task } = recording();
  cleanup.add('do a', task('a'));
  cleanup.add('do b', () => Promise.reject(new Error('out of order')));
  await cleanup.run();
  expect(events).toEqual(['could not do b: out of order', 'a']);
});

test('A part can be cleaned up early', async () => {
  const { cleanup, events, task } = recording();
  cleanup.add('do a', task('a'));
  const part = cleanup.child();
  part.add('do b', task('b'));
  await part.run();
  expect(events).toEqual(['b']);
  await cleanup.run();
  expect(events).toEqual(['b', 'a']);
});
