import { expect, test } from 'vitest';
import { LeafArena } from './leaf-arena.js';

const LEAVES = 20;
const WORDS = 30;

/** Gives the leaf a block that is full of a number. */
function fill(arena: LeafArena, leaf: number, value: number): void {
  arena.reserve(WORDS);
  const block = arena.take(leaf, WORDS);
  expect([...arena.words.subarray(block, block + WORDS)]).toEqual([WORDS, ...new Array(WORDS - 1).fill(0)]);
  arena.words.fill(value, block + 1, block + WORDS);
}

test('blocks that are given up leave room for others in the same array, and the rest keep what they hold', () => {
  const arena = new LeafArena(LEAVES);
  for (let leaf = 0; leaf < LEAVES; leaf++) fill(arena, leaf, leaf);
  fill(arena, 0, 0);
  const { words } = arena;
  const values = Array.from({ length: LEAVES }, (_, leaf) => leaf);
  for (let round = 1; round < 500; round++) {
    const leaf = (round * 7) % LEAVES;
    values[leaf] = round;
    fill(arena, leaf, round);
  }
  expect(arena.words).toBe(words);
  for (const [leaf, value] of values.entries()) {
    const block = arena.blockOf(leaf);
    expect([...words.subarray(block + 1, block + WORDS)]).toEqual(new Array(WORDS - 1).fill(value));
  }
});

test('only the last block is made longer where it is', () => {
  const arena = new LeafArena(2);
  arena.reserve(100);
  const first = arena.take(0, 4);
  expect(arena.extend(0, 10)).toBe(true);
  expect([arena.blockOf(0), arena.words[first]]).toEqual([first, 10]);
  expect(arena.take(1, 4)).toBe(first + 10);
  expect(arena.extend(0, 12)).toBe(false);
  expect(arena.extend(1, 4000)).toBe(false);
  arena.drop(0);
  arena.drop(1);
  expect(arena.isEmpty).toBe(true);
});
