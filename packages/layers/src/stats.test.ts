import assert from 'node:assert/strict';
import { BlockError } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { withDelay, withFaults, withStats } from './index.js';
import { memory, recorder, SECTOR, sectors } from './testing/base.js';

describe('stats', () => {
  test('count calls and bytes by operation', async () => {
    const device = withStats(await memory());
    await device.write(0, [sectors(3, 1), sectors(1, 1)]);
    await device.write(0, [sectors(1, 1)]);
    await device.read(0, [sectors(2, 0)]);
    await device.discard(0, 8);
    await device.flush();
    const { write, read, discard, flush, writeZeroes } = device.stats();
    assert.deepEqual([write.calls, write.bytes], [2, 5 * SECTOR]);
    assert.deepEqual([read.calls, read.bytes], [1, 2 * SECTOR]);
    assert.deepEqual([discard.calls, discard.bytes], [1, 8 * SECTOR]);
    assert.deepEqual([flush.calls, flush.bytes], [1, 0]);
    assert.equal(writeZeroes.calls, 0);
    assert.deepEqual(writeZeroes.latency, { minMs: 0, meanMs: 0, maxMs: 0, p50Ms: 0, p99Ms: 0, p999Ms: 0 });
  });

  test('count errors by code, and no bytes for them', async () => {
    const faulty = withFaults(await memory(), {
      rules: [
        { action: 'failBefore', operation: 'write', nth: 1, code: 'NO_SPACE' },
        { action: 'failBefore', operation: 'write', nth: 2, code: 'TIMEOUT' },
        { action: 'failBefore', operation: 'write', nth: 3, code: 'TIMEOUT' },
      ],
    });
    const device = withStats(faulty);
    for (let i = 0; i < 4; i++) await device.write(0, [sectors(1, 1)]).catch(() => {});
    const { write } = device.stats();
    assert.deepEqual([write.calls, write.errors, write.bytes], [4, 3, SECTOR]);
    assert.deepEqual(write.errorsByCode, { NO_SPACE: 1, TIMEOUT: 2 });
  });

  test('leave out what never reaches the base', async () => {
    const device = withStats(await memory());
    await assert.rejects(device.read(1000, [sectors(1, 0)]), BlockError);
    assert.equal(device.stats().read.calls, 0);
  });

  test('know what is in flight, and how much was at once', async () => {
    const clock = new ManualClock({ nowMs: 1000.25 });
    const device = withStats(withDelay(await memory(), { latencyMs: 1, clock }), { clock });
    const all = [1, 2, 3].map(() => device.read(0, [sectors(1, 0)]));
    assert.deepEqual([device.stats().read.inFlight, device.stats().read.calls], [3, 0]);
    await clock.advanceAndSettle(2);
    await Promise.all(all);
    const { read } = device.stats();
    assert.deepEqual([read.inFlight, read.maxInFlight, read.calls], [0, 3, 3]);
  });

  test('time operations', async () => {
    const clock = new ManualClock({ nowMs: 1000.25 });
    const latencies = [1, 2, 3, 4, 10];
    let next = 0;
    const { device: base } = recorder({
      flush: async () => {
        await clock.advanceAndSettle(latencies[next++] ?? 0);
      },
    });
    const device = withStats(base, { clock });
    for (const _ of latencies) await device.flush();
    const { latency } = device.stats().flush;
    assert.deepEqual([latency.minMs, latency.meanMs, latency.maxMs, latency.p999Ms], [1, 4, 10, 10]);
    assert.ok(latency.p50Ms >= 3 && latency.p50Ms < 3 * 1.125, `${latency.p50Ms}`);
  });

  test('do not change once given out, and begin anew when told', async () => {
    const device = withStats(await memory());
    await device.flush();
    const before = device.stats();
    await device.flush();
    assert.equal(before.flush.calls, 1);
    device.resetStats();
    assert.equal(device.stats().flush.calls, 0);
    await device.flush();
    assert.equal(device.stats().flush.calls, 1);
  });
});
