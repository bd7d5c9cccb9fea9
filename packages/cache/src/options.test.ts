import { systemClock } from '@blockyard/block';
import { expect, test } from 'vitest';
import { connectCache } from './connect.js';
import { type CacheOptions, checkOptions } from './options.js';

test('every option has its documented default', () => {
  expect(checkOptions({}, 512)).toEqual({
    maxSizeBytes: 104_857_600,
    mode: 'writeback',
    policy: 'wtinylfu',
    readAhead: true,
    dirtyAgeMaxMs: 30_000,
    writeConcurrencyMax: 256,
    retryDelayMinMs: 100,
    retryDelayMaxMs: 10_000,
    clock: systemClock,
  });
});

test('what is given takes the place of the default, and undefined does not', () => {
  const given: CacheOptions = {
    maxSizeBytes: 1,
    lineSize: 4096,
    mode: 'writethrough',
    policy: 'lru',
    readAhead: false,
    dirtyAgeMaxMs: 0,
    writeConcurrencyMax: 1,
    retryDelayMinMs: 1,
    retryDelayMaxMs: 1,
    clock: { ...systemClock },
    seed: 5,
  };
  expect(checkOptions(given, 4096)).toEqual(given);
  expect(checkOptions({ lineSize: undefined, mode: undefined } as unknown as CacheOptions, 512)).toEqual(
    checkOptions({}, 512),
  );
});

test.each([
  [{ maxSize: 5 }, 'maxSize'],
  [{ maxSizeBytes: -1 }, 'maxSizeBytes'],
  [{ maxSizeBytes: 1.5 }, 'maxSizeBytes'],
  [{ maxSizebytes: 5 }, 'unknown option "maxSizebytes" in options; there are: maxSizeBytes, lineSize'],
  [{ maxSizeBytes: Number.NaN }, 'maxSizeBytes must be a non-negative safe integer, not NaN'],
  [{ maxSizeBytes: '1e9' }, 'not "1e9"'],
  [{ readAhead: 'no' }, 'readAhead must be true or false, not "no"'],
  [{ readAhead: 0 }, 'readAhead must be true or false, not 0'],
  [{ dirtyAgeMaxMs: 2 ** 31 }, 'dirtyAgeMaxMs must be a number from 0 to 2147483647, not 2147483648'],
  [{ dirtyAgeMaxMs: '5' }, 'dirtyAgeMaxMs must be a number from 0 to 2147483647, not "5"'],
  [{ retryDelayMinMs: 2 ** 31, retryDelayMaxMs: 2 ** 31 }, 'retryDelayMinMs must be an integer from 1 to 2147483647'],
  [{ retryDelayMinMs: 200, retryDelayMaxMs: 100 }, 'retryDelayMinMs must be at most retryDelayMaxMs, 100, not 200'],
  [{ clock: {} }, 'clock must be a clock'],
  [{ clock: null }, 'clock must be a clock: an object with now, set and clear, not null'],
  [{ seed: -1 }, 'seed must be a non-negative safe integer, not -1'],
  [{ seed: 'x' }, 'seed must be'],
  [{ mode: null }, "mode must be 'writeback' or 'writethrough', not null"],
  [{ lineSize: '4096' }, 'lineSize must be a non-negative safe integer, not "4096"'],
  [{ writeConcurrencyMax: 0 }, 'writeConcurrencyMax must be a safe integer of at least 1, not 0'],
  [{ writeConcurrencyMax: 1.5 }, 'writeConcurrencyMax'],
  [{ retryDelayMinMs: 0 }, 'retryDelayMinMs must be an integer from 1 to'],
  [{ retryDelayMaxMs: 0 }, 'retryDelayMaxMs must be an integer from 1 to'],
  [{ dirtyAgeMaxMs: -1 }, 'dirtyAgeMaxMs must be a number from 0 to 2147483647, not -1'],
  [{ dirtyAgeMaxMs: Number.NaN }, 'dirtyAgeMaxMs must be a number from 0 to 2147483647, not NaN'],
  [{ mode: 'fast' }, "mode must be 'writeback' or 'writethrough', not \"fast\""],
  [{ policy: 'random' }, "policy must be 'wtinylfu' or 'lru', not \"random\""],
  [{ lineSize: 1000 }, 'lineSize must be a power of two'],
  [{ lineSize: 256 }, "from the sector's 512 to 16777216 bytes, not 256"],
  [{ lineSize: 2 ** 25 }, 'not 33554432'],
  [{ lineSize: 1.5 }, 'lineSize'],
])('%o is refused, and the message says why', (options, message) => {
  expect(() => checkOptions(options as CacheOptions, 512)).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    }),
  );
});

test('a line may be as small as a sector and as large as 16 MiB', () => {
  expect(checkOptions({ lineSize: 512 }, 512).lineSize).toBe(512);
  expect(checkOptions({ lineSize: 2 ** 24 }, 512).lineSize).toBe(2 ** 24);
});

test('the error says during what', () => {
  expect(() => checkOptions({ retryDelayMinMs: 0 }, 512)).toThrow(expect.objectContaining({ operation: 'connect' }));
});

test.each([[undefined], [null], [5], [{}]])('a cache of %o, which is no device, is refused', async (base) => {
  await expect(connectCache(base as never)).rejects.toMatchObject({
    name: 'BlockError',
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('base must be a block device, not'),
  });
});
