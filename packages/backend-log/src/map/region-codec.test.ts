import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LEAF_SECTORS_MAX } from './leaf-header.js';
import { decodePayloads, encodeBase, encodeDelta } from './region-codec.js';
import { RegionLeaves } from './region-leaves.js';
import { NO_LIVENESS, type Run, RunList } from './run.js';
import { SLICE_ITEMS } from './slices.js';

const SECTORS = 2000;
const WHERE = 'region 7';

function leavesOf(...runs: Run[]): RegionLeaves {
  const leaves = new RegionLeaves(SECTORS);
  for (const { start, count, object, slot } of runs) leaves.replace(start, count, object, slot, NO_LIVENESS);
  return leaves;
}

const noPause = () => {};

async function decode(...payloads: Uint8Array[]): Promise<RegionLeaves> {
  const leaves = new RegionLeaves(SECTORS);
  await decodePayloads(payloads, leaves, WHERE, noPause);
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

test('the bytes of a base and of a delta are what the format says', async () => {
  const leaves = leavesOf(early, late);
  expect(await encodeBase(leaves, noPause)).toEqual(bytesOf(BASE));
  leaves.takeChanged();
  leaves.replace(single.start, single.count, single.object, single.slot, NO_LIVENESS);
  expect(await encodeDelta(leaves, leaves.takeChanged(), noPause)).toEqual(bytesOf(DELTA));

  const decoded = await decode(bytesOf(BASE), bytesOf(DELTA));
  expect(runsOf(decoded)).toEqual([early, late, single]);
  expect(decoded.isChanged).toBe(false);
});

test('a delta alone is one to zeroes, and takes away what it does not name in its ranges', async () => {
  expect(runsOf(await decode(bytesOf(DELTA)))).toEqual([
    { start: 1024, count: 6, object: 2 ** 40 - 1, slot: 2 ** 24 - 6 },
    single,
  ]);
  // All of the region, without a run in it.
  expect(runsOf(await decode(bytesOf(BASE), bytesOf('0101 00d00f d00f 00')))).toEqual([]);
});

test('runs and ranges that a writer did not join are joined', async () => {
  expect(runsOf(await decode(bytesOf('0100 05010407 00020008 c80f')))).toEqual([early]);
  expect(runsOf(await decode(bytesOf('0101 0502 00020407 00 0001 00010009 00 c80f')))).toEqual([early]);
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
  test(`is CORRUPT: ${what}`, async () => {
    await expect(decode(bytesOf(hex))).rejects.toEqual(
      expect.objectContaining({ code: 'CORRUPT', message: expect.stringMatching(/^region 7, payload 0: /) }),
    );
  });
}

test('is CORRUPT: a base behind another payload', async () => {
  await expect(decode(bytesOf(BASE), bytesOf(BASE))).rejects.toThrow('region 7, payload 1: a base comes behind others');
});

test('is CORRUPT: a payload without its last bytes', async () => {
  for (const whole of [bytesOf(BASE), bytesOf(DELTA)]) {
    for (let length = 0; length < whole.length; length++) {
      await expect(decode(whole.subarray(0, length)), `${length} bytes`).rejects.toEqual(
        expect.objectContaining({ code: 'CORRUPT' }),
      );
    }
  }
});

test('any bytes are CORRUPT, or runs that fit the region', async () => {
  const small = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 }).map((bytes) => Uint8Array.from(bytes));
  const start = fc.constantFrom([], [1, 0], [1, 1]);
  await fc.assert(
    fc.asyncProperty(start, fc.oneof(small, fc.uint8Array({ maxLength: 30 })), async (start, rest) => {
      try {
        for (const { start: sector, count, object, slot } of runsOf(
          await decode(Uint8Array.from([...start, ...rest])),
        )) {
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

/** As many sectors as a region can have, each in a run of its own, in leaves that are dense. */
function scattered(sectors: number): RegionLeaves {
  const leaves = new RegionLeaves(sectors);
  for (let at = 0; at < sectors; at++) leaves.replace(at, 1, 2 + ((at * 7919) % 1000), at % 1000, NO_LIVENESS);
  return leaves;
}

test('a region in full is encoded and decoded in slices, with a pause after each', async () => {
  const sectors = 4 * SLICE_ITEMS;
  const pauses = { compact: 0, base: 0, delta: 0, decode: 0 };
  const counting = (what: keyof typeof pauses) => () => {
    pauses[what]++;
  };
  const leaves = scattered(sectors);
  const changed = leaves.takeChanged();
  await leaves.compact(changed, counting('compact'));
  const base = await encodeBase(leaves, counting('base'));
  expect(await encodeDelta(leaves, changed, counting('delta'))).toHaveLength(base.length + 5);
  const decoded = new RegionLeaves(sectors);
  await decodePayloads([base], decoded, WHERE, counting('decode'));
  expect(pauses).toEqual({ compact: 4, base: 4, delta: 4, decode: 4 });
  const lists = [leaves, decoded].map((each) => {
    const list = new RunList();
    each.collect(0, sectors, 0, list);
    return list.end();
  });
  expect(lists[1]).toEqual(lists[0]);
});

test('a delta of many single leaves has pauses too', async () => {
  const leaves = new RegionLeaves(64 * SLICE_ITEMS);
  for (let at = 0; at < leaves.sectors; at += 2 * LEAF_SECTORS_MAX) leaves.replace(at, 1, 2, 0, NO_LIVENESS);
  let pauses = 0;
  await encodeDelta(leaves, leaves.takeChanged(), () => {
    pauses++;
  });
  expect(pauses).toBe(32);
});

test('a run that reaches over the end of a slice stays one', async () => {
  const leaves = new RegionLeaves(3 * SLICE_ITEMS);
  leaves.replace(10, 2 * SLICE_ITEMS, 2, 0, NO_LIVENESS);
  const list = new RunList();
  const decoded = new RegionLeaves(leaves.sectors);
  const base = await encodeBase(leaves, noPause);
  // Version and kind, a gap, a count, an object, a slot, the last gap.
  expect(base).toHaveLength(2 + 1 + 2 + 1 + 1 + 2);
  await decodePayloads([base], decoded, WHERE, noPause);
  decoded.collect(10, 2 * SLICE_ITEMS, 0, list);
  expect(list.end()).toEqual([{ start: 10, count: 2 * SLICE_ITEMS, object: 2, slot: 0 }]);
});
