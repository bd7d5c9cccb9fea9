import { deepStrictEqual, throws } from 'node:assert';
import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { Oracle } from './oracle.js';

/** Writes in the oracle's name, and lets it be accepted. */
function write(oracle: Oracle, start: number, count: number): number {
  const pending = oracle.beginWrite(start, count);
  pending.succeeded();
  return pending.writer;
}

function flush(oracle: Oracle): void {
  oracle.beginFlush().succeeded();
}

describe('what may be read now', () => {
  test('of a resize of which no one knows whether it took place, is both until a flush', () => {
    const oracle = new Oracle(10);
    const writer = write(oracle, 0, 10);
    flush(oracle);
    oracle.beginResize(5).failed(true);
    deepStrictEqual([...oracle.sizesAfterCrash()].sort(), [10, 5]);
    deepStrictEqual(oracle.allowedNow(7), [writer]);
    deepStrictEqual([...oracle.allowedAfterCrash(7)].sort(), [0, writer]);
    deepStrictEqual(oracle.allowedAfterCrash(3), [writer]);
    flush(oracle);
    deepStrictEqual(oracle.sizesAfterCrash(), [10]);
    deepStrictEqual(oracle.allowedAfterCrash(7), [writer]);
  });

  test('is what a plain array holds, as long as one operation follows the other', () => {
    const operation = fc.record({
      kind: fc.constantFrom('write', 'zero', 'failed resize', 'resize', 'flush'),
      start: fc.nat(9),
      count: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(operation, { size: 'medium' }), (operations) => {
        const oracle = new Oracle(10);
        const plain = new Array<number>(10).fill(0);
        for (const { kind, start, count } of operations) {
          const from = Math.min(start, plain.length);
          const to = Math.min(from + count, plain.length);
          if (kind === 'write') plain.fill(write(oracle, from, to - from), from, to);
          if (kind === 'flush') flush(oracle);
          if (kind === 'failed resize') oracle.beginResize(count).failed();
          if (kind === 'zero') {
            oracle.beginZero(from, to - from).succeeded();
            plain.fill(0, from, to);
          }
          if (kind === 'resize') {
            oracle.beginResize(start + count).succeeded();
            plain.splice(start + count);
            while (plain.length < start + count) plain.push(0);
          }
          deepStrictEqual(
            plain.map((_, sector) => oracle.allowedNow(sector)),
            plain.map((writer) => [writer]),
          );
          deepStrictEqual(oracle.sizeSectors, plain.length);
        }
      }),
    );
  });

  test('is old or new while a write is in flight, and new once it was accepted', () => {
    const oracle = new Oracle(4);
    const pending = oracle.beginWrite(1, 2);
    deepStrictEqual(
      [0, 1, 2, 3].map((sector) => oracle.allowedNow(sector)),
      [[0], [0, 1], [0, 1], [0]],
    );
    pending.succeeded();
    deepStrictEqual(
      [0, 1, 2, 3].map((sector) => oracle.allowedNow(sector)),
      [[0], [1], [1], [0]],
    );
  });

  test('is old or new after a write failed, until another is accepted', () => {
    const oracle = new Oracle(1);
    oracle.beginWrite(0, 1).failed();
    deepStrictEqual(oracle.allowedNow(0), [0, 1]);
    write(oracle, 0, 1);
    deepStrictEqual(oracle.allowedNow(0), [2]);
  });

  test('is either of two writes that were in flight together, in whatever order they were accepted', () => {
    const oracle = new Oracle(1);
    const [first, second] = [oracle.beginWrite(0, 1), oracle.beginWrite(0, 1)];
    second.succeeded();
    first.succeeded();
    deepStrictEqual(oracle.allowedNow(0), [2, 1]);
  });

  test('is settled by a read that nothing disturbed', () => {
    const oracle = new Oracle(1);
    const [first, second] = [oracle.beginWrite(0, 1), oracle.beginWrite(0, 1)];
    first.succeeded();
    second.succeeded();
    const [here, there] = [oracle.beginRead(0, 1), oracle.beginRead(0, 1)];
    here.saw([1]);
    deepStrictEqual(oracle.allowedNow(0), [1]);
    throws(() => there.saw([2]), /sector 0 reads as writer 2, but may only read as writer 1/);
  });

  test('includes all that was in flight with the read, and nothing that was over before it', () => {
    const oracle = new Oracle(1);
    write(oracle, 0, 1);
    write(oracle, 0, 1);
    const inFlight = oracle.beginWrite(0, 1);
    const reads = Array.from({ length: 5 }, () => oracle.beginRead(0, 1));
    inFlight.succeeded();
    write(oracle, 0, 1);
    for (const [i, writer] of [2, 3, 4].entries()) reads[i]?.saw([writer]);
    throws(() => reads[3]?.saw([1]), /sector 0 reads as writer 1/);
    throws(() => reads[4]?.saw([-1]), /sector 0 reads as torn/);
    // None of them was undisturbed.
    deepStrictEqual(oracle.allowedNow(0), [4]);
  });

  test('is zeroes past an earlier end, also for what was in flight before the shrink', () => {
    const oracle = new Oracle(4);
    const early = oracle.beginWrite(3, 1);
    const shrink = oracle.beginResize(2);
    const grow = oracle.beginResize(4);
    const late = oracle.beginWrite(2, 1);
    early.succeeded();
    shrink.succeeded();
    grow.succeeded();
    late.succeeded();
    deepStrictEqual([oracle.allowedNow(2), oracle.allowedNow(3)], [[late.writer], [0]]);
  });
});

