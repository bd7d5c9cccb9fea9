import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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

/** Takes a buffer's memory away, as a transfer to a worker does. */
function detach(bytes: Uint8Array): void {
  const memory = bytes.buffer as ArrayBuffer;
  structuredClone(memory, { transfer: [memory] });
}

/** Memory that its owner can resize. The platform has it; the types that the package is built with do not yet. */
function resizable(byteLength: number): ArrayBuffer & { resize(byteLength: number): void } {
  return Reflect.construct(ArrayBuffer, [byteLength, { maxByteLength: 2 * byteLength }]);
}

describe('A list of which a buffer was detached', () => {
  const uses: readonly [string, (list: BufferList, at: number, byteLength: number) => void][] = [
    ['check', (list, at, byteLength) => list.check(at, byteLength)],
    ['fillZero', (list, at, byteLength) => list.fillZero(at, byteLength)],
    ['copyTo', (list, at, byteLength) => list.copyTo(new Uint8Array(byteLength), at)],
    ['fillFrom', (list, at, byteLength) => list.fillFrom(new Uint8Array(byteLength), at)],
  ];

  test.each(uses)('%s says so, and changes no other', (_, use) => {
    const { buffers } = buffersOf([4, 4, 4]);
    const list = new BufferList(buffers);
    detach(buffers[1] ?? new Uint8Array());
    for (const [at, byteLength] of [
      [0, 5],
      [0, 12],
      [7, 1],
      [7, 5],
    ] as const) {
      expect(() => use(list, at, byteLength)).toThrow(
        expect.objectContaining({
          code: 'INVALID_ARGUMENT',
          message: expect.stringContaining('a buffer was detached, or its memory shrunk'),
        }),
      );
      expect([buffers[0], buffers[2]]).toEqual([Uint8Array.of(1, 2, 3, 4), Uint8Array.of(9, 10, 11, 12)]);
    }
  });

  test.each(uses)('%s works for bytes of the others', (_, use) => {
    const { buffers } = buffersOf([4, 4, 4]);
    const list = new BufferList(buffers);
    detach(buffers[1] ?? new Uint8Array());
    for (const [at, byteLength] of [
      [0, 4],
      [8, 4],
    ] as const)
      expect(() => use(list, at, byteLength)).not.toThrow();
  });
});

test('a buffer whose memory has grown is the part of it that there was, and one that has shrunk is refused', () => {
  const memory = resizable(4);
  const grown = new Uint8Array(memory);
  const list = new BufferList([grown, new Uint8Array(2).fill(9)]);
  memory.resize(8);
  list.fillFrom(Uint8Array.of(1, 2, 3), 2);
  expect([...grown]).toEqual([0, 0, 1, 2, 0, 0, 0, 0]);
  const target = new Uint8Array(6);
  list.copyTo(target, 0);
  expect([...target]).toEqual([0, 0, 1, 2, 3, 9]);
  memory.resize(3);
  expect(() => list.copyTo(target, 0)).toThrow('shrunk');
});
