import assert from 'node:assert/strict';
import { isBlockError } from '@blockyard/block';
import { ManualClock, settled } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { type DelayOptions, withDelay } from './index.js';
import { look, memory, recorder, SECTOR, sectors } from './testing/base.js';

async function setUp(options: DelayOptions) {
  const clock = new ManualClock({ nowMs: 1000.25 });
  const base = await memory();
  return { clock, base, device: withDelay(base, { clock, ...options }) };
}

/** Notes when promises settle, by the clock. */
function stopwatch(clock: ManualClock) {
  const startMs = clock.now();
  const ended: [string, number][] = [];
  const watch = (name: string, promise: Promise<unknown>) => {
    const note = () => ended.push([name, Math.round(clock.now() - startMs)]);
    promise.then(note, note);
  };
  return { ended, watch };
}

describe('latency', () => {
  test('passes before an operation reaches the base, and no longer', async () => {
    const { clock, base, device } = await setUp({ latencyMs: 5 });
    const { ended, watch } = stopwatch(clock);
    watch('write', device.write(0, [sectors(1, 1)]));
    await clock.advanceAndSettle(4);
    assert.deepEqual(await look(base, 0, 1), [0]);
    assert.deepEqual(ended, []);
    await clock.advanceAndSettle(2);
    assert.deepEqual(await look(base, 0, 1), [1]);
    assert.equal(ended[0]?.[1], 6);
  });

  test('can be set for each operation', async () => {
    const { clock, device } = await setUp({ latencyMs: { write: 20, flush: 10 } });
    const { ended, watch } = stopwatch(clock);
    watch('read', device.read(0, [sectors(1, 0)]));
    watch('write', device.write(0, [sectors(1, 0)]));
    watch('flush', device.flush());
    await clock.advanceAndSettle(50);
    assert.deepEqual(
      ended.map(([name]) => name),
      ['read', 'flush', 'write'],
    );
  });

  test('that a function tells is asked for at each operation', async () => {
    let latencyMs = 20;
    const { clock, device } = await setUp({ latencyMs: () => latencyMs });
    const { ended, watch } = stopwatch(clock);
    watch('slow', device.read(0, [sectors(1, 0)]));
    await clock.advanceAndSettle(1);
    latencyMs = 5;
    watch('quick', device.read(0, [sectors(1, 0)]));
    await clock.advanceAndSettle(50);
    assert.deepEqual(
      ended.map(([name]) => name),
      ['quick', 'slow'],
    );
    latencyMs = -1;
    await assert.rejects(device.read(0, [sectors(1, 0)]), (error) => isBlockError(error, 'INVALID_ARGUMENT'));
    await device.disconnect({ force: true });
  });

  test('as one number leaves disconnect alone', async () => {
    const clock = new ManualClock({ nowMs: 1000.25 });
    const { device: base } = recorder({ readOnly: true });
    await withDelay(base, { latencyMs: 100, clock }).disconnect();
  });

  test('runs for any number of operations at once, on as many timers as there are milliseconds', async () => {
    const { clock, device } = await setUp({ latencyMs: 3 });
    const all = Array.from({ length: 1000 }, () => device.read(0, [sectors(1, 0)]));
    await clock.advanceAndSettle(4);
    await Promise.all(all);
    assert.equal(clock.timersSet, 1);
  });

  test('of nothing needs no timer', async () => {
    const { clock, device } = await setUp({});
    await device.write(0, [sectors(1, 1)]);
    await device.flush();
    assert.equal(clock.timersSet, 0);
  });

  test('longer than a timer can wait is waited for in parts', async () => {
    const { clock, device } = await setUp({ bytesPerSecond: 1 });
    const { ended, watch } = stopwatch(clock);
    const days = 32;
    const bytes = days * 24 * 3600;
    const count = Math.ceil(bytes / SECTOR);
    await device.resize(count);
    watch('read', device.read(0, [sectors(count, 0)]));
    await clock.advanceAndSettle((bytes - 1) * 1000);
    assert.deepEqual(ended, []);
    await clock.advanceAndSettle(SECTOR * 1000 + 1000);
    assert.equal(ended.length, 1);
    assert.equal(clock.timersSet, 2);
  });
});

describe('bandwidth', () => {
  test('is shared by reads and writes, one after the other', async () => {
    // A sector takes half a millisecond.
    const { clock, device } = await setUp({ bytesPerSecond: SECTOR * 2000 });
    const { ended, watch } = stopwatch(clock);
    watch('first', device.write(0, [sectors(20, 1)]));
    watch('second', device.read(0, [sectors(20, 1)]));
    watch('nothing to move', device.flush());
    await clock.advanceAndSettle(30);
    assert.deepEqual(ended, [
      ['nothing to move', 0],
      ['first', 11],
      ['second', 21],
    ]);
  });

  test('adds up to what was asked for, though timers know only milliseconds', async () => {
    const { clock, device } = await setUp({ bytesPerSecond: SECTOR * 10_000 });
    const { ended, watch } = stopwatch(clock);
    for (let i = 0; i < 1000; i++) watch(`${i}`, device.read(0, [sectors(1, 0)]));
    await clock.advanceAndSettle(200);
    const lastMs = ended.at(-1)?.[1] ?? 0;
    assert.ok(lastMs >= 100 && lastMs <= 101, `a hundred milliseconds' worth took ${lastMs}`);
  });

  test('that is not used is not saved up', async () => {
    const { clock, device } = await setUp({ bytesPerSecond: SECTOR * 1000 });
    await clock.advanceAndSettle(1000);
    const { ended, watch } = stopwatch(clock);
    watch('read', device.read(0, [sectors(10, 0)]));
    await clock.advanceAndSettle(9);
    assert.deepEqual(ended, []);
  });
});

