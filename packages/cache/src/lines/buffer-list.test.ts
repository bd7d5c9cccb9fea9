import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BufferList } from './buffer-list.js';

const sizes = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 8 });

/** Buffers of these sizes whose bytes count from 1, and all of them as one. */
function buffersOf(sizes: readonly number[]) {
  let next = 1;
  const buffers = sizes.map((size) => Uint8Array.from({ length: size }, () => next++));
  return { buffers, all: () => buffers.flatMap((buffer) => [...buffer]) };
}

test('a list is read and written as one run of bytes, however it is split', () => {
  fc.assert(
    fc.property(sizes, fc.nat(40), fc.nat(40), (sizes, a, b) => {
      const { buffers, all } = buffersOf(sizes);
      const before = all();
      const from = Math.min(a, b, before.length);
      const to = Math.min(Math.max(a, b), before.length);
      const list = new BufferList(buffers);
      const target = new Uint8Array(to - from);
      list.copyTo(target, from);
      expect([...target]).toEqual(before.slice(from, to));
      list.fillFrom(
        Uint8Array.from({ length: to - from }, (_, i) => 100 + i),
        from,
      );
      expect(all()).toEqual(before.map((byte, at) => (at >= from && at < to ? 100 + at - from : byte)));
      list.fillZero(from, to - from);
      expect(all()).toEqual(before.map((byte, at) => (at >= from && at < to ? 0 : byte)));
    }),
    { numRuns: 300 },
  );
});
