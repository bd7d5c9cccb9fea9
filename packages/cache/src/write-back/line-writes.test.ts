import { BlockError } from '@blockyard/block';
import { ManualClock } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import type { Entry } from '../tables/numbers.js';
import { plain } from '../testing/plain.js';
import { smallLines } from '../testing/small-lines.js';
import { LineWrites } from './line-writes.js';
import { takeGroup } from './write-group.js';

const LINE_SECTORS = 8;
const NEVER = Number.POSITIVE_INFINITY;

/** One dirty line of epoch 0 whose sectors 2 to 6 are on their way. The epoch is closed, unless it is to go on. */
function writing({ closes = true } = {}) {
  const { geometry, epochs, real, lines, dirtyLines } = smallLines({ lineSectors: LINE_SECTORS });
  const clock = new ManualClock({ strict: true });
  const writes = plain(new LineWrites(real.lines, real.dirtyLines, epochs, clock));
  const entry = lines.admit(0, false);
  const dirty = (from: number, to: number) => {
    lines.valid.set(entry, from, to);
    lines.dirty.set(entry, from, to);
  };
  dirty(2, 6);
  writes.dirtied(entry);
  const [write] = takeGroup(0, geometry, real.lines, real.dirtyLines, () => false).writes;
  if (write === undefined) throw new Error('there is a write');
  writes.add(write);
  if (closes) epochs.close();
  return { epochs, clock, dirtyLines, lines, writes, entry, write, dirty };
}

test('a line is on its way until it is not, and counts if it was dirty', () => {
  const { writes, entry, write } = writing();
  expect([writes.of(entry) === write, writes.isWriting(entry), writes.dirtyCount]).toEqual([true, true, 1]);
  const filler = { ...write, entry: (entry + 1) as Entry, epoch: -1 };
  writes.add(filler);
  expect([writes.isWriting(entry + 1), writes.dirtyCount]).toEqual([true, 1]);
  writes.delete(filler);
  expect([writes.isWriting(entry + 1), writes.dirtyCount]).toEqual([false, 1]);
  writes.delete(write);
  expect([writes.of(entry), writes.isWriting(entry), writes.dirtyCount]).toEqual([undefined, false, 0]);
});

test('the base reads the sectors that it was given, as long as the line has not moved', () => {
  const { lines, writes, entry } = writing();
  const source = (from: number, to: number) => writes.isSource(entry, from, to);
  expect([source(0, 2), source(0, 3), source(5, 8), source(6, 8)]).toEqual([false, true, true, false]);
  expect(writes.isSource(entry + 1, 0, 8)).toBe(false);
  lines.relocate(entry);
  expect(source(0, 8)).toBe(false);
});

test('a sector is unwritten while it is on its way and wanted, and counts unless it was rewritten', () => {
  const { writes, entry, dirty } = writing();
  expect([1, 2, 5, 6].map((sector) => writes.isUnwritten(entry, sector))).toEqual([false, true, true, false]);
  expect(writes.isUnwritten(entry + 1, 2)).toBe(false);
  expect([writes.countUnwritten(entry, 0, 8), writes.countUnwritten(entry, 3, 5)]).toEqual([4, 2]);
  expect(writes.countUnwritten(entry + 1, 0, 8)).toBe(0);
  dirty(3, 4);
  expect(writes.countUnwritten(entry, 0, 8)).toBe(3);
  writes.supersede(entry, 4, 8);
  writes.supersede(entry + 1, 0, 8);
  expect([writes.countUnwritten(entry, 0, 8), writes.isUnwritten(entry, 5)]).toEqual([1, false]);
});

test('what is rewritten meanwhile counts in the epoch in which it was, once, and since then', () => {
  const { epochs, clock, dirtyLines, writes, entry, write, dirty } = writing();
  clock.nowMs = 5;
  dirty(2, 3);
  writes.dirtied(entry);
  expect([write.rewrittenEpoch, write.rewrittenMs, dirtyLines.has(entry)]).toEqual([1, 5, false]);
  epochs.close();
  clock.nowMs = 9;
  writes.dirtied(entry);
  expect([write.rewrittenEpoch, write.rewrittenMs]).toEqual([1, 5]);
  epochs.leave(0);
  expect(epochs.oldest).toBe(1);
  epochs.leave(1);
  expect(epochs.oldest).toBe(NEVER);
});

