import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkBounds,
  checkBuffers,
  checkBuffersAgain,
  checkInteger,
  checkRange,
  checkSectorSize,
  checkSize,
} from './check.js';
import { checkOptionNames } from './check-options.js';
import { createDevice } from './index.js';
import { memoryDriver } from './testing.js';

const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' });

describe('checkInteger', () => {
  test('says what was wrong, by name', () => {
    const shown: readonly [unknown, string][] = [
      [-1, '-1'],
      [1.5, '1.5'],
      ['1', '"1"'],
      [1n, '1n'],
      [null, 'null'],
      [[], 'an array'],
      [{}, 'an object'],
      [() => {}, 'a function'],
      [Symbol('x'), 'Symbol(x)'],
    ];
    for (const [value, text] of shown) {
      expect(() => checkInteger(value, 'start')).toThrow(`start must be a non-negative safe integer, not ${text}`);
    }
    checkInteger(0, 'start');
    checkInteger(Number.MAX_SAFE_INTEGER, 'start');
  });
});

describe('checkSectorSize', () => {
  test('takes the powers of two from 512 to 65,536, and nothing else', () => {
    const taken: number[] = [];
    const powers = Array.from({ length: 50 }, (_, i) => 2 ** i);
    for (const size of [0, 1536, 3072, 65_537, ...powers.flatMap((power) => [power - 1, power, power + 1])]) {
      try {
        checkSectorSize(size);
        taken.push(size);
      } catch (error) {
        expect(error).toEqual(invalid);
      }
    }
    expect(taken).toEqual([512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]);
  });
});

describe('checkSize', () => {
  test('takes sizes up to 2^53 - 1 bytes', () => {
    for (const sectorSize of [512, 4096, 65_536]) {
      const sectorsMax = Math.floor(Number.MAX_SAFE_INTEGER / sectorSize);
      checkSize(sectorsMax, sectorSize);
      expect(() => checkSize(sectorsMax + 1, sectorSize)).toThrow(invalid);
    }
  });
});

describe('checkBuffers', () => {
  test('takes exactly the lists of whole sectors', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(512), fc.constant(1024), fc.nat(1100)), { maxLength: 6 }),
        (lengths) => {
          const buffers = lengths.map((length) => new Uint8Array(length));
          if (lengths.every((length) => length % 512 === 0)) {
            expect(checkBuffers(buffers, 512)).toEqual(buffers.filter(({ byteLength }) => byteLength > 0));
          } else {
            expect(() => checkBuffers(buffers, 512)).toThrow(expect.objectContaining({ code: 'UNALIGNED' }));
          }
        },
      ),
    );
  });

  test('names the buffer that is wrong', () => {
    expect(() => checkBuffers([new Uint8Array(512), 'no'], 512)).toThrow('buffers[1] must be a Uint8Array, not "no"');
    expect(() => checkBuffers([new Uint8Array(513)], 512)).toThrow('buffers[0] has 513 bytes');
  });

  test('is not fooled by an object that only looks like bytes', () => {
    const fake = { byteLength: 512, [Symbol.toStringTag]: 'Uint8Array' };
    expect(() => checkBuffers([fake], 512)).toThrow(invalid);
  });
});

describe('checkBuffersAgain', () => {
  const again = (...lengths: number[]) => {
    const list = lengths.map((length) => new Uint8Array(length));
    return () => checkBuffersAgain(list, 512, 2);
  };

  test('takes whole sectors, as many as there were', () => {
    expect(again(1024)).not.toThrow();
    expect(again(512, 512)).not.toThrow();
  });

  test('refuses fewer or more, parts of sectors, and what is empty by now', () => {
    for (const lengths of [[512], [1536], [256, 768], [0, 1024], [1024, 0]]) {
      expect(again(...lengths)).toThrow('a buffer was detached or resized while the operation waited');
    }
  });
});

describe('checkBounds', () => {
  test('agrees with exact arithmetic, however large the numbers', () => {
    const large = fc.oneof(fc.maxSafeNat(), fc.nat(100), fc.constant(Number.MAX_SAFE_INTEGER));
    const { info } = createDevice(memoryDriver(512, 0));
    fc.assert(
      fc.property(large, large, large, (start, count, sizeSectors) => {
        const check = () => checkBounds(start, count, { ...info, sizeSectors });
        if (BigInt(start) + BigInt(count) <= BigInt(sizeSectors)) check();
        else expect(check).toThrow(expect.objectContaining({ code: 'OUT_OF_BOUNDS' }));
      }),
    );
  });
});

describe('checkRange', () => {
  test('gives an object of its own, with nothing but the range', () => {
    const range = { start: 1, count: 2, extra: true };
    expect(checkRange(range)).toEqual({ start: 1, count: 2 });
    expect(checkRange(undefined)).toBeUndefined();
    expect(() => checkRange({ start: 1 })).toThrow(invalid);
  });
});

describe('Every refusal', () => {
  const refusals: readonly [string, () => unknown, string][] = [
    ['no sector size', () => checkSectorSize('x'), 'sectorSize must be a non-negative safe integer, not "x"'],
    [
      'a strange sector size',
      () => checkSectorSize(1000),
      'sectorSize must be a power of two from 512 to 65536, not 1000',
    ],
    ['no size', () => checkSize(-1, 512), 'sizeSectors must be a non-negative safe integer, not -1'],
    ['an enormous size', () => checkSize(2 ** 50, 512), `${2 ** 50} sectors of 512 bytes are more than 2^53 - 1 bytes`],
    ['no list', () => checkBuffers(new Uint8Array(512), 512), 'buffers must be an array of Uint8Array, not an object'],
    ['no range', () => checkRange(5), 'range must be { start, count }, not 5'],
    ['null for a range', () => checkRange(null), 'range must be { start, count }, not null'],
    ['a range without a start', () => checkRange({ count: 1 }), 'start must be a non-negative safe integer'],
    ['a range without a count', () => checkRange({ start: 1 }), 'count must be a non-negative safe integer'],
    ['no options', () => checkOptionNames(5 as never, {}), 'options must be an object, not 5'],
    ['null for options', () => checkOptionNames(null as never, {}, 'those'), 'those must be an object, not null'],
    [
      'an unknown option',
      () => checkOptionNames({ a: 1, b: 2 } as never, { a: true }),
      'unknown option "b" in options; there are: a',
    ],
    ['an inherited name', () => checkOptionNames({ toString: 1 } as never, {}), 'unknown option "toString" in options'],
  ];
  test.each(refusals)('of %s has the code and says why', (_, check, message) => {
    expect(check).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });

  test('of a detached buffer tells which, and an empty one passes', () => {
    const detached = new Uint8Array(512);
    structuredClone(detached, { transfer: [detached.buffer] });
    expect(() => checkBuffers([new Uint8Array(512), detached], 512)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: 'buffers[1] is detached' }),
    );
    const full = new Uint8Array(512);
    expect(checkBuffers([new Uint8Array(0), full, new Uint8Array(0)], 512)).toEqual([full]);
  });

  test('of options passes those that are known', () => {
    expect(() => checkOptionNames({ a: 1 }, { a: true })).not.toThrow();
    expect(() => checkOptionNames({}, {})).not.toThrow();
  });
});
