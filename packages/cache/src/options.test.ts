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
    maxDirtyAgeMs: 30_000,
    maxWriteConcurrency: 256,
    minRetryDelayMs: 100,
    maxRetryDelayMs: 10_000,
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
    maxDirtyAgeMs: 0,
    maxWriteConcurrency: 1,
    minRetryDelayMs: 1,
    maxRetryDelayMs: 1,
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
  [{ maxDirtyAgeMs: 2 ** 31 }, 'maxDirtyAgeMs must be a number from 0 to 2147483647, not 2147483648'],
  [{ maxDirtyAgeMs: '5' }, 'maxDirtyAgeMs must be a number from 0 to 2147483647, not "5"'],
  [{ minRetryDelayMs: 2 ** 31, maxRetryDelayMs: 2 ** 31 }, 'minRetryDelayMs must be an integer from 1 to 2147483647'],
  [{ minRetryDelayMs: 200, maxRetryDelayMs: 100 }, 'minRetryDelayMs must be at most maxRetryDelayMs, 100, not 200'],
  [{ clock: {} }, 'clock must be a clock'],
  [{ clock: null }, 'clock must be a clock: an object with now, set and clear, not null'],
  [{ seed: -1 }, 'seed must be a non-negative safe integer, not -1'],
  [{ seed: 'x' }, 'seed must be'],
  [{ mode: null }, "mode must be 'writeback' or 'writethrough', not null"],
  [{ lineSize: '4096' }, 'lineSize must be a non-negative safe integer, not "4096"'],
  [{ maxWriteConcurrency: 0 }, 'maxWriteConcurrency must be a safe integer of at least 1, not 0'],
  [{ maxWriteConcurrency: 1.5 }, 'maxWriteConcurrency'],
  [{ minRetryDelayMs: 0 }, 'minRetryDelayMs must be an integer from 1 to'],
  [{ maxRetryDelayMs: 0 }, 'maxRetryDelayMs must be an integer from 1 to'],
  [{ maxDirtyAgeMs: -1 }, 'maxDirtyAgeMs must be a number from 0 to 2147483647, not -1'],
  [{ maxDirtyAgeMs: Number.NaN }, 'maxDirtyAgeMs must be a number from 0 to 2147483647, not NaN'],
  [{ mode: 'fast' }, "mode must be 'writeback' or 'writethrough', not \"fast\""],
  [{ policy: 'random' }, "policy must be 'wtinylfu', 'clock2qplus' or 'lru', not \"random\""],
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
  expect(() => checkOptions({ minRetryDelayMs: 0 }, 512)).toThrow(expect.objectContaining({ operation: 'connect' }));
});

test.each([[undefined], [null], [5], [{}]])('a cache of %o, which is no device, is refused', async (base) => {
  await expect(connectCache(base as never)).rejects.toMatchObject({
    name: 'BlockError',
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('base must be a block device, not'),
  });
});
