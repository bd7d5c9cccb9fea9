import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter } from './bytes.js';

const natural = fc.maxSafeNat();
const half = fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 });

test('numbers and bytes are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(natural, half, fc.uint8Array({ maxLength: 20 }))), (items) => {
      const writer = new ByteWriter(1);
      for (const [number, signed, bytes] of items) {
        writer.varint(number);
        writer.signed(signed);
        writer.u64(number);
        writer.varint(bytes.byteLength);
        writer.put(bytes);
      }
      const reader = new ByteReader(writer.bytes, 'here');
      for (const [number, signed, bytes] of items) {
        expect(reader.varint()).toBe(number);
        expect(reader.signed()).toBe(signed);
        expect(reader.u64()).toBe(number);
        expect(reader.take(reader.varint())).toEqual(bytes);
      }
      reader.end();
    }),
  );
});

test('any bytes are read, or CORRUPT', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
      const reader = new ByteReader(bytes, 'here');
      try {
        while (reader.leftBytes > 0) expect(Number.isSafeInteger(reader.varint())).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ code: 'CORRUPT', message: expect.stringMatching(/^here: /) });
      }
    }),
  );
});

test('what is left over is CORRUPT', () => {
  const reader = new ByteReader(Uint8Array.of(1, 2), 'here');
  reader.u8();
  expect(() => reader.end()).toThrow('1 bytes are left over');
  expect(() => reader.take(2)).toThrow('ends too early');
});
