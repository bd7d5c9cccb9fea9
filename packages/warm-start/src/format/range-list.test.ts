import type { HotRange } from '@blockyard/cache';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeList, encodeList, type ListOwner, RANGES_MAX } from './range-list.js';

const OWNER: ListOwner = { volume: 'b5f2', sectorSize: 512, sizeSectors: 2 ** 44 };
const RANGES: HotRange[] = [
  { start: 2 ** 40, count: 16, heat: 4 },
  { start: 0, count: 1, heat: 0 },
];

const usable = (ranges: readonly HotRange[]) => ({ state: 'usable', ranges });
const own = (reason: string) => ({ state: 'unusable', isOwn: true, reason });
const foreign = (reason: string) => ({ state: 'unusable', isOwn: false, reason });

describe('A list of ranges', () => {
  test('is read as it was written', () => {
    const range = fc
      .tuple(fc.nat(2 ** 20), fc.nat(2 ** 20), fc.integer({ min: 1, max: 2 ** 32 - 1 }), fc.nat(4))
      .map(([high, low, count, heat]) => ({ start: high * 2 ** 20 + low, count, heat }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 40 }), fc.constantFrom('hot ranges', 'boot profile'), (ranges, kind) => {
        expect(decodeList(kind, OWNER, encodeList(kind, OWNER, ranges))).toEqual(usable(ranges));
      }),
    );
  });

  test('has the bytes that its page says', () => {
    const bytes = Buffer.from(encodeList('hot ranges', { ...OWNER, sizeSectors: 2 ** 41 }, RANGES));
    expect(bytes.byteLength).toBe(128 + 2 * 12);
    expect(bytes.toString('latin1', 0, 8)).toBe('blkywarm');
    expect([8, 12, 48, 60].map((at) => bytes.readUInt32LE(at))).toEqual([1, 1, 512, 2]);
    expect(bytes.toString('hex', 16, 20)).toBe('35e10d49');
    expect(bytes.readBigUInt64LE(52)).toBe(2n ** 41n);
    expect(bytes.readUInt32LE(124)).toBe(0xd6c3_1807);
    expect(bytes.subarray(128, 140).toString('hex')).toBe('000000000001040010000000');
  });

  test('divides a range that is longer than a record has room for', () => {
    const long = { start: 5, count: 2 ** 33, heat: 2 };
    const decoded = decodeList('hot ranges', OWNER, encodeList('hot ranges', OWNER, [long]));
    expect(decoded).toEqual(
      usable([
        { start: 5, count: 2 ** 32 - 1, heat: 2 },
        { start: 4 + 2 ** 32, count: 2 ** 32 - 1, heat: 2 },
        { start: 3 + 2 ** 33, count: 2, heat: 2 },
      ]),
    );
  });

  test('has a bound', () => {
    const many = Array.from({ length: RANGES_MAX + 5 }, (_, i) => ({ start: i, count: 1, heat: 1 }));
    const decoded = decodeList('hot ranges', OWNER, encodeList('hot ranges', OWNER, many));
    expect(decoded.state === 'usable' && decoded.ranges.length).toBe(RANGES_MAX);
  });

  test('with any bit changed, or cut short or longer, is none', () => {
    const bytes = encodeList('boot profile', OWNER, RANGES);
    for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
      const wrong = Uint8Array.from(bytes);
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeList('boot profile', OWNER, wrong), `bit ${bit}`).toMatchObject({ state: 'unusable' });
    }
    for (let length = 8; length < bytes.byteLength; length++) {
      expect(decodeList('boot profile', OWNER, bytes.subarray(0, length))).toEqual(own('it is damaged'));
    }
    expect(decodeList('boot profile', OWNER, Buffer.concat([bytes, Buffer.alloc(12)]))).toEqual(own('it is damaged'));
  });

  test('says whose it is', () => {
    const bytes = encodeList('hot ranges', OWNER, RANGES);
    const as = (owner: Partial<ListOwner>) => decodeList('hot ranges', { ...OWNER, ...owner }, bytes);
    expect(as({ volume: 'b5f3' })).toEqual(foreign('it is of another volume'));
    expect(as({ sectorSize: 4096 })).toEqual(own('it counts in sectors of another size'));
    expect(as({ sizeSectors: 2 ** 43 })).toEqual(own('the volume had another size'));
    expect(decodeList('boot profile', OWNER, bytes)).toEqual(foreign('it is no list of what a first start read'));
  });

  test('is told from what is something else, and from what is later, which may look otherwise', () => {
    expect(decodeList('hot ranges', OWNER, Buffer.from('root:x:0:0:'.repeat(30)))).toEqual(
      foreign('it is something else'),
    );
    expect(decodeList('hot ranges', OWNER, Buffer.alloc(0))).toEqual(own('it is empty'));
    const later = Buffer.alloc(300, 7);
    later.write('blkywarm', 'latin1');
    later.writeUInt32LE(2, 8);
    expect(decodeList('hot ranges', OWNER, later)).toEqual(foreign('it is of a later version'));
  });

  test('with ranges past the end, or of no known heat, is damaged whatever its checksum says', () => {
    const past = [{ start: OWNER.sizeSectors - 1, count: 2, heat: 0 }];
    const hot = [{ start: 0, count: 2, heat: 5 }];
    for (const ranges of [past, hot]) {
      expect(decodeList('hot ranges', OWNER, encodeList('hot ranges', OWNER, ranges))).toEqual(own('it is damaged'));
    }
  });
});
