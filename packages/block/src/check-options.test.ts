import { describe, expect, test } from 'vitest';
import {
  checkBoolean,
  checkClock,
  checkDevice,
  checkFunction,
  checkIntegerBetween,
  checkNumberBetween,
  checkOneOf,
  checkOptionNames,
  checkTimeMs,
} from './check-options.js';
import { compare, copy, createDevice, fill, systemClock } from './index.js';
import { errorOf, memoryDriver } from './testing.js';

describe('A check of an option', () => {
  const refusals: readonly [string, () => void, string][] = [
    ['an array for options', () => checkOptionNames([] as never, {}), 'options must be an object, not an array'],
    [
      'an unknown name',
      () => checkOptionNames({ c: 1 } as never, { a: true, b: true }, 'these'),
      'unknown option "c" in these; there are: a, b',
    ],
    ['a word for a boolean', () => checkBoolean('no', 'flag'), 'flag must be true or false, not "no"'],
    ['null for a boolean', () => checkBoolean(null, 'flag'), 'flag must be true or false, not null'],
    ['a fraction', () => checkIntegerBetween(1.5, 'count', 1, 9), 'count must be an integer from 1 to 9, not 1.5'],
    ['too little', () => checkIntegerBetween(0, 'count', 1), 'count must be a safe integer of at least 1, not 0'],
    ['too much', () => checkIntegerBetween(10, 'count', 1, 9), 'count must be an integer from 1 to 9, not 10'],
    ['no number', () => checkIntegerBetween('5', 'count', 1, 9), 'count must be an integer from 1 to 9, not "5"'],
    ['NaN', () => checkNumberBetween(Number.NaN, 'share', 0, 1), 'share must be a number from 0 to 1, not NaN'],
    ['a bigint', () => checkNumberBetween(1n, 'share', 0, 1), 'share must be a number from 0 to 1, not 1n'],
    [
      'a time that no timer can take',
      () => checkTimeMs(2 ** 31, 'delayMs'),
      'delayMs must be an integer from 0 to 2147483647, not 2147483648',
    ],
    ['another word', () => checkOneOf('c', 'mode', ['a', 'b']), "mode must be 'a' or 'b', not \"c\""],
    ['another of three', () => checkOneOf('d', 'mode', ['a', 'b', 'c']), "mode must be 'a', 'b' or 'c', not \"d\""],
    ['another than one', () => checkOneOf('b', 'mode', ['a']), 'mode must be \'a\', not "b"'],
    ['an object for a function', () => checkFunction({}, 'hook'), 'hook must be a function, not an object'],
    [
      'a function for a clock',
      () => checkClock(() => 0),
      'clock must be a clock: an object with now, set and clear, not a function',
    ],
    ['half a clock', () => checkClock({ now: () => 0 }), 'clock must be a clock'],
    ['no device', () => checkDevice(undefined, 'base'), 'base must be a block device, not undefined'],
  ];
  test.each(refusals)('refuses %s, and says which, what it must be and what was given', (_, check, message) => {
    expect(check).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });

  test('passes what is right', () => {
    checkBoolean(false, 'flag');
    checkIntegerBetween(9, 'count', 1, 9);
    checkNumberBetween(0.5, 'share', 0, 1);
    checkTimeMs(2 ** 31 - 1, 'delayMs');
    checkOneOf('a', 'mode', ['a', 'b']);
    checkFunction(() => {}, 'hook');
    checkClock(systemClock);
    checkDevice(createDevice(memoryDriver(512, 8)), 'base');
  });
});

const common: readonly [object, string][] = [
  [{ piecebytes: 1 }, 'unknown option "piecebytes" in options; there are: maxConcurrency, pieceBytes'],
  [{ maxConcurrency: 0 }, 'maxConcurrency must be an integer from 1 to 1024, not 0'],
  [{ maxConcurrency: '8' }, 'maxConcurrency must be an integer from 1 to 1024, not "8"'],
  [{ maxConcurrency: Number.NaN }, 'maxConcurrency must be an integer from 1 to 1024, not NaN'],
  [{ pieceBytes: 2 ** 31 }, 'pieceBytes must be an integer from 1 to 1073741824'],
  [{ signal: 'stop' }, 'signal must be an AbortSignal, not "stop"'],
  [{ lengthBytes: -512 }, 'lengthBytes must be a non-negative safe integer, not -512'],
  [{ onProgress: true }, 'onProgress must be a function, not true'],
];
const tables: readonly [string, (options: object) => Promise<unknown>, readonly [object, string][]][] = [
  [
    'copy',
    (options) => copy(device(), device(), options),
    [
      [{ fromOffsetBytes: '0' }, 'fromOffsetBytes must be a non-negative safe integer, not "0"'],
      [{ toOffsetBytes: 0.5 }, 'toOffsetBytes must be'],
      [{ detectZeroes: 1 }, 'detectZeroes must be true or false, not 1'],
      [{ flush: 'no' }, 'flush must be true or false, not "no"'],
    ],
  ],
  [
    'compare',
    (options) => compare(device(), device(), options),
    [
      [{ aOffsetBytes: -1 }, 'aOffsetBytes must be'],
      [{ bOffsetBytes: null }, 'bOffsetBytes must be'],
      [{ ignoreZeroTail: 'yes' }, 'ignoreZeroTail must be true or false, not "yes"'],
    ],
  ],
  [
    'fill',
    (options) => fill(device(), 1, options),
    [
      [{ offsetBytes: Number.POSITIVE_INFINITY }, 'offsetBytes must be'],
      [{ flush: 0 }, 'flush must be true or false, not 0'],
    ],
  ],
  ['createDevice', async (options) => createDevice(memoryDriver(512, 8), options), []],
];

function device() {
  return createDevice(memoryDriver(512, 8));
}

describe.each(tables)('%s', (name, run, own) => {
  const deviceOptions: readonly [object, string][] = [
    [{ clocks: 1 }, 'unknown option "clocks" in options; there are: clock'],
    [{ clock: {} }, 'clock must be a clock'],
  ];
  test.each(name === 'createDevice' ? deviceOptions : [...common, ...own])('refuses %o', async (options, message) => {
    expect(await errorOf(run(options))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
  });
});

test('what is no device is refused by name', async () => {
  expect(await errorOf(copy(undefined as never, device()))).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('from must be a block device, not undefined'),
  });
  expect(await errorOf(copy(device(), {} as never))).toMatchObject({
    message: expect.stringContaining('to must be a block device'),
  });
  expect(await errorOf(compare(device(), 5 as never))).toMatchObject({
    message: expect.stringContaining('b must be a block device, not 5'),
  });
  expect(await errorOf(fill(null as never, 1))).toMatchObject({
    message: expect.stringContaining('device must be a block device, not null'),
  });
});
