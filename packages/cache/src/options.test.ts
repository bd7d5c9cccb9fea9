import { systemClock } from '@blockyard/block';
import { expect, test } from 'vitest';
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
  [{ writeConcurrencyMax: 0 }, 'writeConcurrencyMax must be at least 1'],
  [{ writeConcurrencyMax: 1.5 }, 'writeConcurrencyMax'],
  [{ retryDelayMinMs: 0 }, 'retryDelayMinMs must be at least 1'],
  [{ retryDelayMaxMs: 0 }, 'retryDelayMaxMs must be at least 1'],
  [{ dirtyAgeMaxMs: -1 }, 'dirtyAgeMaxMs must not be negative, not -1'],
  [{ dirtyAgeMaxMs: Number.NaN }, 'dirtyAgeMaxMs must not be negative, not NaN'],
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
