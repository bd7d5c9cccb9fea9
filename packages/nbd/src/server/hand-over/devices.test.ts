import assert from 'node:assert/strict';
import type { BlockDevice } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { describe, test } from 'vitest';
import { MovingDevices } from './devices.js';

/** The flushes that are made before a pause where each takes as long as the next of these, in milliseconds. */
async function flushesAhead(...tookMs: readonly number[]): Promise<number> {
  const clock = new ManualClock();
  let flushes = 0;
  const flush = async () => clock.advance(tookMs[flushes++] ?? 0);
  const names = new Map([[{ flush } as unknown as BlockDevice, ['disk']]]);
  const devices = new MovingDevices(
    () => names,
    () => Promise.reject(new Error('it is not disconnected')),
  );
  await devices.flushAhead(clock);
  return flushes;
}

describe('Flushes before a pause', () => {
  test('go on while each leaves less, up to a bound', async () => {
    assert.equal(await flushesAhead(5), 1);
    assert.equal(await flushesAhead(800, 600, 450, 300, 200), 4);
    assert.equal(await flushesAhead(800, 300, 9, 4), 3);
  });

  test('end where what comes meanwhile takes as long again', async () => {
    assert.equal(await flushesAhead(3000, 2900, 3100, 2800), 2);
  });
});
