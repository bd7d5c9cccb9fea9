import assert from 'node:assert/strict';
import { type BlockDevice, isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { partition, withDelay, withFaults, withReadOnly, withStats, withTrace } from './index.js';
import { recorder } from './testing/base.js';

type Make = (base: BlockDevice, options: never) => unknown;
const withSink = (base: BlockDevice, options: never) => withTrace(base, () => {}, options);
const rule = { action: 'failBefore', operation: 'read' };

const refusals: readonly [string, Make, object, string][] = [
  ['withDelay', withDelay, { latency: 5 }, 'unknown option "latency" in options; there are: ownsBase, latencyMs'],
  ['withDelay', withDelay, { latencyMs: -1 }, 'latencyMs of read must be a number from 0 to 86400000, not -1'],
  ['withDelay', withDelay, { latencyMs: Number.NaN }, 'not NaN'],
  ['withDelay', withDelay, { latencyMs: { write: 2 ** 31 } }, 'latencyMs of write must be a number from 0 to 86400000'],
  [
    'withDelay',
    withDelay,
    { latencyMs: { writes: 1 } },
    'unknown option "writes" in latencyMs; there are: read, write',
  ],
  ['withDelay', withDelay, { maxConcurrency: 0 }, 'maxConcurrency must be a safe integer of at least 1, not 0'],
  ['withDelay', withDelay, { bytesPerSecond: 0.5 }, 'bytesPerSecond must be a safe integer of at least 1, not 0.5'],
  ['withDelay', withDelay, { clock: {} }, 'clock must be a clock'],
  ['withDelay', withDelay, { ownsBase: 'no' }, 'ownsBase must be true or false, not "no"'],
  [
    'withFaults',
    withFaults,
    { rules: [rule], seeds: 1 },
    'unknown option "seeds" in options; there are: ownsBase, rules, seed',
  ],
  [
    'withFaults',
    withFaults,
    { rules: [{ ...rule, nth: 0 }] },
    'rules[0].nth must be a safe integer of at least 1, not 0',
  ],
  [
    'withFaults',
    withFaults,
    { rules: [{ ...rule, probability: 2 }] },
    'rules[0].probability must be a number from 0 to 1, not 2',
  ],
  ['withFaults', withFaults, { rules: [{ ...rule, when: true }] }, 'rules[0].when must be a function, not true'],
  [
    'withFaults',
    withFaults,
    { rules: [{ ...rule, range: { start: 0, cnt: 1 } }] },
    'unknown option "cnt" in rules[0].range; there are: start, count',
  ],
  ['withStats', withStats, { clock: null }, 'clock must be a clock'],
  ['withStats', withStats, { interval: 5 }, 'there are: ownsBase, clock'],
  ['withTrace', withSink, { clock: 5 }, 'clock must be a clock: an object with now, set and clear, not 5'],
  ['withReadOnly', withReadOnly, { readOnly: true }, 'unknown option "readOnly" in options; there are: ownsBase'],
  [
    'partition',
    partition,
    { startSector: '0', sizeSectors: 1 },
    'startSector must be a non-negative safe integer, not "0"',
  ],
  [
    'partition',
    partition,
    { start: 0 },
    'unknown option "start" in options; there are: startSector, sizeSectors, ownsBase',
  ],
];

describe('Of options, each is named that is wrong, with what was given:', () => {
  test.each(refusals)('%s, %#', (_, make, options, message) => {
    const { device } = recorder();
    assert.throws(
      () => make(device, options as never),
      (error) => isBlockError(error, 'INVALID_ARGUMENT') && error.message.includes(message),
    );
  });

  test.each<[string, Make]>([
    ['withDelay', withDelay],
    ['withFaults', withFaults],
    ['withStats', withStats],
    ['withTrace', withSink],
    ['withReadOnly', withReadOnly],
    ['partition', partition],
  ])('%s over what is no device', (_, make) => {
    assert.throws(
      () => make(undefined as never, {} as never),
      (error) =>
        isBlockError(error, 'INVALID_ARGUMENT') && error.message === 'base must be a block device, not undefined',
    );
  });
});
