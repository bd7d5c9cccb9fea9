import { match, strictEqual } from 'node:assert';
import { describe, test } from 'vitest';
import { Oracle } from './oracle.js';
import type { Writer } from './stamp.js';

/** Writes in the oracle's name, and lets it be accepted. */
function write(oracle: Oracle, start: number, count: number): Writer {
  const pending = oracle.beginWrite(start, count);
  pending.succeeded();
  return pending.writer;
}

function expectLegal(oracle: Oracle, ...writers: Writer[]): void {
  strictEqual(oracle.prefixes().violation(writers)?.message, undefined);
}

function expectIllegal(oracle: Oracle, message: RegExp, ...writers: Writer[]): void {
  match(oracle.prefixes().violation(writers)?.message ?? 'no violation', message);
}

describe('a crash may leave', () => {
  test('each prefix of writes one after another, and nothing else', () => {
    const oracle = new Oracle(3);
    for (let sector = 0; sector < 3; sector++) write(oracle, sector, 1);
    expectLegal(oracle, 0, 0, 0);
    expectLegal(oracle, 1, 0, 0);
    expectLegal(oracle, 1, 2, 0);
    expectLegal(oracle, 1, 2, 3);
    expectIllegal(
      oracle,
      /sector 0 reads as zeroes, without writer 1 \(sector 0\), which was accepted before writer 2 \(sector 1\) was submitted, and sector 1 reads as writer 2$/,
      0,
      2,
      0,
    );
    expectIllegal(oracle, /without writer 2 \(sector 1\), .* before writer 3 \(sector 2\) was submitted/, 1, 0, 3);
  });

  test('any sectors of the last write, with all that was accepted before it', () => {
    const oracle = new Oracle(4);
    write(oracle, 0, 1);
    write(oracle, 1, 3);
    expectLegal(oracle, 1, 0, 2, 0);
    expectIllegal(oracle, /without writer 1/, 0, 0, 2, 0);
  });

  test('any of the writes that were in flight together, but none without what was accepted before it', () => {
    const oracle = new Oracle(3);
    const [first, second] = [oracle.beginWrite(0, 1), oracle.beginWrite(1, 1)];
    second.succeeded();
    write(oracle, 2, 1);
    first.succeeded();
    expectLegal(oracle, 0, 2, 0);
    expectLegal(oracle, 0, 2, 3);
    expectLegal(oracle, 1, 0, 0);
    expectIllegal(oracle, /without writer 2/, 0, 0, 3);
    expectIllegal(oracle, /without writer 2/, 1, 0, 3);
  });

  test('nothing that an accepted write had overwritten when what is there was submitted', () => {
    const oracle = new Oracle(2);
    write(oracle, 0, 1);
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    expectLegal(oracle, 1, 0);
    expectIllegal(oracle, /sector 0 reads as writer 1, without writer 2/, 1, 3);
  });

  test('no less than the last flush that succeeded', () => {
    const oracle = new Oracle(2);
    write(oracle, 0, 1);
    oracle.beginFlush().failed();
    expectLegal(oracle, 0, 0);
    const flush = oracle.beginFlush();
    write(oracle, 1, 1);
    flush.succeeded();
    expectLegal(oracle, 1, 0);
    expectIllegal(oracle, /sector 0 reads as zeroes, but may only be writer 1/, 0, 0);
  });

  test('what was flushed of a range, and with it what was accepted before that', () => {
    const oracle = new Oracle(3);
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    write(oracle, 2, 1);
    oracle.beginFlush({ start: 1, count: 1 }).succeeded();
    expectLegal(oracle, 1, 2, 0);
    expectIllegal(
      oracle,
      /without writer 1 \(sector 0\), which was accepted before writer 2 \(sector 1\) was submitted, which a flush/,
      0,
      2,
      0,
    );
  });

  test('zeroes of whichever write of zeroes fits, or of before all of them', () => {
    const oracle = new Oracle(2);
    write(oracle, 0, 1);
    oracle.beginZero(0, 1).succeeded();
    const last = write(oracle, 1, 1);
    expectLegal(oracle, 0, last);
    expectLegal(oracle, 0, 0);
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    expectLegal(oracle, 0, last);
    expectIllegal(oracle, /sector 0 reads as zeroes, without writer 3 \(sector 0\)/, 0, 4);
  });

  test('zeroes that no write of zeroes explains only as long as there were none', () => {
    const oracle = new Oracle(3);
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    oracle.beginZero(0, 1).succeeded();
    write(oracle, 2, 1);
    expectLegal(oracle, 0, 2, 0);
    expectLegal(oracle, 0, 2, 3);
    expectIllegal(oracle, /sector 0 reads as writer 1, without zeroes \(sector 0\)/, 1, 2, 3);
  });

  test('a size only with the writes of its time', () => {
    const oracle = new Oracle(2);
    write(oracle, 1, 1);
    oracle.beginResize(1).succeeded();
    oracle.beginResize(2).succeeded();
    write(oracle, 0, 1);
    expectLegal(oracle, 0, 1);
    expectLegal(oracle, 0);
    expectLegal(oracle, 0, 0);
    expectLegal(oracle, 2, 0);
    expectIllegal(oracle, /without the resize to 1 sectors/, 2, 1);
    expectIllegal(oracle, /the device has 1 sectors, without the resize to 2 sectors/, 2);
    expectIllegal(oracle, /the device has 3 sectors, but may only be 2 or 1/, 0, 0, 0);
  });

  test('zeroes that were in flight longer than those that came after them', () => {
    const oracle = new Oracle(2);
    const long = oracle.beginZero(0, 1);
    oracle.beginZero(0, 1).succeeded();
    write(oracle, 0, 1);
    const last = write(oracle, 1, 1);
    expectLegal(oracle, 0, last);
    long.succeeded();
    expectLegal(oracle, 0, last);
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    expectIllegal(oracle, /sector 0 reads as zeroes, without writer 3/, 0, 4);
  });

  test('a resize that failed and may come late, whatever came after it', () => {
    const oracle = new Oracle(2);
    oracle.beginResize(1).failed(true);
    oracle.beginResize(3).succeeded();
    const writer = write(oracle, 0, 1);
    expectLegal(oracle, writer);
    expectLegal(oracle, writer, 0, 0);
    expectIllegal(oracle, /the device has 2 sectors, without the resize to 3 sectors/, writer, 0);
  });

  test('what a write that failed has written, until an accepted one came over it', () => {
    const oracle = new Oracle(2);
    oracle.beginWrite(0, 1).failed();
    const second = write(oracle, 1, 1);
    expectLegal(oracle, 1, second);
    expectLegal(oracle, 0, second);
    const third = write(oracle, 0, 1);
    const fourth = write(oracle, 1, 1);
    expectLegal(oracle, 1, second);
    expectLegal(oracle, third, fourth);
    expectIllegal(oracle, /sector 0 reads as writer 1, without writer 3/, 1, fourth);
  });

  test('after another crash, no less than what that one left', () => {
    const oracle = new Oracle(2);
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    oracle.crashed(2, [1, 0]);
    write(oracle, 1, 1);
    expectLegal(oracle, 1, 0);
    expectLegal(oracle, 1, 3);
    expectIllegal(oracle, /sector 0 reads as zeroes, but may only be writer 1/, 0, 0);
  });
});