describe('maxConcurrency', () => {
  test('makes operations wait for each other, in order', async () => {
    const { clock, device } = await setUp({ latencyMs: 9.75, maxConcurrency: 2 });
    const { ended, watch } = stopwatch(clock);
    for (const name of ['a', 'b', 'c', 'd', 'e']) watch(name, device.read(0, [sectors(1, 0)]));
    await clock.advanceAndSettle(100);
    assert.deepEqual(ended, [
      ['a', 10],
      ['b', 10],
      ['c', 20],
      ['d', 20],
      ['e', 30],
    ]);
  });

  test('of one serves the next after a failure', async () => {
    const clock = new ManualClock({ nowMs: 1000.25 });
    const { device: base } = recorder({
      read: () => {
        throw new Error('no');
      },
    });
    const device = withDelay(base, { maxConcurrency: 1, latencyMs: 1, clock });
    const failed = device.read(0, [sectors(1, 0)]).then(
      () => 'read',
      () => 'failed',
    );
    const wrote = device.write(0, [sectors(1, 0)]);
    await clock.advanceAndSettle(10);
    assert.equal(await failed, 'failed');
    await wrote;
  });
});

describe('a forced disconnect', () => {
  test('ends what is delayed and what waits for a permit, leaves no timer, and does not touch the base', async () => {
    const clock = new ManualClock({ nowMs: 1000.25 });
    const { device: base, calls } = recorder();
    const device = withDelay(base, { latencyMs: 1000, maxConcurrency: 1, clock });
    const operations = [device.write(0, [sectors(1, 1)]), device.write(1, [sectors(1, 1)]), device.flush()];
    const results = Promise.allSettled(operations);
    await settled();
    await device.disconnect({ force: true });
    for (const result of await results) {
      assert.ok(result.status === 'rejected' && isBlockError(result.reason, 'DISCONNECTED'));
    }
    assert.equal(clock.timers.length, 0);
    assert.deepEqual(calls, ['disconnect({"force":true})']);
  });
});

test.each<[string, number, ((clock: ManualClock) => Promise<void>) | undefined]>([
  ['has just begun', 1000, undefined],
  ['has just begun, and is not delayed', 0, undefined],
  ['has waited long enough at that moment', 5, (clock) => clock.advanceAndSettle(6)],
  ['gets its permit at that moment', 1000, () => Promise.resolve()],
])('a forced disconnect ends what %s, leaves no timer, and keeps it from the base', async (_when, latencyMs, pass) => {
  const clock = new ManualClock({ nowMs: 1000.25 });
  const { device: base, calls } = recorder();
  const device = withDelay(base, { latencyMs, maxConcurrency: 1, clock });
  let forced: Promise<void> | undefined;
  const setTimer = clock.set.bind(clock);
  clock.set = (callback, delayMs) =>
    setTimer(() => {
      callback();
      forced ??= device.disconnect({ force: true });
    }, delayMs);
  const results = Promise.allSettled([device.write(0, [sectors(1, 1)]), device.flush()]);
  if (pass !== undefined) await pass(clock);
  forced ??= device.disconnect({ force: true });
  await forced;
  for (const result of await results) {
    assert.ok(result.status === 'rejected' && isBlockError(result.reason, 'DISCONNECTED'));
  }
  assert.equal(clock.timers.length, 0);
  assert.deepEqual(calls, ['disconnect({"force":true})']);
});

test('an ordinary disconnect waits for what is delayed', async () => {
  const { clock, device } = await setUp({ latencyMs: 5 });
  const { ended, watch } = stopwatch(clock);
  watch('write', device.write(0, [sectors(1, 1)]));
  watch('disconnect', device.disconnect());
  await clock.advanceAndSettle(20);
  assert.deepEqual(
    ended.map(([name]) => name),
    ['write', 'disconnect'],
  );
  assert.equal(clock.timers.length, 0);
});

test.each<[string, unknown]>([
  ['a negative latency', { latencyMs: -1 }],
  ['a latency of more than a day', { latencyMs: 1e9 }],
  ['a latency that is no number', { latencyMs: { read: '5' } }],
  ['a latency of an unknown operation', { latencyMs: { reed: 5 } }],
  ['no latency at all', { latencyMs: null }],
  ['a maxConcurrency of none', { maxConcurrency: 0 }],
  ['a bandwidth of nothing', { bytesPerSecond: 0 }],
  ['a bandwidth in fractions', { bytesPerSecond: 0.5 }],
])('refuses %s', async (_, options) => {
  const base = await memory();
  assert.throws(
    () => withDelay(base, options as DelayOptions),
    (error) => isBlockError(error, 'INVALID_ARGUMENT'),
  );
});