describe('what a crash may leave', () => {
  test('is the last flushed contents, or any later ones', () => {
    const oracle = new Oracle(1);
    write(oracle, 0, 1);
    write(oracle, 0, 1);
    deepStrictEqual(oracle.allowedAfterCrash(0), [0, 1, 2]);
    flush(oracle);
    deepStrictEqual(oracle.allowedAfterCrash(0), [2]);
    oracle.beginWrite(0, 1);
    oracle.beginWrite(0, 1).failed();
    deepStrictEqual(oracle.allowedAfterCrash(0), [2, 3, 4]);
  });

  test('owes nothing to a flush that was called before the write was accepted, or that failed', () => {
    const oracle = new Oracle(1);
    const pending = oracle.beginWrite(0, 1);
    const early = oracle.beginFlush();
    pending.succeeded();
    oracle.beginFlush().failed();
    early.succeeded();
    deepStrictEqual(oracle.allowedAfterCrash(0), [0, 1]);
  });

  test('is flushed for the range of a flush alone', () => {
    const oracle = new Oracle(3);
    write(oracle, 0, 3);
    oracle.beginFlush({ start: 1, count: 1 }).succeeded();
    deepStrictEqual(
      [0, 1, 2].map((sector) => oracle.allowedAfterCrash(sector)),
      [[0, 1], [1], [0, 1]],
    );
  });

  test('is either of two writes in flight together, flushed or not, until a read tells which', () => {
    const oracle = new Oracle(1);
    const [first, second] = [oracle.beginWrite(0, 1), oracle.beginWrite(0, 1)];
    first.succeeded();
    second.succeeded();
    flush(oracle);
    deepStrictEqual(oracle.allowedAfterCrash(0), [1, 2]);
    oracle.beginRead(0, 1).saw([2]);
    deepStrictEqual(oracle.allowedAfterCrash(0), [2]);
  });

  test('is not told by a read where the last write was not flushed', () => {
    const oracle = new Oracle(1);
    const [first, second] = [oracle.beginWrite(0, 1), oracle.beginWrite(0, 1)];
    first.succeeded();
    const early = oracle.beginFlush();
    second.succeeded();
    early.succeeded();
    oracle.beginRead(0, 1).saw([2]);
    deepStrictEqual(oracle.allowedNow(0), [2]);
    deepStrictEqual(oracle.allowedAfterCrash(0), [1, 2]);
  });

  test('stays as it was found after the crash', () => {
    const oracle = new Oracle(1);
    write(oracle, 0, 1);
    write(oracle, 0, 1);
    oracle.crashed(1);
    deepStrictEqual(oracle.allowedNow(0), [0, 1, 2]);
    oracle.beginRead(0, 1).saw([1]);
    deepStrictEqual([oracle.allowedNow(0), oracle.allowedAfterCrash(0)], [[1], [1]]);
  });

  test('may be what it was before, flushed or found or not, where a crash may take away what was flushed', () => {
    const oracle = new Oracle(10, { losesFlushed: true });
    const first = write(oracle, 0, 1);
    flush(oracle);
    deepStrictEqual([...oracle.allowedAfterCrash(0)].sort(), [0, first]);
    oracle.crashed(10, [first, ...new Array(9).fill(0)]);
    deepStrictEqual(oracle.allowedNow(0), [first]);
    deepStrictEqual([...oracle.allowedAfterCrash(0)].sort(), [0, first]);
  });

  test('is no longer moved by what was in flight at the crash', () => {
    const oracle = new Oracle(1);
    const pending = oracle.beginWrite(0, 1);
    oracle.crashed(1);
    oracle.beginRead(0, 1).saw([0]);
    pending.succeeded();
    deepStrictEqual(oracle.allowedNow(0), [0]);
  });

  test('has any size since the last flush', () => {
    const oracle = new Oracle(4);
    oracle.beginResize(6).succeeded();
    oracle.beginResize(5).failed();
    const pending = oracle.beginResize(2);
    deepStrictEqual(oracle.sizesAfterCrash(), [4, 6, 2]);
    pending.succeeded();
    flush(oracle);
    deepStrictEqual(oracle.sizesAfterCrash(), [2]);
    throws(() => oracle.crashed(6), /has 6 sectors, but may have 2/);
  });

  test('may hold what an unflushed shrink dropped, and no more once it was flushed', () => {
    const oracle = new Oracle(2);
    write(oracle, 1, 1);
    flush(oracle);
    oracle.beginResize(1).succeeded();
    oracle.beginResize(2).succeeded();
    deepStrictEqual(oracle.allowedAfterCrash(1), [1, 0]);
    flush(oracle);
    deepStrictEqual(oracle.allowedAfterCrash(1), [0]);
  });
});