test('rewritten data that take the place of older ones count in their epoch instead', () => {
  const { epochs, clock, writes, entry, write, dirty } = writing();
  dirty(2, 3);
  writes.dirtied(entry);
  clock.nowMs = 9;
  writes.dirtied(entry, 1);
  expect([write.rewrittenEpoch, write.rewrittenMs]).toEqual([1, 0]);
  writes.dirtied(entry, 0);
  expect([write.rewrittenEpoch, write.rewrittenMs]).toEqual([0, 0]);
  // Once for the write, once for what follows it, and nothing of the later epoch is left.
  epochs.leave(0);
  expect(epochs.oldest).toBe(0);
  epochs.leave(0);
  expect(epochs.oldest).toBe(NEVER);
});

test('a line that is not on its way waits, in the epoch that is given', () => {
  const { epochs, clock, dirtyLines, writes, entry, write } = writing();
  writes.delete(write);
  clock.nowMs = 4;
  writes.dirtied(entry, 0);
  expect([dirtyLines.has(entry), dirtyLines.epochOf(entry), dirtyLines.sinceMsOf(entry)]).toEqual([true, 0, 4]);
  expect(epochs.oldest).toBe(0);
});

test('the epoch of what waits in a line is that of the line, of its rewriting, or of a write that failed', () => {
  const { dirtyLines, writes, entry, write, dirty } = writing();
  expect(writes.epochOf(entry)).toBe(NEVER);
  dirty(2, 3);
  expect(writes.epochOf(entry)).toBe(NEVER);
  write.failure = new BlockError('IO', 'broken');
  expect(writes.epochOf(entry)).toBe(0);
  write.failure = undefined;
  writes.dirtied(entry);
  expect(writes.epochOf(entry)).toBe(1);
  write.failure = new BlockError('IO', 'broken');
  expect(writes.epochOf(entry)).toBe(0);
  writes.delete(write);
  dirtyLines.addCounted(entry, 1, 0);
  expect(writes.epochOf(entry)).toBe(1);
});

test('data that take the place of newer ones than the rewritten change nothing', () => {
  const { epochs, writes, entry, write, dirty } = writing();
  dirty(2, 3);
  writes.dirtied(entry);
  epochs.close();
  epochs.enter();
  writes.dirtied(entry, 2);
  expect(write.rewrittenEpoch).toBe(1);
  epochs.leave(2);
  for (const epoch of [0, 1]) epochs.leave(epoch);
  expect(epochs.oldest).toBe(NEVER);
});

test('what is rewritten in the epoch of the write itself counts in it', () => {
  const { epochs, lines, writes, entry, write, dirty } = writing({ closes: false });
  dirty(2, 3);
  writes.dirtied(entry);
  expect([write.rewrittenEpoch, writes.epochOf(entry)]).toEqual([0, 0]);
  for (let i = 0; i < 2; i++) epochs.leave(0);
  expect(epochs.oldest).toBe(NEVER);
  lines.dirty.clearAll(entry);
  writes.delete(write);
  expect(writes.epochOf(entry)).toBe(NEVER);
});

test('the oldest of what is on its way, or was written to such a line since, tells how old it is', () => {
  const { clock, writes, entry, write, dirty } = writing();
  expect(writes.oldestSinceMs).toBe(write.sinceMs);
  clock.nowMs = write.sinceMs + 5;
  dirty(2, 3);
  writes.dirtied(entry);
  expect(writes.oldestSinceMs).toBe(write.sinceMs);
  writes.delete(write);
  expect(writes.oldestSinceMs).toBe(NEVER);
  // A clean line that fills a gap has dirty data only once it is written to.
  const filler = { ...write, epoch: -1, rewrittenEpoch: -1, rewrittenMs: 1 };
  writes.add(filler);
  expect(writes.oldestSinceMs).toBe(NEVER);
  filler.rewrittenEpoch = 0;
  expect(writes.oldestSinceMs).toBe(1);
});

test('a line is on its way once at a time, and arrives once', () => {
  const { writes, write } = writing();
  expect(() => writes.add(write)).toThrow('a line must be on its way once at a time');
  writes.delete(write);
  expect(() => writes.delete(write)).toThrow('a line must be on its way to arrive');
});
