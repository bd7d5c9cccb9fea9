import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstDifference } from './buffers.js';
import { byteLengthOf, isZero, sliceBuffers } from './index.js';

const buffers = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });

describe('byteLengthOf', () => {
  test('is the sum', () => {
    expect(byteLengthOf([])).toBe(0);
    expect(byteLengthOf([new Uint8Array(3), new Uint8Array(0), new Uint8Array(4)])).toBe(7);
  });
});

describe('sliceBuffers', () => {
  test('shows the same bytes as a slice of all of them in one', () => {
    fc.assert(
      fc.property(buffers, fc.nat(), fc.nat(), (list, a, b) => {
        const whole = Uint8Array.from(list.flatMap((bytes) => [...bytes]));
        const offset = a % (whole.byteLength + 1);
        const length = b % (whole.byteLength - offset + 1);
        const views = sliceBuffers(list, offset, length);
        expect(views.flatMap((bytes) => [...bytes])).toEqual([...whole.subarray(offset, offset + length)]);
        expect(views.every(({ byteLength }) => byteLength > 0)).toBe(true);
      }),
    );
  });

  test('copies nothing', () => {
    const bytes = new Uint8Array(8);
    const [view] = sliceBuffers([bytes], 2, 4);
    view?.fill(1);
    expect([...bytes]).toEqual([0, 0, 1, 1, 1, 1, 0, 0]);
  });

  test('refuses a range that is not there', () => {
    expect(() => sliceBuffers([new Uint8Array(4)], 2, 3)).toThrow(RangeError);
  });
});

describe('isZero', () => {
  test('sees every single byte, at every alignment', () => {
    const memory = new Uint8Array(40);
    for (let start = 0; start < 6; start++) {
      for (let end = start; end < 24; end++) {
        memory.fill(1);
        const bytes = memory.subarray(start, end);
        bytes.fill(0);
        expect(isZero(bytes)).toBe(true);
        for (let i = 0; i < bytes.byteLength; i++) {
          bytes[i] = 128;
          expect(isZero(bytes)).toBe(false);
          bytes[i] = 0;
        }
      }
    }
  });

  test('sees shared memory', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(16), 3);
    expect(isZero(bytes)).toBe(true);
    bytes[12] = 1;
    expect(isZero(bytes)).toBe(false);
  });
});

describe('firstDifference', () => {
  test('finds the first one, at every alignment', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.nat(3),
        fc.nat(3),
        fc.array(fc.nat(), { maxLength: 3 }),
        (bytes, i, j, at) => {
          const a = new Uint8Array(bytes.byteLength + i).subarray(i);
          const b = new Uint8Array(bytes.byteLength + j).subarray(j);
          a.set(bytes);
          b.set(bytes);
          const places = at.map((place) => place % (bytes.byteLength + 1)).filter((place) => place < bytes.byteLength);
          for (const place of places) b[place] = (bytes[place] ?? 0) ^ 1;
          expect(firstDifference(a, b)).toBe(places.length === 0 ? undefined : Math.min(...places));
        },
      ),
    );
  });

  test('refuses arrays of different lengths', () => {
    expect(() => firstDifference(new Uint8Array(1), new Uint8Array(2))).toThrow(RangeError);
  });
});
