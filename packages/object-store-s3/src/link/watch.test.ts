import { expect, test } from 'vitest';
import { TestTime } from '../testing/test-time.js';
import { type TimedOut, Watch } from './watch.js';

function watchOf(time: TestTime, { uploadBytes = 0, downloadBytes = 0 }) {
  let watch: Watch | undefined;
  const timedOut = new Promise<{ atMs: number; error: TimedOut }>((resolve) => {
    const onTimeout = (error: TimedOut) => resolve({ atMs: time.now(), error });
    watch = new Watch({ clock: time, silenceMs: 30_000, uploadBytes, downloadBytes, onTimeout });
  });
  return { watch: watch as unknown as Watch, timedOut };
}

test('silence ends a request', async () => {
  const time = new TestTime();
  const { timedOut } = watchOf(time, { downloadBytes: 4096 });
  const { atMs, error } = await time.until(timedOut);
  expect(atMs).toBe(30_000);
  expect(error.message).toBe('nothing has moved for 30000 ms');
});

test('a body that leaves step by step may take as long as a thin line does', async () => {
  const time = new TestTime();
  const { watch, timedOut } = watchOf(time, { uploadBytes: 1 << 20 });
  for (let step = 0; step < 16; step++) {
    watch.sent(step === 15);
    await time.pass(5500);
  }
  watch.end();
  expect(time.now()).toBe(88_000);
  await expect(Promise.race([timedOut, Promise.resolve('alive')])).resolves.toBe('alive');
});

test('a body that is stuck half way is silence', async () => {
  const time = new TestTime();
  const { watch, timedOut } = watchOf(time, { uploadBytes: 64 << 20 });
  await time.pass(10_000);
  watch.sent(false);
  expect((await time.until(timedOut)).atMs).toBe(40_000);
});

test('a body that the system took at once has the time that a thin line needs for it', async () => {
  const time = new TestTime();
  const { watch, timedOut } = watchOf(time, { uploadBytes: 1 << 20 });
  watch.sent(true);
  expect((await time.until(timedOut)).atMs).toBe(30_000 + 64_000);
});

test('an answer that drips for ever ends', async () => {
  const time = new TestTime();
  const { watch, timedOut } = watchOf(time, { downloadBytes: 1 << 20 });
  let isOver = false;
  void timedOut.then(() => {
    isOver = true;
  });
  while (!isOver) {
    watch.received();
    await time.pass(1000);
  }
  expect((await timedOut).atMs).toBe(30_000 + 64_000);
});

test('bytes that are counted and not told are progress', async () => {
  const time = new TestTime();
  const { watch, timedOut } = watchOf(time, { downloadBytes: 1 << 20 });
  let received = 0;
  watch.follow(() => received);
  await time.pass(20_000);
  received = 700;
  const { atMs } = await time.until(timedOut);
  // Seen when the silence would have been over: it begins anew there.
  expect(atMs).toBe(60_000);
});

test('one that has ended does not time out', async () => {
  const time = new TestTime();
  const { watch, timedOut } = watchOf(time, { downloadBytes: 1 });
  watch.end();
  await time.pass(100_000);
  await expect(Promise.race([timedOut, Promise.resolve('ended')])).resolves.toBe('ended');
});
