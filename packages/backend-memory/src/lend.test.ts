import assert from 'node:assert/strict';
import { test } from 'vitest';
import { CHUNK_BYTES, SparseBytes } from './sparse-bytes.js';

test('what is lent is the memory itself, until it is written to', () => {
  const bytes = new SparseBytes();
  bytes.write(0, new Uint8Array(3 * CHUNK_BYTES).fill(1));
  const views = () => {
    const loan = bytes.lend(100, 3 * CHUNK_BYTES);
    loan?.release();
    return loan?.views.map(({ buffer }) => buffer);
  };
  const memory = views();
  assert.equal(memory?.length, 3);
  assert.deepEqual(views(), memory);
  const loan = bytes.lend(0, 3 * CHUNK_BYTES);
  bytes.write(CHUNK_BYTES, new Uint8Array(1).fill(2));
  assert.deepEqual(
    views()?.map((buffer, index) => buffer === memory[index]),
    [true, false, true],
  );
  assert.ok(loan?.views.every((view) => view.every((byte) => byte === 1)));
});

test('after the loan there are no more copies', () => {
  const bytes = new SparseBytes();
  bytes.write(0, new Uint8Array(CHUNK_BYTES).fill(1));
  const loan = bytes.lend(0, CHUNK_BYTES);
  loan?.release();
  bytes.write(0, new Uint8Array(1).fill(2));
  assert.equal(loan?.views[0]?.[0], 2);
});

test('nothing is lent where there is no memory', () => {
  const bytes = new SparseBytes();
  bytes.write(CHUNK_BYTES, new Uint8Array(CHUNK_BYTES));
  assert.equal(bytes.lend(0, 2 * CHUNK_BYTES), undefined);
  assert.equal(bytes.lend(CHUNK_BYTES, 2 * CHUNK_BYTES)?.views.length, 1);
});
