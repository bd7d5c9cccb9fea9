import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePayloads, encodeBase, encodeDelta } from './region-codec.js';
import { RegionLeaves } from './region-leaves.js';
import { NO_LIVENESS, type Run, RunList } from './run.js';

const SECTORS = 2000;
const WHERE = 'region 7';

function leavesOf(...runs: Run[]): RegionLeaves {
  const leaves = new RegionLeaves(SECTORS);
  for (const { start, count, object, slot } of runs) leaves.replace(start, count, object, slot, NO_LIVENESS);
  return leaves;
}

function decode(...payloads: Uint8Array[]): RegionLeaves {
  const leaves = new RegionLeaves(SECTORS);
  decodePayloads(payloads, leaves, WHERE);
  return leaves;
}

function runsOf(leaves: RegionLeaves): Run[] {
  const list = new RunList();
  leaves.collect(0, SECTORS, 0, list);
  return list.end().filter(({ object }) => object !== 0);
}

const early = { start: 5, count: 3, object: 2, slot: 7 };
/** In two leaves, and all numbers as large as can be. */
const late = { start: 1020, count: 10, object: 2 ** 40 - 1, slot: 2 ** 24 - 10 };
const single = { start: 1500, count: 1, object: 3, slot: 0 };

const BASE = '0100 05030407 f4070afaffffffff3ff6ffff07 ca07';
const DELTA = '0101 8008d007 0006feffffffff3ffaffff07 d60301f7ffffffff3f00 f303 00';

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

test('the bytes of a base and of a delta are what the format says', () => {
  const leaves = leavesOf(early, late);
  expect(encodeBase(leaves)).toEqual(bytesOf(BASE));
  leaves.takeChanged();
  leaves.replace(single.start, single.count, single.object, single.slot, NO_LIVENESS);
  expect(encodeDelta(leaves)).toEqual(bytesOf(DELTA));

  const decoded = decode(bytesOf(BASE), bytesOf(DELTA));
  expect(runsOf(decoded)).toEqual([early, late, single]);
  expect(decoded.isChanged).toBe(false);
});

test('a delta alone is one to zeroes, and takes away what it does not name in its ranges', () => {
  expect(runsOf(decode(bytesOf(DELTA)))).toEqual([
    { start: 1024, count: 6, object: 2 ** 40 - 1, slot: 2 ** 24 - 6 },
    single,
  ]);
  // All of the region, without a run in it.
  expect(runsOf(decode(bytesOf(BASE), bytesOf('0101 00d00f d00f 00')))).toEqual([]);
});

test('runs and ranges that a writer did not join are joined', () => {
  expect(runsOf(decode(bytesOf('0100 05010407 00020008 c80f')))).toEqual([early]);
  expect(runsOf(decode(bytesOf('0101 0502 00020407 00 0001 00010009 00 c80f')))).toEqual([early]);
});

const corrupt: Record<string, string> = {
  'no bytes at all': '',
  'a version of the future': '0200 d00f',
  'a kind that there is not': '0102 d00f',
  'a run of no sectors': '0100 05000407 cb0f',
  'a run that passes the end': '0100 cf0f020407 00',
  'a gap that passes the end': '0100 d10f',
  'object 0': '0100 05030007 c80f',
  'an object below 0': '0100 05030107 c80f',
  'an object of 41 bits': '0100 0503808080808040 07 c80f',
  'a slot that no object has': '0100 0503 04 80808008 c80f',
  'a last slot that no object has': '0100 0503 04 feffff07 c80f',
  'a range of no sectors': '0101 0500 00 cb0f',
  'a range that passes the end': '0101 cf0f02 02 00',
  'a run that passes its range': '0101 0503 00040407 00 c80f',
  'bytes behind the end': '0100 d00f 00',
};

for (const [what, hex] of Object.entries(corrupt)) {
  test(`is CORRUPT: ${what}`, () => {
    expect(() => decode(bytesOf(hex))).toThrow(
      expect.objectContaining({ code: 'CORRUPT', message: expect.stringMatching(/^region 7, payload 0: /) }),
    );
  });
}

test('is CORRUPT: a base behind another payload', () => {
  expect(() => decode(bytesOf(BASE), bytesOf(BASE))).toThrow('region 7, payload 1: a base comes behind others');
});

test('is CORRUPT: a payload without its last bytes', () => {
  for (const whole of [bytesOf(BASE), bytesOf(DELTA)]) {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decode(whole.subarray(0, length)), `${length} bytes`).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      );
    }
  }
});

test('any bytes are CORRUPT, or runs that fit the region', () => {
  const small = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 }).map((bytes) => Uint8Array.from(bytes));
  const start = fc.constantFrom([], [1, 0], [1, 1]);
  fc.assert(
    fc.property(start, fc.oneof(small, fc.uint8Array({ maxLength: 30 })), (start, rest) => {
      try {
        for (const { start: sector, count, object, slot } of runsOf(decode(Uint8Array.from([...start, ...rest])))) {
          expect(sector + count).toBeLessThanOrEqual(SECTORS);
          expect(object).toBeLessThan(2 ** 40);
          expect(slot + count).toBeLessThanOrEqual(2 ** 24);
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT' });
      }
    }),
    { numRuns: 2000 },
  );
});
