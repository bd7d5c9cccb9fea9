import assert from 'node:assert/strict';
import { byteLengthOf, isBlockError } from '@blockyard/block';
import { describe, test } from 'vitest';
import { FakeFileIo, systemError } from './testing/file-io.js';
import { BUFFERS_PER_CALL_MAX, BYTES_PER_CALL_MAX, readFully, writeFully } from './transfer.js';

const throwIfStopped = () => {};
const counting = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) % 251);

describe('a transfer', () => {
  test('goes on after short writes and reads, across the edges of buffers', async () => {
    const io = new FakeFileIo(4096);
    io.mostBytes = 7;
    const data = counting(100);
    await writeFully(
      (batch, at) => io.writev(batch, at),
      1000,
      [data.subarray(0, 10), data.subarray(10, 31), data.subarray(31)],
      throwIfStopped,
    );
    assert.deepEqual(io.bytes.slice(1000, 1100), data);
    assert.deepEqual(io.bytes[1100], 0);
    const found = [new Uint8Array(64), new Uint8Array(36)];
    await readFully(io, 1000, found, throwIfStopped);
    assert.deepEqual(Uint8Array.from(found.flatMap((buffer) => [...buffer])), data);
  });

  test('takes lists of any length, a part of it at a time', async () => {
    const io = new FakeFileIo(3000);
    const data = counting(3000);
    const buffers = Array.from(data, (_, i) => data.subarray(i, i + 1));
    await writeFully((batch, at) => io.writev(batch, at), 0, buffers, throwIfStopped);
    assert.deepEqual(io.bytes, data);
    assert.equal(io.calls.length, Math.ceil(3000 / BUFFERS_PER_CALL_MAX));
  });

  test('of more than a call may carry is split, also within a buffer', async () => {
    const io = new FakeFileIo(0);
    const calls: { position: number; length: number }[] = [];
    io.readv = async (buffers, position) => {
      calls.push({ position, length: byteLengthOf(buffers) });
      return byteLengthOf(buffers);
    };
    // Never touched, so that it takes no memory.
    await readFully(io, 2 ** 40, [new Uint8Array(1024), new Uint8Array(2 * BYTES_PER_CALL_MAX)], throwIfStopped);
    assert.deepEqual(calls, [
      { position: 2 ** 40, length: BYTES_PER_CALL_MAX },
      { position: 2 ** 40 + BYTES_PER_CALL_MAX, length: BYTES_PER_CALL_MAX },
      { position: 2 ** 40 + 2 * BYTES_PER_CALL_MAX, length: 1024 },
    ]);
  });

  test('that a signal interrupts is taken up again', async () => {
    const io = new FakeFileIo(512);
    let interrupts = 3;
    io.before = () => {
      if (interrupts-- > 0) throw systemError('EINTR');
    };
    await writeFully((batch, at) => io.writev(batch, at), 0, [counting(512)], throwIfStopped);
    assert.deepEqual(io.bytes, counting(512));
  });

  test('that signals interrupt without end gives up', async () => {
    const io = new FakeFileIo(512);
    io.before = () => {
      throw systemError('EINTR');
    };
    await assert.rejects(readFully(io, 0, [new Uint8Array(512)], throwIfStopped), /EINTR/);
  });

  test('that finds the file shorter than it was says where it ends', async () => {
    const io = new FakeFileIo(700);
    await assert.rejects(readFully(io, 512, [new Uint8Array(512)], throwIfStopped), (error) => {
      assert.ok(isBlockError(error, 'CORRUPT'));
      assert.match(error.message, /ends at byte 700/);
      return true;
    });
  });

  test('fails rather than loops when nothing is written', async () => {
    const io = new FakeFileIo(512);
    io.mostBytes = 0;
    await assert.rejects(
      writeFully((batch, at) => io.writev(batch, at), 0, [new Uint8Array(512)], throwIfStopped),
      (error) => isBlockError(error, 'IO'),
    );
  });

  test('ends between two calls when it is told to', async () => {
    const io = new FakeFileIo(512);
    io.mostBytes = 100;
    const stop = () => {
      if (io.calls.length === 2) throw new Error('told to');
    };
    await assert.rejects(
      writeFully((batch, at) => io.writev(batch, at), 0, [counting(512)], stop),
      /told to/,
    );
    assert.deepEqual(io.calls, ['writev', 'writev']);
  });
});
