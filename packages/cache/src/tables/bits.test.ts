import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clearBits, countBits, hasAllBits, hasAnyBit, nextClearBit, nextSetBit, setBits } from './bits.js';

const BITS = 130;
const WORDS = Math.ceil(BITS / 32);
/** Words before and after the mask, which must stay as they are. */
const GUARD = 2;

const range = fc.tuple(fc.integer({ min: 0, max: BITS }), fc.integer({ min: 0, max: BITS })).map(([a, b]) => ({
  from: Math.min(a, b),
  to: Math.max(a, b),
}));
const step = fc.record({ sets: fc.boolean(), range });

test('runs of bits are set, cleared, found and counted as in an array of booleans, and nothing beside the mask is touched', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.array(range, { minLength: 1, maxLength: 6 }), (steps, asked) => {
      const words = new Uint32Array(WORDS + 2 * GUARD).fill(0xa5a5a5a5);
      words.fill(0, GUARD, GUARD + WORDS);
      const model: boolean[] = Array(BITS).fill(false);
      for (const { sets, range } of steps) {
        (sets ? setBits : clearBits)(words, GUARD, range.from, range.to);
        model.fill(sets, range.from, range.to);
      }
      for (const { from, to } of asked) {
        const part = model.slice(from, to);
        const at = (index: number) => (index < 0 ? to : from + index);
        expect(hasAllBits(words, GUARD, from, to)).toBe(part.every((bit) => bit));
        expect(hasAnyBit(words, GUARD, from, to)).toBe(part.some((bit) => bit));
        expect(nextSetBit(words, GUARD, from, to)).toBe(at(part.indexOf(true)));
        expect(nextClearBit(words, GUARD, from, to)).toBe(at(part.indexOf(false)));
        expect(countBits(words, GUARD, from, to)).toBe(part.filter((bit) => bit).length);
      }
      for (const guard of [0, 1, GUARD + WORDS, GUARD + WORDS + 1]) expect(words[guard]).toBe(0xa5a5a5a5);
    }),
    { numRuns: 300 },
  );
});

test('a whole word is a run like any other', () => {
  const words = new Uint32Array(2);
  setBits(words, 0, 0, 32);
  expect([...words]).toEqual([0xffffffff, 0]);
  expect([hasAllBits(words, 0, 0, 32), nextClearBit(words, 0, 0, 64), countBits(words, 0, 0, 64)]).toEqual([
    true,
    32,
    32,
  ]);
  clearBits(words, 0, 31, 32);
  expect([...words]).toEqual([0x7fffffff, 0]);
  expect(nextClearBit(words, 0, 0, 31)).toBe(31);
});
