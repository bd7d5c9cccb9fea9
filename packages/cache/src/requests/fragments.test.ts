import type { Fragment } from '@blockyard/block';
import { expect, test } from 'vitest';
import { bytesAt, filled, openCache, SECTOR } from '../testing/fixture.js';
import { expectPlainArray } from '../testing/plain-array.js';

const LINE_SECTORS = 128;
const LINES = 64;
const OPTIONS = { lineSize: LINE_SECTORS * SECTOR, maxSizeBytes: 4 << 20 };

/** Of each line, which request brings which sectors: the first for all but sectors 40 to 47 and 80 to 87. */
const IN_THREE: readonly (readonly [to: number, request: number])[] = [
  [40, 1],
  [48, 2],
  [80, 1],
  [88, 3],
  [128, 1],
];
/** Each eight sectors by another request. */
const IN_SIXTEEN = Array.from({ length: 16 }, (_, i) => [8 * (i + 1), i + 1] as const);

/** A cache over a base all of whose lines come by the same requests. */
async function opened(requests: readonly (readonly [to: number, request: number])[]) {
  const fragments = (start: number, count: number): Fragment[] => {
    const found: Fragment[] = [];
    for (let at = start; at < start + count; ) {
      const line = Math.floor(at / LINE_SECTORS);
      const [to = LINE_SECTORS, request = 0] = requests.find(([end]) => end > at % LINE_SECTORS) ?? [];
      const end = Math.min(start + count, line * LINE_SECTORS + to);
      found.push({ start: at, count: end - at, request: request === 0 ? 0 : line * 100 + request });
      at = end;
    }
    return found;
  };
  const fixture = await openCache(LINES * LINE_SECTORS, OPTIONS, undefined, fragments);
  const { reads } = fixture;
  /** Sectors of a line that a read of one sector has the base read. */
  const readBy = async (sector: number, line = 1) => {
    reads.length = 0;
    await bytesAt(fixture.cache, line * LINE_SECTORS + sector, 1);
    return reads.map(({ start, count }) => [start - line * LINE_SECTORS, start + count - line * LINE_SECTORS]);
  };
  return { ...fixture, readBy };
}

test('a miss fetches what costs the base no further request, by reads that begin at once', async () => {
  const { cache, readBy } = await opened(IN_THREE);
  expect(await readBy(5)).toEqual([
    [0, 40],
    [48, 80],
    [88, 128],
  ]);
  expect(await readBy(60)).toEqual([]);
  // Right behind what is there: no sequential reader, but the next fragment.
  expect(await readBy(40)).toEqual([[40, 48]]);
  expect(cache.snapshot()).toMatchObject({ narrowFetches: 2, wholeFetches: 0 });
});

test('what is at hand is fetched with anything, and a miss in it fetches nothing else', async () => {
  const { readBy } = await opened([
    [40, 0],
    [48, 2],
    [128, 1],
  ]);
  expect(await readBy(41)).toEqual([[0, 48]]);
  expect(await readBy(5, 2)).toEqual([[0, 40]]);
});

test('a line that is asked for more and more costs twice as many requests each time', async () => {
  const { readBy } = await opened(IN_SIXTEEN);
  const fetched: number[] = [];
  for (const sector of [127, 100, 60, 90, 70]) {
    fetched.push((await readBy(sector)).reduce((sum, [from = 0, to = 0]) => sum + (to - from) / 8, 0));
  }
  expect(fetched).toEqual([1, 1, 2, 4, 8]);
});

test('a sequential reader that comes from the line before, and a read of several lines, fetch all in any case', async () => {
  const { cache, reads, readBy } = await opened(IN_SIXTEEN);
  await bytesAt(cache, 2 * LINE_SECTORS - 1, 2);
  expect(reads).toEqual([{ start: LINE_SECTORS, count: 2 * LINE_SECTORS }]);
  expect(await readBy(0, 3)).toEqual([[0, LINE_SECTORS]]);
});

test('where the base knows nothing of its fragments, lines are fetched whole', async () => {
  const fixture = await openCache(LINES * LINE_SECTORS, OPTIONS, undefined, () => undefined);
  await bytesAt(fixture.cache, 5, 1);
  expect(fixture.reads).toEqual([{ start: 0, count: LINE_SECTORS }]);
});

test('what is there already is not read again with what lies around it', async () => {
  const { cache, readBy } = await opened([[128, 1]]);
  await cache.write(LINE_SECTORS + 20, [filled(4, 7)]);
  expect(await readBy(5)).toEqual([
    [0, 20],
    [24, 128],
  ]);
});

test('reads around what is there already wait for no other read', async () => {
  const { cache, base } = await opened([[128, 1]]);
  const lines = [1, 2, 3];
  for (const line of lines) await cache.write(line * LINE_SECTORS + 8, [filled(112, 7)]);
  base.hold('read');
  const reading = lines.map((line) => bytesAt(cache, line * LINE_SECTORS, LINE_SECTORS));
  await base.called('read', 6);
  expect(base.calls('read')).toBe(6);
  base.release();
  for (const found of await Promise.all(reading)) expect(found.filter((byte) => byte === 7)).toHaveLength(112);
});

test('C7: who asks for what a fetch has left out does not wait for it', async () => {
  const { cache, base, memory } = await opened(IN_THREE);
  memory.bytes.fill(7);
  base.hold('read');
  const first = bytesAt(cache, LINE_SECTORS + 5, 1);
  const second = bytesAt(cache, LINE_SECTORS + 42, 1);
  const third = bytesAt(cache, LINE_SECTORS + 60, 1);
  await base.called('read', 4);
  expect(base.calls('read')).toBe(4);
  base.release();
  expect(await Promise.all([first, second, third])).toEqual([[7], [7], [7]]);
});

test('a part of a fetch that fails fails those alone who need it, and the others try again by themselves', async () => {
  const { cache, base } = await opened(IN_THREE);
  base.fail('read', 'IO');
  await expect(bytesAt(cache, LINE_SECTORS + 5, 1)).rejects.toMatchObject({ code: 'IO' });
  base.heal();
  expect(await bytesAt(cache, LINE_SECTORS, LINE_SECTORS)).toEqual(Array(LINE_SECTORS).fill(0));
});

test('the contents are those of a plain array, whatever is left out, written and zeroed at once', async () => {
  const fixture = await opened(IN_SIXTEEN.map(([to, request]) => [to - (request % 3), request % 5]));
  await expectPlainArray(fixture, { start: LINE_SECTORS, sectors: 4 * LINE_SECTORS });
});
