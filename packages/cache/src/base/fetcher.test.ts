import { ManualClock, macrotasks } from '@blockyard/block/testing';
import { expect, test } from 'vitest';
import { setBits } from '../tables/bits.js';
import { plain } from '../testing/plain.js';
import { smallLines } from '../testing/small-lines.js';
import { ZeroRanges } from '../unwritten/zero-ranges.js';
import { BaseCalls } from './base-calls.js';
import { Fetcher, type LineFetch } from './fetcher.js';
import { Latencies } from './latencies.js';

const SECTOR = 512;
const LINE_SECTORS = 8;

/** A fetcher over a base that answers when the test says: every sector holds its number. */
function fetcherOf({ lineSectors = LINE_SECTORS } = {}) {
  const { geometry, epochs, real, lines } = smallLines({ lineSectors });
  const calls: { readonly start: number; readonly sectors: number[]; answer(): void; fail(error: unknown): void }[] =
    [];
  const base = {
    read: (start: number, buffers: readonly Uint8Array[]) =>
      new Promise<void>((resolve, reject) => {
        const answer = () => {
          let sector = start;
          for (const buffer of buffers) {
            for (let at = 0; at < buffer.byteLength; at += SECTOR) buffer.fill(sector++, at, at + SECTOR);
          }
          resolve();
        };
        calls.push({ start, sectors: buffers.map(({ byteLength }) => byteLength / SECTOR), answer, fail: reject });
      }),
  };
  const zeroes = new ZeroRanges(epochs);
  const clock = new ManualClock({ strict: true });
  const latencies = new Latencies();
  const log: string[] = [];
  const made = new Fetcher({
    base: new BaseCalls({ info: { name: 'by hand' }, ...base } as never, (error) => log.push(`broken: ${error}`)),
    geometry,
    lines: real.lines,
    zeroes,
    clock,
    latencies,
    memoryReturned: () => log.push('settled'),
  });
  const fetcher = plain(made);
  /** A fetch of sectors of a line, which is made resident if it is not. */
  const prepare = (line: number, from = 0, to = lineSectors, speculative = false): LineFetch => {
    const found = lines.find(line);
    const entry = found >= 0 ? found : lines.admit(line, false);
    const fetch = fetcher.prepare(entry, line, from, to, speculative);
    fetch.waiters.push((failure) =>
      log.push(failure === undefined ? `line ${line}: ${sectorsOf(entry)}` : `line ${line} failed: ${failure}`),
    );
    return fetch;
  };
  /** What the valid sectors of a line hold; a dot for the others. */
  const sectorsOf = (entry: number) =>
    Array.from({ length: lineSectors }, (_, i) =>
      lines.valid.covers(entry, i, i + 1) ? lines.view(lines.slotOf(entry), i, i + 1)[0] : '.',
    ).join(' ');
  const write = (line: number, from: number, to: number, byte: number) => {
    const found = lines.find(line);
    const entry = found >= 0 ? found : lines.admit(line, false);
    lines.view(lines.slotOf(entry), from, to).fill(byte);
    lines.valid.set(entry, from, to);
    fetcher.supersede(entry, from, to);
    return entry;
  };
  return { fetcher, lines, zeroes: plain(zeroes), clock, latencies, calls, log, prepare, write, sectorsOf };
}

test('neighbouring lines are one read, straight into their slots', async () => {
  const { fetcher, calls, log, prepare } = fetcherOf();
  fetcher.issue([prepare(2, 3), prepare(3), prepare(4, 0, 2)]);
  expect(calls.map(({ start, sectors }) => [start, sectors])).toEqual([[19, [5, 8, 2]]]);
  expect(fetcher.counts).toEqual({ reads: 1, readBytes: 15 * SECTOR, failed: 0 });
  calls[0]?.answer();
  await macrotasks();
  expect(log).toEqual([
    'line 2: . . . 19 20 21 22 23',
    'line 3: 24 25 26 27 28 29 30 31',
    'line 4: 32 33 . . . . . .',
    'settled',
  ]);
});

test('nothing to read is no read', () => {
  const { fetcher, calls } = fetcherOf();
  fetcher.issue([]);
  expect([calls.length, fetcher.inFlight, fetcher.counts.reads]).toEqual([0, 0, 0]);
});

test('what is there, and what is zero, is not read: from the first missing sector to the last, gaps go elsewhere', async () => {
  const { fetcher, zeroes, calls, log, prepare, write } = fetcherOf();
  write(1, 0, 1, 100);
  write(1, 3, 4, 101);
  zeroes.add('discard', 12, 14, 0);
  zeroes.add('discard', 15, 30, 0);
  const fetch = prepare(1);
  expect([fetch.from, fetch.to, fetcher.countWanted(fetch, 0, 8), fetcher.countWanted(fetch, 2, 7)]).toEqual([
    1, 7, 3, 2,
  ]);
  fetcher.issue([fetch]);
  expect(calls.map(({ start, sectors }) => [start, sectors])).toEqual([[9, [2, 3, 1]]]);
  calls[0]?.answer();
  await macrotasks();
  expect(log[0]).toBe('line 1: 100 9 10 101 . . 14 .');
});

