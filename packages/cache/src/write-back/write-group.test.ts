import { expect, test } from 'vitest';
import { clearBits } from '../tables/bits.js';
import { smallLines } from '../testing/small-lines.js';
import { restoreDirty, takeGroup } from './write-group.js';

const SECTOR = 512;
const LINE_SECTORS = 8;
const GROUP_LINES = 4;

/** Lines of eight sectors, four to a group. */
function group() {
  const { geometry, epochs, real, lines, dirtyLines } = smallLines({
    lineSectors: LINE_SECTORS,
    slots: 17,
    groupLines: GROUP_LINES,
  });
  /** Sectors of the device that the cache holds. */
  const hold = (start: number, end: number, isDirty: boolean) => {
    for (let sector = start; sector < end; sector++) {
      const line = Math.floor(sector / LINE_SECTORS);
      const found = lines.find(line);
      const entry = found >= 0 ? found : lines.admit(line, false);
      const at = sector - line * LINE_SECTORS;
      lines.view(lines.slotOf(entry), at, at + 1).fill(sector + 1);
      lines.valid.set(entry, at, at + 1);
      if (isDirty) lines.dirty.set(entry, at, at + 1);
      if (isDirty) dirtyLines.add(entry, line);
    }
  };
  const take = (number: number, writing: readonly number[] = []) => {
    const { writes, operations } = takeGroup(number, geometry, real.lines, real.dirtyLines, (entry) =>
      writing.includes(lines.lineOf(entry)),
    );
    return { writes, operations, spans: operations.map(({ start, end }) => [start, end]) };
  };
  return { real, lines, dirtyLines, epochs, hold, take };
}

test('dirty runs that touch are one write, across lines too, and others are writes of their own', () => {
  const { lines, dirtyLines, hold, take } = group();
  hold(6, 11, true);
  hold(14, 15, true);
  hold(31, 32, true);
  const { spans, writes, operations } = take(0);
  expect(spans).toEqual([
    [6, 11],
    [14, 15],
    [31, 32],
  ]);
  expect(writes.map(({ line, operationsLeft, epoch }) => [line, operationsLeft, epoch])).toEqual([
    [0, 1, 0],
    [1, 2, 0],
    [3, 1, 0],
  ]);
  expect(operations[0]?.parts.map(({ from, to, write }) => [write.line, from, to])).toEqual([
    [0, 6, 8],
    [1, 0, 3],
  ]);
  const bytes = operations.map(({ buffers }) =>
    buffers.flatMap((buffer) => [...buffer]).filter((_, i) => i % SECTOR === 0),
  );
  expect(bytes).toEqual([[7, 8, 9, 10, 11], [15], [32]]);
  expect([dirtyLines.count, lines.dirty.any(lines.find(1)), lines.isPinned(lines.find(1))]).toEqual([0, false, true]);
});

test('a short gap that is held clean is written along, a longer one or one that is not held is not', () => {
  const { hold, take } = group();
  hold(0, 24, false);
  for (const sector of [0, 9, 19]) hold(sector, sector + 1, true);
  // From 1 to 9 are eight sectors, a quarter of the group; from 10 to 19 are nine.
  expect(take(0).spans).toEqual([
    [0, 10],
    [19, 20],
  ]);
  const holed = group();
  holed.hold(0, 3, true);
  holed.hold(4, 6, true);
  holed.hold(6, 7, false);
  holed.hold(7, 8, true);
  expect(holed.take(0).spans).toEqual([
    [0, 3],
    [4, 8],
  ]);
});

test('a clean line that fills a gap is pinned, counts in no epoch, and is not dirty again if the base fails', () => {
  const { real, lines, dirtyLines, hold, take } = group();
  hold(7, 8, true);
  hold(8, 16, false);
  hold(16, 17, true);
  const { spans, writes } = take(0);
  expect(spans).toEqual([[7, 17]]);
  expect(writes.map(({ line, epoch }) => [line, epoch])).toEqual([
    [0, 0],
    [1, -1],
    [2, 0],
  ]);
  for (const write of writes) restoreDirty(write, 0, LINE_SECTORS, real.lines);
  const dirty = [0, 1, 2].map((line) => lines.dirty.count(lines.find(line), 0, LINE_SECTORS));
  expect([dirty, dirtyLines.count]).toEqual([[1, 0, 1], 0]);
});

test('a gap is not filled from a line that is on its way already, or that is not there', () => {
  const { hold, take } = group();
  hold(7, 8, true);
  hold(8, 16, false);
  hold(16, 17, true);
  expect(take(0, [1]).spans).toEqual([
    [7, 8],
    [16, 17],
  ]);
  const absent = group();
  absent.hold(7, 8, true);
  absent.hold(16, 17, true);
  expect(absent.take(0).spans).toEqual([
    [7, 8],
    [16, 17],
  ]);
});

test('what is on its way already, and what is of another group, waits', () => {
  const { dirtyLines, lines, hold, take } = group();
  hold(0, 1, true);
  hold(8, 9, true);
  hold(32, 33, true);
  hold(64, 65, true);
  expect(take(0, [1]).spans).toEqual([[0, 1]]);
  expect([8, 32, 64].map((sector) => dirtyLines.has(lines.find(sector / LINE_SECTORS)))).toEqual([true, true, true]);
  expect(take(1).spans).toEqual([[32, 33]]);
});

test('a line counts where it did, and since when it did, until its write is over', () => {
  const { lines, dirtyLines, epochs, hold, take } = group();
  epochs.close();
  hold(8, 9, true);
  const { writes } = take(0);
  expect(writes[0]).toMatchObject({
    epoch: 1,
    sinceMs: 1,
    failure: undefined,
    rewrittenEpoch: -1,
    slot: lines.slotOf(lines.find(1)),
  });
  expect([epochs.oldest, dirtyLines.has(lines.find(1))]).toEqual([1, false]);
});

test('what a failed write was about is dirty again, but for what was zeroed meanwhile', () => {
  const { real, lines, hold, take } = group();
  hold(0, 8, true);
  const [write] = take(0).writes;
  if (write === undefined) throw new Error('there is a write');
  expect([...write.source]).toEqual([0xff]);
  clearBits(write.dirty, 0, 3, 4);
  restoreDirty(write, 1, 6, real.lines);
  const entry = lines.find(0);
  const dirty = Array.from({ length: LINE_SECTORS }, (_, i) => lines.dirty.covers(entry, i, i + 1));
  expect(dirty).toEqual([false, true, true, false, true, true, false, false]);
});

test('gaps are filled in every group', () => {
  const { hold, take } = group();
  hold(39, 40, true);
  hold(40, 48, false);
  hold(48, 49, true);
  expect(take(1).spans).toEqual([[39, 49]]);
});
