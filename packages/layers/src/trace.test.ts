import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ManualClock } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { type TraceRecord, withDelay, withFaults, withTrace } from './index.js';
import { memory, recorder, sectors } from './testing/base.js';

describe('a trace', () => {
  test('has one record of every operation, when it ends', async () => {
    const clock = new ManualClock({ nowMs: 1000.25 });
    const startMs = clock.now();
    const records: TraceRecord[] = [];
    const slow = withDelay(await memory(), { latencyMs: { write: 4.75 }, clock });
    const device = withTrace(slow, (record) => records.push(record), { clock });
    const wrote = device.write(3, [sectors(2, 1)]);
    await device.flush();
    await clock.advanceAndSettle(10);
    await wrote;
    await device.resize(100);
    const common = { startMs, start: undefined, count: undefined, durationMs: 0, error: undefined };
    assert.deepEqual(records, [
      { ...common, sequence: 1, operation: 'flush' },
      { ...common, sequence: 0, operation: 'write', start: 3, count: 2, durationMs: 4.75 },
      { ...common, sequence: 2, operation: 'resize', startMs: startMs + 10 },
    ]);
  });

  test('says why an operation failed', async () => {
    const records: TraceRecord[] = [];
    const faulty = withFaults(await memory(), {
      rules: [{ action: 'failBefore', operation: 'read', code: 'CORRUPT' }],
    });
    const device = withTrace(faulty, (record) => records.push(record));
    await assert.rejects(device.read(0, [sectors(1, 0)]));
    assert.deepEqual([records[0]?.operation, records[0]?.error], ['read', 'CORRUPT']);
  });

  test('shows what a disconnect does, and the writes that stand in for what the base cannot', async () => {
    const operations: string[] = [];
    const { device: base } = recorder();
    const device = withTrace(base, ({ operation }) => operations.push(operation));
    await device.discard(0, 1);
    await device.disconnect();
    assert.deepEqual(operations, ['write', 'flush', 'disconnect']);
  });

  test('that cannot be taken fails loudly, but no operation with it', async () => {
    const mistake = new Error('the sink is full');
    const device = withTrace(await memory(), () => {
      throw mistake;
    });
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    const reported = once(process, 'unhandledRejection');
    await device.write(0, [sectors(1, 1)]);
    assert.equal((await reported)[0], mistake);
    for (const listener of others) process.on('unhandledRejection', listener);
  });

  test('needs a sink', async () => {
    const base = await memory();
    assert.throws(() => withTrace(base, undefined as never), /sink must be a function/);
  });
});
