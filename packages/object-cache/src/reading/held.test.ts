import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { holdTogether, type Piece } from './held.js';

const OBJECT = Uint8Array.from({ length: 100 }, (_, at) => at);
const version = { etag: '"1"', sizeBytes: OBJECT.byteLength, stamp: undefined };
const pieceOf = (offset: number, end: number): Piece => ({ offset, bytes: OBJECT.subarray(offset, end) });
const range = fc
  .tuple(fc.nat({ max: 99 }), fc.integer({ min: 1, max: 40 }))
  .map(([offset, length]) => [offset, Math.min(100, offset + length)] as const);

test('Pieces in any order, overlapping or not, and what is missing make the range, which ends with the object', () => {
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 6 }),
      fc.nat({ max: 99 }),
      fc.integer({ min: 1, max: 150 }),
      (pieces, offset, lengthBytes) => {
        const held = holdTogether(
          version,
          { offset, lengthBytes },
          pieces.map(([from, to]) => pieceOf(from, to)),
        );
        if (held === undefined) return;
        const { before, missing, after } = held;
        const fetched =
          missing === undefined ? [] : [OBJECT.subarray(missing.offset, missing.offset + missing.lengthBytes)];
        const all = Buffer.concat([
          ...before.map(({ bytes }) => bytes),
          ...fetched,
          ...after.map(({ bytes }) => bytes),
        ]);
        expect(Buffer.compare(all, OBJECT.subarray(offset, offset + lengthBytes))).toBe(0);
        const isThere = (at: number) => pieces.some(([from, to]) => from <= at && at < to);
        if (missing === undefined) return;
        expect(isThere(missing.offset)).toBe(false);
        expect(isThere(missing.offset + missing.lengthBytes - 1)).toBe(false);
      },
    ),
    { numRuns: 2000 },
  );
});

test('Where neither end of a range is there, nothing is of use', () => {
  expect(holdTogether(version, { offset: 10, lengthBytes: 50 }, [pieceOf(20, 30)])).toBeUndefined();
  expect(holdTogether(version, { offset: 10, lengthBytes: 50 }, [])).toBeUndefined();
  expect(holdTogether(version, { offset: 10, lengthBytes: 50 }, [pieceOf(0, 30)])?.missing).toEqual({
    offset: 30,
    lengthBytes: 30,
  });
});
