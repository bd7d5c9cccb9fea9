import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { CHUNK_BYTES, SparseBytes } from './sparse-bytes.js';

const bytesOf = (length: number, value: number) => new Uint8Array(length).fill(value);
const END = Number.MAX_SAFE_INTEGER;

describe('sparse bytes', () => {
  test('whatever is written, zeroed and read in any order agrees with a plain array', () => {
    const sizeBytes = CHUNK_BYTES * 4;
    const position = fc.integer({ min: 0, max: sizeBytes });
    const step = fc.record({ kind: fc.constantFrom('write', 'zero'), a: position, b: position, value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), position, position, (steps, x, y) => {
        const model = new Uint8Array(sizeBytes);
        const bytes = new SparseBytes();
        for (const { kind, a, b, value } of steps) {
          const [start, end] = a < b ? [a, b] : [b, a];
          if (kind === 'write') bytes.write(start, bytesOf(end - start, value));
          else bytes.zero(start, end);
          model.fill(kind === 'write' ? value : 0, start, end);
        }
        const [start, end] = x < y ? [x, y] : [y, x];
        const found = bytesOf(end - start, 0xee);
        bytes.read(start, found);
        assert.deepEqual(found, model.slice(start, end));
        checkRuns(bytes, model, start, end);
      }),
      { numRuns: 60 },
    );
  });

  function checkRuns(bytes: SparseBytes, model: Uint8Array, start: number, end: number): void {
    let at = start;
    for (const run of bytes.runs(start, end)) {
      assert.ok(run.start >= at && run.end > run.start && run.end <= end, `${run.start} to ${run.end} after ${at}`);
      assert.ok(
        model.subarray(at, run.start).every((byte) => byte === 0),
        'data outside of the runs',
      );
      at = run.end;
    }
    assert.ok(
      model.subarray(at, end).every((byte) => byte === 0),
      'data after the runs',
    );
  }

  test('a chunk goes when its last byte that is not zero is zeroed, and not before', () => {
    const bytes = new SparseBytes();
    bytes.write(0, bytesOf(2, 1));
    bytes.zero(1, CHUNK_BYTES);
    assert.deepEqual(bytes.runs(0, END), [{ start: 0, end: CHUNK_BYTES }]);
    bytes.zero(0, 1);
    assert.deepEqual(bytes.runs(0, END), []);
  });

  test('neighbouring chunks are one run, also when written in descending order', () => {
    const bytes = new SparseBytes();
    bytes.write(10 * CHUNK_BYTES, bytesOf(1, 1));
    bytes.write(9 * CHUNK_BYTES, bytesOf(1, 1));
    assert.deepEqual(bytes.runs(0, END), [{ start: 9 * CHUNK_BYTES, end: 11 * CHUNK_BYTES }]);
  });

  test('runs of a range end where the range does', () => {
    const bytes = new SparseBytes();
    bytes.write(0, bytesOf(CHUNK_BYTES, 1));
    assert.deepEqual(bytes.runs(100, 200), [{ start: 100, end: 200 }]);
  });

  test('the last byte that a safe integer can name is like any other', () => {
    const bytes = new SparseBytes();
    bytes.write(END - 2, bytesOf(2, 7));
    const found = new Uint8Array(3);
    bytes.read(END - 3, found);
    assert.deepEqual([...found], [0, 7, 7]);
  });
});
