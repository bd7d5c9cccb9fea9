import { describe, expect, test } from 'vitest';
import { decodeStamp, encodeStamp } from './stamp.js';

const VOLUME = 'a'.repeat(32);

describe('a stamp', () => {
  const of1 = { volumeId: VOLUME, epoch: 12, writeId: 'b'.repeat(32) };
  const of2 = { ...of1, data: { index: 2 ** 43 + 1, opening: 'c'.repeat(32), dataBytes: 512 } };

  test('is read as it was written', () => {
    expect(decodeStamp(encodeStamp(of1))).toEqual(of1);
    expect(decodeStamp(encodeStamp(of2))).toEqual(of2);
    expect(encodeStamp(of1)).toBe(`${VOLUME}/12/${of1.writeId}`);
  });

  test('with any character changed is not one', () => {
    const text = encodeStamp(of2);
    for (let at = 0; at < text.length; at++) {
      for (const other of ['0', '1', '/', 'f']) {
        if (text[at] === other) continue;
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        expect(decodeStamp(changed), changed).toBeUndefined();
      }
      expect(decodeStamp(text.slice(0, at) + text.slice(at + 1))).toBeUndefined();
    }
  });

  test.each(['', 'a/1/b', `${VOLUME}/x/${VOLUME}`, `${VOLUME}//${VOLUME}`, `${VOLUME}/1/${VOLUME}/`, '2/a/b'])(
    'is not %j',
    (text) => {
      expect(decodeStamp(text)).toBeUndefined();
      expect(decodeStamp(undefined)).toBeUndefined();
    },
  );
});
