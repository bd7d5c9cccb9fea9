import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Geometry } from '../lines/geometry.js';
import type { Sector } from '../tables/numbers.js';
import { RequestRange } from './request-range.js';

const LINE_SECTORS = 8;
const SECTOR = 512;

test('a request is served line after line, each sector once, at its place in the memory of the caller', () => {
  const geometry = new Geometry(SECTOR, LINE_SECTORS * SECTOR, SECTOR);
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.integer({ min: 1, max: 50 }), (start, count) => {
      const range = new RequestRange(geometry, start as Sector, count, [new Uint8Array(count * SECTOR)]);
      const served: number[] = [];
      for (; !range.isOver; range.next()) {
        expect(range.from).toBeLessThan(range.to);
        for (let at = range.from; at < range.to; at++) {
          expect(range.byteOf(range.line, at)).toBe(served.length * SECTOR);
          served.push(range.line * LINE_SECTORS + at);
        }
      }
      expect(served).toEqual(Array.from({ length: count }, (_, i) => start + i));
    }),
  );
});