test('what is written or zeroed meanwhile is newer than what arrives', async () => {
  const { fetcher, calls, log, prepare, write } = fetcherOf();
  const fetch = prepare(1);
  fetcher.issue([fetch]);
  write(1, 2, 4, 100);
  fetcher.supersede(fetch.entry, 6, 7);
  fetcher.supersede(fetch.entry + 1, 0, 8);
  expect(fetcher.countWanted(fetch, 0, 8)).toBe(5);
  calls[0]?.answer();
  await macrotasks();
  // Sectors that the base was to write to cannot be written to meanwhile without moving the line; here it did not move.
  expect(log[0]).toBe('line 1: 8 9 10 11 12 13 . 15');
});

test('a line that has moved gets what arrives where it is now', async () => {
  const { fetcher, lines, calls, log, prepare, write } = fetcherOf();
  const fetch = prepare(1);
  fetcher.issue([fetch]);
  expect([fetcher.isTarget(fetch.entry, 0, 1), fetcher.isTarget(fetch.entry + 1, 0, 8)]).toEqual([true, false]);
  lines.relocate(fetch.entry);
  expect(fetcher.isTarget(fetch.entry, 0, 8)).toBe(false);
  write(1, 2, 4, 100);
  calls[0]?.answer();
  await macrotasks();
  expect(log[0]).toBe('line 1: 8 9 100 100 12 13 14 15');
  expect(lines.hasPins(fetch.entry)).toBe(false);
});

test('the base writes to the sectors that it was asked for, wanted still or not, and to no other', () => {
  const { fetcher, prepare } = fetcherOf();
  const fetch = prepare(1, 2, 5);
  fetcher.issue([fetch]);
  fetcher.supersede(fetch.entry, 2, 5);
  const targets = [0, 2, 4, 5].map((sector) => fetcher.isTarget(fetch.entry, sector, sector + 1));
  expect(targets).toEqual([false, true, true, false]);
});

test('of several fetches of a line the base writes to the sectors of each', () => {
  const { fetcher, prepare } = fetcherOf();
  const { entry } = prepare(1, 0, 2);
  prepare(1, 4, 6);
  const targets = [1, 3, 5].map((sector) => fetcher.isTarget(entry, sector, sector + 1));
  expect(targets).toEqual([true, false, true]);
});

test('a fetch covers what it will leave valid', () => {
  const { fetcher, prepare, write } = fetcherOf();
  write(1, 0, 2, 100);
  write(1, 4, 5, 100);
  const fetch = prepare(1, 2, 6);
  fetcher.issue([fetch]);
  const covers = (from: number, to: number) => fetcher.willCover(fetch, from, to);
  expect([covers(0, 6), covers(3, 5), covers(0, 2), covers(5, 7), covers(6, 7)]).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  fetcher.supersede(fetch.entry, 3, 4);
  expect([covers(0, 6), covers(0, 3), covers(4, 6)]).toEqual([false, true, true]);
  setBits(fetch.wanted, 0, 3, 4);
  expect(covers(0, 6)).toBe(true);
});

test('a failure is told to all lines of the read, and leaves them as they were', async () => {
  const { fetcher, lines, calls, log, latencies, prepare, write } = fetcherOf();
  write(1, 0, 1, 100);
  fetcher.issue([prepare(1), prepare(2)]);
  calls[0]?.fail('broken');
  await macrotasks();
  const failure = 'BlockError: read on by hand: broken';
  expect(log).toEqual([`line 1 failed: ${failure}`, `line 2 failed: ${failure}`, 'settled']);
  expect(fetcher.counts.failed).toBe(1);
  expect(latencies.baseRead.count).toBe(0);
  // The line that holds something stays, the empty one leaves.
  expect([lines.find(1) >= 0, lines.find(2)]).toEqual([true, -1]);
});

test('a line has a fetch until it is over, and the base is idle when all are', async () => {
  const { fetcher, clock, latencies, calls, prepare } = fetcherOf();
  await fetcher.idle();
  const [one, two] = [prepare(1), prepare(5)];
  fetcher.issue([one]);
  fetcher.issue([two]);
  let isIdle = 0;
  for (let i = 0; i < 2; i++) void fetcher.idle().then(() => isIdle++);
  expect([fetcher.inFlight, fetcher.of(one.entry), fetcher.of(two.entry)]).toEqual([2, [one], [two]]);
  clock.nowMs = 3;
  calls[0]?.answer();
  await macrotasks();
  expect([fetcher.inFlight, fetcher.of(one.entry), isIdle]).toEqual([1, [], 0]);
  calls[1]?.fail('broken');
  await macrotasks();
  expect([fetcher.inFlight, isIdle]).toEqual([0, 2]);
  expect([latencies.baseRead.count, latencies.baseRead.mean]).toEqual([1, 3000]);
});

