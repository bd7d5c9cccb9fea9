import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferCursor } from './buffer-cursor.js';

/** Buffers of these lengths, and a way to see them as one. */
function listOf(lengths: readonly number[]) {
  const buffers = lengths.map((length) => new Uint8Array(length).fill(0xee));
  return { buffers, bytes: () => buffers.flatMap((buffer) => [...buffer]) };
}

const upTo = (end: number) => Uint8Array.from({ length: end }, (_, i) => i + 1);

const lengths = fc.array(fc.nat(9), { maxLength: 6 });
const steps = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 60, maxLength: 60 });

describe('BufferCursor', () => {
  test('fills a list with pieces of any size, as if it were one buffer', () => {
    fc.assert(
      fc.property(lengths, steps, (sizes, pieces) => {
        const { buffers, bytes } = listOf(sizes);
        const cursor = new BufferCursor(buffers);
        const source = upTo(cursor.byteLength);
        let doneBytes = 0;
        for (const piece of pieces) {
          const length = Math.min(piece, cursor.leftBytes);
          cursor.fill(source.subarray(doneBytes, doneBytes + length));
          doneBytes += length;
          expect([cursor.doneBytes, cursor.leftBytes]).toEqual([doneBytes, source.byteLength - doneBytes]);
        }
        expect(bytes()).toEqual([...source]);
      }),
    );
  });

  test('hands a list out in views, within both bounds', () => {
    fc.assert(
      fc.property(lengths, steps, fc.integer({ min: 1, max: 3 }), (sizes, pieces, maxViews) => {
        const { buffers } = listOf(sizes);
        new BufferCursor(buffers).fill(upTo(sizes.reduce((sum, size) => sum + size, 0)));
        const cursor = new BufferCursor(buffers);
        const found: number[] = [];
        for (const maxBytes of pieces) {
          const views = cursor.peek(maxBytes, maxViews);
          const length = views.reduce((sum, { byteLength }) => sum + byteLength, 0);
          expect(length).toBeLessThanOrEqual(maxBytes);
          expect(views.length).toBeLessThanOrEqual(maxViews);
          expect(views.every(({ byteLength }) => byteLength > 0)).toBe(true);
          expect(length > 0).toBe(cursor.leftBytes > 0);
          for (const view of views) found.push(...view);
          cursor.advance(length);
        }
        expect(cursor.peek()).toEqual([]);
        expect(found).toEqual([...upTo(found.length)]);
        expect(found).toHaveLength(cursor.byteLength);
      }),
    );
  });

  test('hands out a whole buffer as it is, and looking moves nothing', () => {
    const { buffers } = listOf([4, 4]);
    const cursor = new BufferCursor(buffers);
    expect(cursor.peek()[0]).toBe(buffers[0]);
    expect(cursor.peek()).toEqual(buffers);
    cursor.advance(1);
    const [rest] = cursor.peek(2);
    expect([rest?.buffer, rest?.byteOffset, rest?.byteLength]).toEqual([buffers[0]?.buffer, 1, 2]);
    expect(cursor.peek(2)).toHaveLength(1);
    expect(cursor.doneBytes).toBe(1);
  });

  test('fills the rest with zeroes', () => {
    const { buffers, bytes } = listOf([2, 3, 2]);
    const cursor = new BufferCursor(buffers);
    cursor.fill(upTo(3));
    cursor.fillRestWithZeroes();
    expect(bytes()).toEqual([1, 2, 3, 0, 0, 0, 0]);
    expect([cursor.doneBytes, cursor.leftBytes]).toEqual([7, 0]);
    cursor.fillRestWithZeroes();
    expect(cursor.doneBytes).toBe(7);
  });

  test('goes no further than the end', () => {
    const { buffers, bytes } = listOf([2, 2]);
    const cursor = new BufferCursor(buffers);
    expect(() => cursor.fill(upTo(5))).toThrow('buffers have room for what fills them');
    expect(bytes()).toEqual([0xee, 0xee, 0xee, 0xee]);
    expect(() => cursor.advance(5)).toThrow('a cursor advances within its buffers');
    for (const wrong of [-1, Number.NaN])
      expect(() => cursor.advance(wrong)).toThrow('a cursor advances within its buffers');
    cursor.advance(4);
    expect(() => cursor.advance(1)).toThrow('a cursor advances within its buffers');
  });

  test('puts nothing into the place of a buffer that was detached or shrunk', () => {
    const memory = new ArrayBuffer(4);
    const buffers = [new Uint8Array(2), new Uint8Array(memory), new Uint8Array(4).fill(0xee)];
    const cursor = new BufferCursor(buffers);
    cursor.fill(upTo(1));
    structuredClone(memory, { transfer: [memory] });
    const lost = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    cursor.fill(upTo(1));
    expect(() => cursor.fill(upTo(1))).toThrow(lost);
    expect(() => cursor.peek()).toThrow(lost);
    expect(() => cursor.fillRestWithZeroes()).toThrow(lost);
    expect([...(buffers[2] ?? [])]).toEqual([0xee, 0xee, 0xee, 0xee]);
    // What has been detached can still be gone past: others' bytes may follow.
    cursor.advance(4);
    cursor.fill(upTo(4));
    expect([...(buffers[2] ?? [])]).toEqual([1, 2, 3, 4]);
  });
});
