import { deepStrictEqual, strictEqual } from 'node:assert';
import { describe, test } from 'vitest';
import { stamped, TORN, writerOf, writersOf } from './stamp.js';

describe.each([512, 4096, 65_536])('sectors of %i bytes', (sectorSize) => {
  test('tell who wrote them, wherever they lie, also past 2^32 and in a buffer that is not aligned', () => {
    for (const sector of [0, 7, 2 ** 32, 2 ** 32 + 7, 2 ** 43]) {
      const shifted = new Uint8Array(2 * sectorSize + 3).subarray(3);
      shifted.set(stamped(9, sector, 2, sectorSize));
      deepStrictEqual(writersOf(shifted, sector, sectorSize), [9, 9]);
      strictEqual(writerOf(stamped(9, sector, 1, sectorSize), sector + 1), TORN);
      strictEqual(writerOf(stamped(9, sector, 1, sectorSize), (sector + 2 ** 32) % 2 ** 44), TORN);
    }
    strictEqual(writerOf(new Uint8Array(sectorSize), 5), 0);
  });

  test('are torn when a single byte is another’s', () => {
    for (const at of [0, 3, 4, sectorSize / 2, sectorSize - 1]) {
      for (const [mine, other] of [
        [stamped(1, 5, 1, sectorSize), stamped(2, 5, 1, sectorSize)],
        [stamped(1, 5, 1, sectorSize), new Uint8Array(sectorSize)],
        [new Uint8Array(sectorSize), stamped(1, 5, 1, sectorSize)],
      ] as const) {
        const mixed = mine.slice();
        mixed[at] = other[at] ?? 0;
        if (mixed[at] !== mine[at]) strictEqual(writerOf(mixed, 5), TORN);
      }
    }
  });
});