test('who needs sectors that a fetch brings no longer waits for that one all the same, and not for an earlier one', () => {
  const { fetcher, lines, prepare } = fetcherOf();
  const fetches = [prepare(0, 0, 2), prepare(0, 4, 6), prepare(0, 6, 8)];
  const entry = lines.find(0);
  expect(fetcher.toAwait(entry, 0, 4, 5)).toBe(fetches[1]);
  // Newer data came and went: the base still writes to the place.
  fetcher.supersede(entry, 4, 5);
  expect(fetcher.toAwait(entry, 0, 4, 6)).toBe(fetches[1]);
  expect(fetcher.toAwait(entry, 0, 6, 8)).toBe(fetches[2]);
  // What is on no way is begun.
  expect(fetcher.toAwait(entry, 0, 2, 4)).toBe(undefined);
});

test('of several fetches under way the one to wait for is that which brings all that is missing, not the first that brings some', () => {
  const { fetcher, lines, prepare, write } = fetcherOf();
  write(0, 2, 3, 100);
  const some = prepare(0, 0, 2);
  const all = prepare(0, 3, 8);
  const entry = lines.find(0);
  expect(fetcher.toAwait(entry, 0, 0, 3)).toBe(some);
  expect(fetcher.toAwait(entry, 0, 2, 8)).toBe(all);
  // Newer data came and went: neither brings all, and the first ends the wait for the sooner part.
  fetcher.supersede(entry, 1, 2);
  expect(fetcher.toAwait(entry, 0, 1, 8)).toBe(some);
  expect(fetcher.toAwait(entry, 0, 3, 8)).toBe(all);
});

test('a line has sixteen fetches at most, and who needs more of it waits for the oldest', () => {
  const { fetcher, lines, prepare } = fetcherOf({ lineSectors: 32 });
  const fetches = Array.from({ length: 15 }, (_, i) => prepare(0, i, i + 1));
  const entry = lines.find(0);
  expect([fetcher.mayBegin(entry, 0, 20, 21), fetcher.toAwait(entry, 0, 20, 21)]).toEqual([true, undefined]);
  fetches.push(prepare(0, 15, 16));
  expect([fetcher.lacks(entry, 0, 20, 21), fetcher.mayBegin(entry, 0, 20, 21)]).toEqual([true, false]);
  expect(fetcher.toAwait(entry, 0, 20, 21)).toBe(fetches[0]);
  expect(() => prepare(0, 20, 21)).toThrow('more fetches than its bound');
});

test('a range is lacking only where it is neither there, nor zero, nor on its way', () => {
  const { fetcher, zeroes, lines, prepare, write } = fetcherOf();
  write(0, 0, 2, 100);
  zeroes.add('writeZeroes', 2, 4, 0);
  prepare(0, 4, 6);
  const entry = lines.find(0);
  const lacks = (from: number, to: number) => fetcher.lacks(entry, 0, from, to);
  expect([lacks(0, 6), lacks(5, 7), lacks(6, 8)]).toEqual([false, true, true]);
  expect(fetcher.countHeld(entry, 0, 8)).toBe(4);
  expect(fetcher.countHeld(entry, 5, 8)).toBe(1);
});

test('a read of which much is not wanted is several, each with no more of that than a line', async () => {
  const { fetcher, calls, log, prepare, write } = fetcherOf();
  // Of each line the outer sectors are missing: six of eight are read for nothing.
  for (const line of [0, 1, 2]) write(line, 1, 7, 100);
  fetcher.issue([prepare(0), prepare(1), prepare(2)]);
  expect(calls.map(({ start }) => start)).toEqual([0]);
  calls[0]?.answer();
  await macrotasks();
  expect(calls.map(({ start, sectors }) => [start, sectors])).toEqual([
    [0, [1, 6, 1]],
    [8, [1, 6, 1]],
  ]);
  calls[1]?.answer();
  await macrotasks();
  calls[2]?.answer();
  await macrotasks();
  expect(log).toEqual([
    'line 0: 0 100 100 100 100 100 100 7',
    'settled',
    'line 1: 8 100 100 100 100 100 100 15',
    'settled',
    'line 2: 16 100 100 100 100 100 100 23',
    'settled',
  ]);
  expect(fetcher.counts).toEqual({ reads: 3, readBytes: 24 * SECTOR, failed: 0 });
});

test('no read is of lines that are no neighbours', () => {
  const { fetcher, prepare } = fetcherOf();
  expect(() => fetcher.issue([prepare(0), prepare(2)])).toThrow('must be neighbours');
});

test('what lies before the first wanted sector of a read and after the last is not read, and splits nothing', () => {
  const { fetcher, calls, prepare, write } = fetcherOf();
  write(1, 1, 7, 100);
  fetcher.issue([prepare(0, 5, 8), prepare(1), prepare(2, 0, 3)]);
  expect(calls.map(({ start, sectors }) => [start, sectors])).toEqual([[5, [3, 1, 6, 1, 3]]]);
});
