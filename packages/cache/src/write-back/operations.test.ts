import { ManualClock, macrotasks } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { BaseCalls } from '../base/base-calls.js';
import { Latencies } from '../base/latencies.js';
import { SECTOR } from '../testing/fixture.js';
import { plain } from '../testing/plain.js';
import { smallLines } from '../testing/small-lines.js';
import { ZeroRanges } from '../unwritten/zero-ranges.js';
import { LineWrites } from './line-writes.js';
import { Operations } from './operations.js';
import { takeGroup } from './write-group.js';

/** Operations over a base that answers when the test says, on lines of eight sectors, two to a group. */
function operationsOf() {
  const { geometry, epochs, real, lines, dirtyLines } = smallLines({ groupLines: 2 });
  const clock = new ManualClock({ strict: true });
  const latencies = new Latencies();
  const calls: { readonly name: string; readonly start: number; done(): void; fail(error: unknown): void }[] = [];
  const call = (name: string) => (start: number) =>
    new Promise<void>((done, fail) => calls.push({ name, start, done, fail }));
  const base = new BaseCalls(
    { info: { name: 'by hand' }, write: call('write'), discard: call('discard') } as never,
    (error) => log.push(`broken: ${error}`),
  );
  const zeroes = new ZeroRanges(epochs);
  const writes = new LineWrites(real.lines, real.dirtyLines, epochs, clock);
  const counts = { writes: 0, writeBytes: 0, lines: 0, zeroes: 0 };
  const log: string[] = [];
  const context = { base, geometry, epochs, ...real, zeroes, clock, latencies };
  const operations = new Operations(context, writes, counts, {
    zeroed: () => log.push(`zeroed, ${operations.count} left`),
    settled: (failure) =>
      log.push(`${failure === undefined ? 'done' : `failed: ${failure}`}, ${operations.count} left`),
  });
  const dirty = (line: number, from: number, to: number) => {
    const found = lines.find(line);
    const entry = found >= 0 ? found : lines.admit(line, false);
    lines.valid.set(entry, from, to);
    lines.dirty.set(entry, from, to);
    plain(writes).dirtied(entry);
    return entry;
  };
  /** Begins all writes of the first group, and tells how each of its lines ends. */
  const begin = () => {
    const taken = takeGroup(0, geometry, real.lines, real.dirtyLines, () => false);
    for (const write of taken.writes) {
      writes.add(write);
      write.onSettled.push((error) => log.push(`line ${write.line}: ${error ?? 'written'}`));
    }
    for (const operation of taken.operations) operations.write(operation);
  };
  const zero = (start: number, end: number) => {
    plain(zeroes).add('discard', start, end, 0);
    const operation = zeroes.take(() => false);
    if (operation === undefined) throw new Error('there is a range');
    operations.zero(operation);
  };
  return {
    operations: plain(operations),
    writes: plain(writes),
    lines,
    dirtyLines,
    epochs,
    zeroes,
    clock,
    latencies,
    calls,
    counts,
    log,
    dirty,
    begin,
    zero,
  };
}

const FAILURE = 'BlockError: write on by hand: broken';

test('data are on their way to the sectors of a write until it is over, and to no neighbour', async () => {
  const { operations, calls, dirty, begin } = operationsOf();
  dirty(0, 2, 6);
  begin();
  const writes = (start: number, end: number) => operations.isWritingTo(start, end);
  expect([writes(0, 2), writes(0, 3), writes(3, 4), writes(5, 8), writes(6, 8)]).toEqual([
    false,
    true,
    true,
    true,
    false,
  ]);
  calls[0]?.done();
  await macrotasks();
  expect(writes(0, 16)).toBe(false);
});

test('writes and zeroings count until they are over, whichever way', async () => {
  const { operations, calls, counts, log, dirty, begin, zero } = operationsOf();
  dirty(0, 0, 4);
  begin();
  zero(100, 200);
  zero(300, 400);
  expect(operations.count).toBe(3);
  calls[1]?.done();
  await macrotasks();
  calls[2]?.fail('broken');
  await macrotasks();
  calls[0]?.done();
  await macrotasks();
  expect(log).toEqual([
    'zeroed, 2 left',
    'done, 2 left',
    'zeroed, 1 left',
    'failed: BlockError: discard on by hand: broken, 1 left',
    'line 0: written',
    'done, 0 left',
  ]);
  expect(counts).toEqual({ writes: 1, writeBytes: 4 * SECTOR, lines: 1, zeroes: 1 });
});

test('a line of two writes is told when the second is over, and is clean if both succeeded', async () => {
  const { lines, epochs, calls, counts, latencies, clock, log, dirty, begin } = operationsOf();
  const entry = dirty(0, 0, 2);
  dirty(0, 6, 8);
  begin();
  clock.nowMs = 4;
  calls[0]?.done();
  await macrotasks();
  expect(log).toEqual(['done, 1 left']);
  expect([lines.hasPins(entry), epochs.oldest]).toEqual([true, 0]);
  calls[1]?.done();
  await macrotasks();
  expect(log.slice(1)).toEqual(['line 0: written', 'done, 0 left']);
  expect([lines.hasPins(entry), epochs.oldest]).toEqual([false, Number.POSITIVE_INFINITY]);
  expect(counts).toEqual({ writes: 2, writeBytes: 4 * SECTOR, lines: 1, zeroes: 0 });
  expect([latencies.baseWrite.count, latencies.baseWrite.mean]).toEqual([2, 4000]);
});

test('a line whose first write failed has failed once the second is over, and those sectors are dirty again', async () => {
  const { lines, dirtyLines, epochs, calls, counts, latencies, log, dirty, begin } = operationsOf();
  const entry = dirty(0, 0, 2);
  dirty(0, 6, 8);
  begin();
  epochs.close();
  calls[0]?.fail('broken');
  await macrotasks();
  expect(dirtyLines.has(entry)).toBe(false);
  calls[1]?.done();
  await macrotasks();
  expect(log).toEqual([`failed: ${FAILURE}, 1 left`, `line 0: ${FAILURE}`, 'done, 0 left']);
  expect([dirtyLines.has(entry), dirtyLines.epochOf(entry), epochs.oldest]).toEqual([true, 0, 0]);
  expect([lines.dirty.covers(entry, 0, 2), lines.dirty.nextSet(entry, 2, 8)]).toEqual([true, 8]);
  expect([counts.writes, counts.lines, latencies.baseWrite.count]).toEqual([1, 0, 1]);
});

test('of a range whose zeroing failed, what was written meanwhile is not zeroed after all', async () => {
  const { zeroes, calls, dirty, zero } = operationsOf();
  zero(0, 16);
  dirty(0, 2, 6);
  calls[0]?.fail('broken');
  await macrotasks();
  const left: number[][] = [];
  plain(zeroes).forEachZero(0, 16, (start, end) => left.push([start, end]));
  expect(left).toEqual([
    [0, 2],
    [6, 16],
  ]);
});

test('a line whose write failed has not become clean, even where its data are no longer wanted', async () => {
  const { lines, writes, calls, counts, log, dirty, begin } = operationsOf();
  const entry = dirty(0, 0, 4);
  begin();
  writes.supersede(entry, 0, 4);
  calls[0]?.fail('broken');
  await macrotasks();
  expect(log).toEqual([`line 0: ${FAILURE}`, `failed: ${FAILURE}, 0 left`]);
  expect([lines.dirty.any(entry), counts.lines]).toEqual([false, 0]);
});
