import { doesNotThrow, throws } from 'node:assert';
import { describe, test } from 'vitest';
import { Oracle } from './oracle.js';
import { TORN, type Writer } from './stamp.js';

/** Writes in the oracle's name, and lets it be accepted. */
function write(oracle: Oracle, start: number, count: number): Writer {
  const pending = oracle.beginWrite(start, count);
  pending.succeeded();
  return pending.writer;
}

describe('another process that looks at the device may see', () => {
  test('each prefix of the writes, one after another', () => {
    const oracle = new Oracle(2);
    const watch = oracle.watch();
    watch.saw([0, 0]);
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    watch.saw([1, 0]);
    watch.saw([1, 0], 2);
    watch.saw([1, 2]);
  });

  test('nothing that is no prefix', () => {
    const oracle = new Oracle(2);
    const watch = oracle.watch();
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    throws(() => watch.saw([0, 2]), /D5: seen by another process, sector 0 reads as zeroes, without writer 1/);
    throws(() => watch.saw([TORN, 0]), /D1, D4: seen by another process, sector 0 reads as torn/);
    throws(() => watch.saw([3, 0]), /may only be zeroes or writer 1/);
  });

  test('no shorter prefix than it has seen', () => {
    const oracle = new Oracle(2);
    const watch = oracle.watch();
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    watch.saw([1, 2]);
    throws(
      () => watch.saw([1, 0]),
      /sector 1 reads as zeroes, without writer 2 .* accepted before another process had/,
    );
  });

  test('some sectors of a write, and later all of them', () => {
    const oracle = new Oracle(3);
    const watch = oracle.watch();
    write(oracle, 0, 3);
    watch.saw([1, 0, 0]);
    throws(() => watch.saw([0, 0, 0]), /sector 0 reads as zeroes, without writer 1/);
    watch.saw([1, 1, 0]);
    watch.saw([1, 1, 1]);
    throws(() => watch.saw([1, 1, 0]), /sector 2 reads as zeroes, without writer 1/);
  });

  test('what was overwritten and flushed since, if it began to look before, and nothing of before the flush otherwise', () => {
    const oracle = new Oracle(1);
    write(oracle, 0, 1);
    const early = oracle.watch();
    write(oracle, 0, 1);
    oracle.beginFlush().succeeded();
    const late = oracle.watch();
    doesNotThrow(() => early.saw([1]));
    throws(() => late.saw([1]), /may only be writer 2/);
    late.saw([2]);
  });

  test('what was there before a crash, and then what was found after it', () => {
    const oracle = new Oracle(2);
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    const watch = oracle.watch();
    oracle.beginWrite(0, 1);
    oracle.crashed(2, [1, 0]);
    write(oracle, 1, 1);
    watch.saw([1, 0]);
    watch.saw([1, 4]);
    throws(() => watch.saw([1, 0]), /without writer 4/);
    const another = oracle.watch();
    throws(() => another.saw([3, 4]), /may only be writer 1/);
  });

  test('zeroes where the size has gone down, and the size of the moment where it tells that', () => {
    const oracle = new Oracle(2);
    write(oracle, 0, 2);
    const watch = oracle.watch();
    oracle.beginResize(1).succeeded();
    watch.saw([1, 1], 2);
    watch.saw([1, 0]);
    watch.saw([1], 1);
    throws(() => watch.saw([1, 0], 2), /the device has 2 sectors, without the resize to 1 sectors/);
    oracle.beginResize(3).failed();
    throws(() => watch.saw([1, 0, 0], 3), /the device has 3 sectors, but may only be 2 or 1/);
  });
});

describe('a crash', () => {
  test('leaves at least what another process has seen', () => {
    const oracle = new Oracle(2);
    const watch = oracle.watch();
    write(oracle, 0, 1);
    write(oracle, 1, 1);
    watch.saw([1, 2]);
    throws(() => {
      throw oracle.prefixes().violation([1, 0]);
    }, /sector 1 reads as zeroes, without writer 2 .* accepted before another process had seen/);
  });

  test('may leave what no watch that has ended was told of', () => {
    const oracle = new Oracle(1);
    const watch = oracle.watch();
    oracle.unwatch(watch);
    write(oracle, 0, 1);
    throws(() => watch.saw([1]));
  });
});
